SELECT p.oid::int8 AS oid, p.polrelid::int8 AS table_oid, coalesce(r.schema, f.schema) AS schema, coalesce(r.relname, f.relname) AS "table",
       p.polname AS name, p.polcmd AS command, p.polpermissive AS permissive,
       (SELECT pg_catalog.json_agg(CASE WHEN x = 0 THEN NULL ELSE pg_catalog.pg_get_userbyid(x) END ORDER BY pg_catalog.pg_get_userbyid(x))
        FROM pg_catalog.unnest(p.polroles) x) AS roles,
       pg_catalog.pg_get_expr(p.polqual, p.polrelid) AS "using", pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) AS "check"
FROM pg_catalog.pg_policy p
LEFT JOIN rel r ON r.oid = p.polrelid
LEFT JOIN foreign_table f ON f.oid = p.polrelid
WHERE r.oid IS NOT NULL OR f.oid IS NOT NULL
ORDER BY 3, 4, p.polname
