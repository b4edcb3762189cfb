-- Default privileges of the project's roles; the platform sets its own in every project.
SELECT d.oid::int8 AS oid, pg_catalog.pg_get_userbyid(d.defaclrole) AS role, n.nspname AS schema, d.defaclobjtype AS kind,
       d.defaclacl::text[] AS acl
FROM pg_catalog.pg_default_acl d LEFT JOIN pg_catalog.pg_namespace n ON n.oid = d.defaclnamespace
WHERE d.defaclrole NOT IN (SELECT oid FROM platform_role)
ORDER BY 2, 3, 4
