-- Comments of everything that this catalog shows; the reader attaches them by class and oid.
SELECT d.classoid::pg_catalog.regclass::text AS class, d.objoid::int8 AS oid, d.objsubid AS sub, d.description AS text
FROM pg_catalog.pg_description d
WHERE d.objoid >= 16384
  AND NOT EXISTS (SELECT FROM member e WHERE e.classid = d.classoid AND e.objid = d.objoid)
ORDER BY 1, 2, 3
