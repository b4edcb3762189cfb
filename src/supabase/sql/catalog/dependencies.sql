-- Who needs whom, among objects that are neither the server's own nor an extension's.
SELECT DISTINCT d.classid::pg_catalog.regclass::text AS class, d.objid::int8 AS oid, d.refclassid::pg_catalog.regclass::text AS on_class,
       d.refobjid::int8 AS on_oid
FROM pg_catalog.pg_depend d
WHERE d.deptype IN ('n', 'a', 'i', 'P', 'S') AND d.objid >= 16384 AND d.refobjid >= 16384
  AND NOT EXISTS (SELECT FROM member e WHERE e.classid = d.classid AND e.objid = d.objid)
ORDER BY 1, 2, 3, 4
