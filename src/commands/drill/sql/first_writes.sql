-- Tries a first row in every table, and takes it back: the values of another row where nothing fills a column by itself.
-- Triggers stay quiet, because what they do outside of the database cannot be taken back.
CREATE FUNCTION pg_temp.supabackup_first_writes() RETURNS TABLE (schema name, tab name, outcome text, told text)
  LANGUAGE plpgsql AS $supabackup$
DECLARE
  t record;
  counter record;
  is_taken boolean;
BEGIN
  SET LOCAL session_replication_role = replica;
  SET LOCAL row_security = off;
  FOR t IN
    SELECT c.oid, n.nspname, c.relname, format('%I.%I', n.nspname, c.relname) AS name,
      (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_catalog.pg_attribute a
       WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND a.attidentity = ''
         AND NOT a.atthasdef) AS others
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname NOT IN ('pg_catalog', 'information_schema')
      AND n.nspname NOT LIKE 'pg\_temp%'
    ORDER BY 2, 3
  LOOP
    schema := t.nspname; tab := t.relname; told := NULL;
    BEGIN
      -- a table may be empty
      EXECUTE format('SELECT true FROM %s LIMIT 1', t.name) INTO is_taken;
      IF t.others IS NULL THEN
        EXECUTE format('INSERT INTO %s DEFAULT VALUES', t.name);
      ELSIF is_taken THEN
        EXECUTE format('INSERT INTO %s (%s) SELECT %2$s FROM (SELECT * FROM %1$s LIMIT 1) AS x', t.name, t.others);
      ELSE
        EXECUTE format('INSERT INTO %s DEFAULT VALUES', t.name);
      END IF;
      RAISE EXCEPTION SQLSTATE 'ZZ999' USING MESSAGE = 'taken back';
    EXCEPTION
      WHEN SQLSTATE 'ZZ999' THEN
        outcome := 'works';
      WHEN unique_violation THEN
        outcome := 'refused'; told := SQLERRM;
        -- which of several constraints speaks first depends on the order of indexes: ask for the counter's own
        FOR counter IN SELECT n.col, n.seq_schema, n.seq FROM pg_temp.supabackup_numbered() n WHERE n.schema = t.nspname AND n.tab = t.relname LOOP
          EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE %I = (SELECT last_value FROM %I.%I))', t.name, counter.col, counter.seq_schema, counter.seq)
            INTO is_taken;
          IF is_taken THEN
            outcome := 'taken'; told := counter.col;
          END IF;
        END LOOP;
      WHEN OTHERS THEN
        outcome := 'refused'; told := CASE WHEN SQLSTATE LIKE '22%' THEN 'a value is not allowed' ELSE SQLERRM END;
    END;
    RETURN NEXT;
  END LOOP;
END $supabackup$;
SELECT * FROM pg_temp.supabackup_first_writes();
