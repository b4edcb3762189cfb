-- Roles that are not the platform's and not PostgreSQL's own.
SELECT r.oid::int8 AS oid, r.rolname AS name, r.rolcanlogin AS login, r.rolinherit AS inherit,
       r.rolbypassrls AS bypass_rls, r.rolcreatedb AS create_db, r.rolcreaterole AS create_role,
       (SELECT pg_catalog.json_agg(g.rolname ORDER BY g.rolname) FROM pg_catalog.pg_auth_members m
        JOIN pg_catalog.pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid) AS member_of
FROM pg_catalog.pg_roles r
WHERE r.rolname NOT LIKE 'pg\_%' AND r.oid NOT IN (SELECT oid FROM platform_role)
  AND r.rolname NOT IN ('postgres', 'anon', 'authenticated', 'service_role')
ORDER BY r.rolname
