SELECT coalesce(json_agg(json_build_object(
    'schema', n.nspname,
    'name', c.relname,
    'last_value', substring(s.state FROM '<last_value>(-?[0-9]+)</last_value>'),
    'is_called', substring(s.state FROM '<is_called>([a-z]+)</is_called>') = 'true'
  ) ORDER BY n.nspname, c.relname), '[]'::json)::text AS answer
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
-- pg_sequences does not show the position of a sequence that was set and not yet used; the sequence does
CROSS JOIN LATERAL (SELECT CASE WHEN has_sequence_privilege(c.oid, 'SELECT') THEN
  query_to_xml(format('SELECT last_value, is_called FROM %I.%I', n.nspname, c.relname), false, false, '')::text END) AS s(state)
WHERE c.relkind = 'S' AND n.nspname = ANY ({schemas})
