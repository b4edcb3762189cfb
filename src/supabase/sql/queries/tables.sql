WITH RECURSIVE domains(oid, base) AS (
  SELECT t.oid, t.typbasetype FROM pg_catalog.pg_type AS t WHERE t.typtype = 'd'
  UNION ALL
  SELECT d.oid, t.typbasetype FROM domains AS d JOIN pg_catalog.pg_type AS t ON t.oid = d.base WHERE t.typtype = 'd'
), bottom AS (
  SELECT d.oid, d.base FROM domains AS d JOIN pg_catalog.pg_type AS t ON t.oid = d.base WHERE t.typtype <> 'd'
), api AS (
  SELECT (SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname = 'service_role') AS oid
), found AS (
  SELECT c.*, n.nspname, n.oid AS nsp
  FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'f', 'm') AND c.relpersistence <> 't' AND {user_table}
), columns AS (
  SELECT a.attrelid, json_agg(json_build_object(
    'name', a.attname,
    'type', CASE
      WHEN t.typtype = 'd' AND b.typnamespace = 'pg_catalog'::pg_catalog.regnamespace THEN format_type(b.oid, NULL)
      WHEN t.typnamespace = 'pg_catalog'::pg_catalog.regnamespace THEN format_type(t.oid, NULL)
      ELSE format_type(a.atttypid, a.atttypmod) END,
    'not_null', a.attnotnull OR t.typnotnull,
    'labels', (SELECT json_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_catalog.pg_enum AS e
      WHERE e.enumtypid = coalesce(b.oid, t.oid)),
    'max_length', CASE
      WHEN a.atttypmod = -1 THEN NULL
      WHEN t.oid IN ('pg_catalog.bpchar'::pg_catalog.regtype, 'pg_catalog.varchar'::pg_catalog.regtype) THEN a.atttypmod - 4
      WHEN t.oid IN ('pg_catalog.bit'::pg_catalog.regtype, 'pg_catalog.varbit'::pg_catalog.regtype) THEN a.atttypmod END,
    'comment', col_description(a.attrelid, a.attnum),
    'granted', coalesce(has_column_privilege(api.oid, a.attrelid, a.attnum, 'SELECT'), false)
  ) ORDER BY a.attnum) AS list
  FROM found
  JOIN pg_catalog.pg_attribute AS a ON a.attrelid = found.oid AND a.attnum > 0 AND NOT a.attisdropped
  JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
  LEFT JOIN bottom AS d ON d.oid = t.oid
  LEFT JOIN pg_catalog.pg_type AS b ON b.oid = d.base
  CROSS JOIN api
  GROUP BY a.attrelid
)
SELECT json_build_object(
  'schemas', (SELECT coalesce(json_agg(json_build_object(
      'name', n.nspname,
      'granted', coalesce(has_schema_privilege(api.oid, n.oid, 'USAGE'), false)) ORDER BY n.nspname), '[]'::json)
    FROM pg_catalog.pg_namespace AS n CROSS JOIN api
    WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'),
  'tables', (SELECT coalesce(json_agg(json_build_object(
      'oid', f.oid::bigint,
      'schema', f.nspname,
      'name', f.relname,
      'kind', f.relkind,
      'owner', pg_get_userbyid(f.relowner),
      'schema_granted', coalesce(has_schema_privilege(api.oid, f.nsp, 'USAGE'), false),
      'granted', coalesce(has_table_privilege(api.oid, f.oid, 'SELECT'), false),
      'partition_of', CASE WHEN f.relispartition THEN (SELECT pg_partition_root(f.oid)::oid::bigint) END,
      'parents', (SELECT json_agg(i.inhparent::bigint ORDER BY i.inhseqno) FROM pg_catalog.pg_inherits AS i
        WHERE i.inhrelid = f.oid),
      'pages', f.relpages,
      'rows', nullif(f.reltuples, -1)::bigint,
      'comment', obj_description(f.oid, 'pg_class'),
      'key', (SELECT json_agg(a.attname ORDER BY k.place)
        FROM pg_catalog.pg_index AS x
        CROSS JOIN unnest(x.indkey::int2[]) WITH ORDINALITY AS k(attnum, place)
        JOIN pg_catalog.pg_attribute AS a ON a.attrelid = f.oid AND a.attnum = k.attnum
        WHERE x.indrelid = f.oid AND x.indisprimary AND k.place <= x.indnkeyatts),
      'columns', coalesce(cols.list, '[]'::json)
    ) ORDER BY f.nspname, f.relname), '[]'::json)
    FROM found AS f LEFT JOIN columns AS cols ON cols.attrelid = f.oid CROSS JOIN api)
)::text AS answer
