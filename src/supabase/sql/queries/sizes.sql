SELECT json_build_object(
  'database', pg_catalog.pg_database_size(pg_catalog.current_database()),
  'tables', (SELECT coalesce(json_agg(json_build_object(
      'schema', n.nspname,
      'name', c.relname,
      'bytes', CASE WHEN c.relkind = 'p'
        THEN (SELECT coalesce(sum(pg_catalog.pg_total_relation_size(t.relid)), 0)::bigint FROM pg_catalog.pg_partition_tree(c.oid) AS t)
        ELSE pg_catalog.pg_total_relation_size(c.oid) END
    )), '[]'::json)
    FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND {user_table})
)::text AS answer
