DECLARE
  answer text;
  named CONSTANT text := 'x.ctid = ANY ($2) AND EXISTS (SELECT FROM
    ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2), pg_catalog.unnest($3)) AS v(o, t, w)
    WHERE v.o = x.tableoid AND v.t = x.ctid AND v.w = x.xmin)';
  statement text;
  gone bigint;
  held bigint;
  reference record;
BEGIN
  {own_table}
  statement := format('WITH w AS (DELETE FROM %I.%I AS x WHERE %s RETURNING 1) SELECT pg_catalog.count(*) FROM w',
    table_schema, table_name, named);
  IF quiet THEN
    -- Foreign keys are quiet too: nobody else would notice a row that refers to one of these. The locks keep
    -- new ones from coming.
    EXECUTE format('SELECT FROM %I.%I AS x WHERE %s FOR UPDATE', table_schema, table_name, named) USING oids, tids, xmins;
    FOR reference IN
      SELECT k.conname, n.nspname, c.relname, j.condition,
        format('%s %I.%I', CASE WHEN c.relkind = 'p' THEN '' ELSE 'ONLY' END, n.nspname, c.relname) AS child,
        format('%s %I.%I', CASE WHEN p.relkind = 'p' THEN '' ELSE 'ONLY' END, pn.nspname, p.relname) AS parent
      FROM pg_catalog.pg_constraint AS k
      JOIN pg_catalog.pg_class AS c ON c.oid = k.conrelid
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
      JOIN pg_catalog.pg_class AS p ON p.oid = k.confrelid
      JOIN pg_catalog.pg_namespace AS pn ON pn.oid = p.relnamespace
      JOIN pg_catalog.pg_class AS r ON r.oid = coalesce(pg_partition_root(c.oid), c.oid)
      JOIN pg_catalog.pg_namespace AS rn ON rn.oid = r.relnamespace
      CROSS JOIN LATERAL (
        SELECT string_agg(format('x.%I OPERATOR(%I.%s) c.%I', pa.attname, o_n.nspname,
          -- spans of time that touch the one that goes away
          CASE WHEN u.place = cardinality(k.conkey) AND (to_jsonb(k) ->> 'conperiod')::boolean THEN '&&' ELSE o.oprname END,
          ca.attname), ' AND ' ORDER BY u.place)
        FROM unnest(k.conkey, k.confkey, k.conpfeqop) WITH ORDINALITY AS u(own, other, operator, place)
        JOIN pg_catalog.pg_attribute AS ca ON ca.attrelid = k.conrelid AND ca.attnum = u.own
        JOIN pg_catalog.pg_attribute AS pa ON pa.attrelid = k.confrelid AND pa.attnum = u.other
        JOIN pg_catalog.pg_operator AS o ON o.oid = u.operator
        JOIN pg_catalog.pg_namespace AS o_n ON o_n.oid = o.oprnamespace
      ) AS j(condition)
      WHERE k.contype = 'f' AND k.conparentid = 0
        AND k.confrelid IN (SELECT v.o FROM unnest(oids) AS v(o)
          UNION SELECT a.relid::oid FROM unnest(oids) AS v(o) CROSS JOIN LATERAL pg_partition_ancestors(v.o) AS a(relid))
        AND (rn.nspname, r.relname) <> (table_schema, table_name)
        AND NOT EXISTS (SELECT FROM json_to_recordset(restored::json) AS w(schema text, name text)
          WHERE (w.schema, w.name) IN ((rn.nspname, r.relname), (n.nspname, c.relname)))
      ORDER BY n.nspname, c.relname, k.conname
    LOOP
      EXECUTE format('SELECT count(*) FROM %s AS c WHERE EXISTS (SELECT FROM %s AS x WHERE %s AND %s)',
        reference.child, reference.parent, named, reference.condition) INTO held USING oids, tids, xmins;
      IF held > 0 THEN
        RAISE EXCEPTION USING ERRCODE = 'foreign_key_violation', MESSAGE = format(
          'still referred to from %I.%I (foreign key %I, rows there: %s)',
          reference.nspname, reference.relname, reference.conname, held);
      END IF;
    END LOOP;
  END IF;
  PERFORM set_config('search_path', format('%I, public, extensions', table_schema), true);
  IF quiet THEN
    SET LOCAL session_replication_role = replica;
  END IF;
  EXECUTE statement INTO gone USING oids, tids, xmins;
  IF rehearse THEN
    SET CONSTRAINTS ALL IMMEDIATE;
    RAISE EXCEPTION USING ERRCODE = '{rehearsed}', MESSAGE = pg_catalog.format('rehearsed %s rows', gone);
  END IF;
  answer := pg_catalog.json_build_object('rows', gone)::pg_catalog.text;
  {answer}
END
