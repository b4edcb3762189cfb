-- The column of the locale has had several names: 15 and 16 colliculocale, from 17 on colllocale.
SELECT c.oid::int8 AS oid, m.schema, c.collname AS name, m.owner_name AS owner, c.collprovider AS provider,
       c.collisdeterministic AS deterministic, c.collcollate AS lc_collate, c.collctype AS lc_ctype,
       coalesce(pg_catalog.to_jsonb(c) ->> 'colllocale', pg_catalog.to_jsonb(c) ->> 'colliculocale') AS locale,
       pg_catalog.to_jsonb(c) ->> 'collicurules' AS rules
FROM pg_catalog.pg_collation c JOIN mine m ON m.ns = c.collnamespace AND m.owner = c.collowner
WHERE NOT EXISTS (SELECT FROM member e WHERE e.classid = 'pg_catalog.pg_collation'::pg_catalog.regclass AND e.objid = c.oid)
ORDER BY m.schema, c.collname
