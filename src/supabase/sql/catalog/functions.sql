-- Functions, procedures and window functions, as the server itself writes them: bodies byte for byte.
SELECT p.oid::int8 AS oid, p.schema, p.proname AS name, p.owner_name AS owner, p.prokind AS kind,
       pg_catalog.pg_get_function_identity_arguments(p.oid) AS arguments,
       pg_catalog.pg_get_functiondef(p.oid) AS definition, p.proacl::text[] AS acl, p.proleakproof AS leakproof,
       (SELECT l.lanname FROM pg_catalog.pg_language l WHERE l.oid = p.prolang) AS language
FROM fn p WHERE p.prokind IN ('f', 'p', 'w')
ORDER BY p.schema, p.proname, p.oid
