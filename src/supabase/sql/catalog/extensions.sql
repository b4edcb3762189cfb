-- Every extension: those that a new project has already are asked for with IF NOT EXISTS.
SELECT e.oid::int8 AS oid, e.extname AS name, n.nspname AS schema, e.extrelocatable AS relocatable,
       EXISTS (SELECT FROM member m WHERE m.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
               AND m.objid = e.extnamespace) AS makes_schema
FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
WHERE e.extname <> 'plpgsql'
ORDER BY e.extname
