-- Every column that counts by itself, its highest value, and where its sequence stands.
CREATE FUNCTION pg_temp.supabackup_numbered() RETURNS TABLE (schema name, tab name, col name, seq_schema name, seq name,
    top text, last_value text, is_called boolean, descends boolean, cycles boolean) LANGUAGE plpgsql AS $supabackup$
DECLARE
  c record;
BEGIN
  FOR c IN
    SELECT n.nspname, t.relname, a.attname, sn.nspname AS sequence_schema, s.relname AS sequence, q.seqincrement < 0 AS is_down, q.seqcycle
    FROM pg_catalog.pg_class t
    JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
    JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN LATERAL (
      SELECT d.objid AS oid FROM pg_catalog.pg_depend d
      WHERE a.attidentity <> '' AND d.classid = 'pg_catalog.pg_class'::regclass AND d.refclassid = 'pg_catalog.pg_class'::regclass
        AND d.refobjid = t.oid AND d.refobjsubid = a.attnum AND d.deptype = 'i'
      UNION
      SELECT d.refobjid FROM pg_catalog.pg_attrdef x
      JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_attrdef'::regclass AND d.objid = x.oid
        AND d.refclassid = 'pg_catalog.pg_class'::regclass
      WHERE x.adrelid = t.oid AND x.adnum = a.attnum AND pg_catalog.pg_get_expr(x.adbin, x.adrelid) LIKE 'nextval(%'
    ) AS of_column ON true
    JOIN pg_catalog.pg_class s ON s.oid = of_column.oid AND s.relkind = 'S'
    JOIN pg_catalog.pg_namespace sn ON sn.oid = s.relnamespace
    JOIN pg_catalog.pg_sequence q ON q.seqrelid = s.oid
    WHERE t.relkind IN ('r', 'p') AND NOT t.relispartition AND n.nspname NOT IN ('pg_catalog', 'information_schema')
      AND n.nspname NOT LIKE 'pg\_temp%'
    ORDER BY 1, 2, 3
  LOOP
    EXECUTE format('SELECT (SELECT %s(%I)::text FROM %I.%I), last_value::text, is_called FROM %I.%I',
      CASE WHEN c.is_down THEN 'min' ELSE 'max' END, c.attname, c.nspname, c.relname, c.sequence_schema, c.sequence)
      INTO top, last_value, is_called;
    schema := c.nspname; tab := c.relname; col := c.attname; seq_schema := c.sequence_schema; seq := c.sequence;
    descends := c.is_down; cycles := c.seqcycle;
    RETURN NEXT;
  END LOOP;
END $supabackup$;
SELECT * FROM pg_temp.supabackup_numbered();
