-- Foreign servers. Whose wrapper is not an extension's cannot be made without a superuser.
SELECT s.oid::int8 AS oid, s.srvname AS name, pg_catalog.pg_get_userbyid(s.srvowner) AS owner, w.fdwname AS wrapper,
       s.srvtype AS type, s.srvversion AS version, s.srvoptions AS options, s.srvacl::text[] AS acl,
       (SELECT pg_catalog.json_agg(u.usename ORDER BY u.usename) FROM pg_catalog.pg_user_mappings u WHERE u.srvid = s.oid) AS mappings
FROM pg_catalog.pg_foreign_server s JOIN pg_catalog.pg_foreign_data_wrapper w ON w.oid = s.srvfdw
WHERE NOT EXISTS (SELECT FROM member e WHERE e.classid = 'pg_catalog.pg_foreign_server'::pg_catalog.regclass AND e.objid = s.oid)
ORDER BY s.srvname
