SELECT coalesce(json_agg(json_build_object(
    'schema', q.nspname, 'table', q.relname, 'constraint', q.conname, 'validated', q.validated, 'rows', q.orphans
  ) ORDER BY q.nspname, q.relname, q.conname), '[]'::json)::text AS answer
FROM (
  SELECT n.nspname, c.relname, k.conname,
    k.convalidated AND coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true) AS validated,
    -- a key over spans of time is left open: one row may need several of the other table
    CASE WHEN coalesce((to_jsonb(k) ->> 'conperiod')::boolean, false) THEN NULL ELSE
      substring(query_to_xml(format('SELECT count(*) AS orphans FROM %s %I.%I AS c WHERE %s AND NOT EXISTS (SELECT FROM %s %I.%I AS p WHERE %s)',
        CASE WHEN c.relkind = 'p' THEN '' ELSE 'ONLY' END, n.nspname, c.relname,
        -- MATCH FULL: all of them or none
        format(CASE WHEN k.confmatchtype = 'f' THEN 'num_nonnulls(%s) > 0' ELSE 'num_nulls(%s) = 0' END, j.columns),
        CASE WHEN p.relkind = 'p' THEN '' ELSE 'ONLY' END, pn.nspname, p.relname, j.condition
      ), false, false, '')::text FROM '<orphans>([0-9]+)</orphans>')::bigint END AS orphans
  FROM json_to_recordset({tables}::json) AS wanted(schema text, name text)
  JOIN pg_catalog.pg_namespace AS rn ON rn.nspname = wanted.schema
  JOIN pg_catalog.pg_class AS r ON r.relnamespace = rn.oid AND r.relname = wanted.name AND r.relkind IN ('r', 'p')
  CROSS JOIN LATERAL (SELECT r.oid UNION SELECT t.relid::oid FROM pg_partition_tree(r.oid) AS t) AS tree(oid)
  JOIN pg_catalog.pg_class AS c ON c.oid = tree.oid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_constraint AS k ON k.conrelid = c.oid AND k.contype = 'f' AND k.conparentid = 0
  JOIN pg_catalog.pg_class AS p ON p.oid = k.confrelid
  JOIN pg_catalog.pg_namespace AS pn ON pn.oid = p.relnamespace
  CROSS JOIN LATERAL (
    SELECT string_agg(format('p.%I OPERATOR(%I.%s) c.%I', pa.attname, o_n.nspname, o.oprname, ca.attname), ' AND ' ORDER BY u.place),
      string_agg(format('c.%I', ca.attname), ', ' ORDER BY u.place)
    FROM unnest(k.conkey, k.confkey, k.conpfeqop) WITH ORDINALITY AS u(own, other, operator, place)
    JOIN pg_catalog.pg_attribute AS ca ON ca.attrelid = k.conrelid AND ca.attnum = u.own
    JOIN pg_catalog.pg_attribute AS pa ON pa.attrelid = k.confrelid AND pa.attnum = u.other
    JOIN pg_catalog.pg_operator AS o ON o.oid = u.operator
    JOIN pg_catalog.pg_namespace AS o_n ON o_n.oid = o.oprnamespace
  ) AS j(condition, columns)
  WHERE {user_table}
) AS q
WHERE q.orphans IS DISTINCT FROM 0
