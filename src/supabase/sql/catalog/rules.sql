SELECT r.oid::int8 AS oid, r.ev_class::int8 AS table_oid, c.schema, c.relname AS "table", r.rulename AS name,
       pg_catalog.pg_get_ruledef(r.oid) AS definition, r.ev_enabled AS enabled
FROM pg_catalog.pg_rewrite r JOIN rel c ON c.oid = r.ev_class
WHERE NOT (c.relkind IN ('v', 'm') AND r.ev_type = '1' AND r.is_instead AND r.rulename = '_RETURN')
ORDER BY c.schema, c.relname, r.rulename
