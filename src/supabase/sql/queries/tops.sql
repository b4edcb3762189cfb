SELECT coalesce(json_agg(json_build_object(
    'schema', w.schema,
    'table', w.relation,
    'column', w.attribute,
    'sequence_schema', sn.nspname,
    'sequence', q.relname,
    'increment', s.seqincrement::text,
    'top', substring(x.state FROM '<top>(-?[0-9]+)</top>'),
    'last_value', substring(x.state FROM '<last_value>(-?[0-9]+)</last_value>'),
    'is_called', substring(x.state FROM '<is_called>([a-z]+)</is_called>') = 'true'
  ) ORDER BY w.schema, w.relation, w.attribute), '[]'::json)::text AS answer
FROM json_to_recordset({columns}::json) AS w(schema text, relation text, attribute text, sequence text)
JOIN pg_catalog.pg_namespace AS n ON n.nspname = w.schema
JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = w.relation AND c.relkind IN ('r', 'p')
-- an identity column's sequence is its own; another one stands in the column's default
JOIN pg_catalog.pg_class AS q ON q.relkind = 'S' AND q.oid = coalesce(to_regclass(w.sequence),
  pg_get_serial_sequence(format('%I.%I', w.schema, w.relation), w.attribute)::pg_catalog.regclass)
JOIN pg_catalog.pg_namespace AS sn ON sn.oid = q.relnamespace
JOIN pg_catalog.pg_sequence AS s ON s.seqrelid = q.oid
CROSS JOIN LATERAL (SELECT query_to_xml(format(
    'SELECT (SELECT %s(%I) FROM %I.%I) AS top, last_value, is_called FROM %I.%I',
    CASE WHEN s.seqincrement > 0 THEN 'max' ELSE 'min' END, w.attribute, w.schema, w.relation, sn.nspname, q.relname
  ), false, false, '')::text) AS x(state)
WHERE {user_table}
