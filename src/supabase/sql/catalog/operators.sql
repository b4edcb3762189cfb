SELECT o.oid::int8 AS oid, m.schema, o.oprname AS name, m.owner_name AS owner,
       CASE WHEN o.oprleft <> 0 THEN pg_catalog.format_type(o.oprleft, NULL) END AS "left",
       CASE WHEN o.oprright <> 0 THEN pg_catalog.format_type(o.oprright, NULL) END AS "right",
       o.oprcode::pg_catalog.regproc::text AS function,
       (SELECT pg_catalog.format('OPERATOR(%I.%s)', n.nspname, x.oprname) FROM pg_catalog.pg_operator x
        JOIN pg_catalog.pg_namespace n ON n.oid = x.oprnamespace WHERE x.oid = o.oprcom) AS commutator,
       (SELECT pg_catalog.format('OPERATOR(%I.%s)', n.nspname, x.oprname) FROM pg_catalog.pg_operator x
        JOIN pg_catalog.pg_namespace n ON n.oid = x.oprnamespace WHERE x.oid = o.oprnegate) AS negator,
       CASE WHEN o.oprrest::oid <> 0 THEN o.oprrest::pg_catalog.regproc::text END AS restrict,
       CASE WHEN o.oprjoin::oid <> 0 THEN o.oprjoin::pg_catalog.regproc::text END AS "join",
       o.oprcanmerge AS merges, o.oprcanhash AS hashes
FROM pg_catalog.pg_operator o JOIN mine m ON m.ns = o.oprnamespace AND m.owner = o.oprowner
WHERE o.oprcode::oid <> 0
  AND NOT EXISTS (SELECT FROM member e WHERE e.classid = 'pg_catalog.pg_operator'::pg_catalog.regclass AND e.objid = o.oid)
ORDER BY m.schema, o.oprname, o.oid
