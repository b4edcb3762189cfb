-- Enums, composites, domains and ranges. Row types of tables, arrays and multiranges come by themselves.
SELECT t.oid::int8 AS oid, t.schema, t.typname AS name, t.owner_name AS owner, t.typtype AS kind, t.typacl::text[] AS acl,
       t.typrelid::int8 AS relation,
       (SELECT pg_catalog.json_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid) AS labels,
       (SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
            'number', a.attnum, 'name', a.attname, 'type', pg_catalog.format_type(a.atttypid, a.atttypmod),
            'collation', CASE WHEN a.attcollation <> ct.typcollation THEN
              (SELECT pg_catalog.format('%I.%I', cn.nspname, co.collname) FROM pg_catalog.pg_collation co
               JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace WHERE co.oid = a.attcollation) END)
          ORDER BY a.attnum)
        FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type ct ON ct.oid = a.atttypid
        WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped) AS attributes,
       CASE WHEN t.typtype = 'd' THEN pg_catalog.format_type(t.typbasetype, t.typtypmod) END AS base,
       CASE WHEN t.typtype = 'd' AND t.typcollation <> (SELECT b.typcollation FROM pg_catalog.pg_type b WHERE b.oid = t.typbasetype) THEN
         (SELECT pg_catalog.format('%I.%I', cn.nspname, co.collname) FROM pg_catalog.pg_collation co
          JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace WHERE co.oid = t.typcollation) END AS collation,
       t.typnotnull AS not_null,
       coalesce(pg_catalog.pg_get_expr(t.typdefaultbin, 'pg_catalog.pg_type'::pg_catalog.regclass),
                pg_catalog.quote_literal(t.typdefault)) AS "default",
       (SELECT pg_catalog.json_agg(pg_catalog.json_build_object('oid', c.oid::int8, 'name', c.conname, 'kind', c.contype,
               'definition', pg_catalog.pg_get_constraintdef(c.oid), 'validated', c.convalidated) ORDER BY c.conname)
        FROM pg_catalog.pg_constraint c WHERE c.contypid = t.oid) AS constraints,
       (SELECT pg_catalog.json_build_object(
            'subtype', pg_catalog.format_type(r.rngsubtype, NULL),
            'opclass', (SELECT pg_catalog.format('%I.%I', on_.nspname, o.opcname) FROM pg_catalog.pg_opclass o
                        JOIN pg_catalog.pg_namespace on_ ON on_.oid = o.opcnamespace WHERE o.oid = r.rngsubopc AND NOT o.opcdefault),
            'collation', CASE WHEN r.rngcollation <> (SELECT s.typcollation FROM pg_catalog.pg_type s WHERE s.oid = r.rngsubtype) THEN
              (SELECT pg_catalog.format('%I.%I', cn.nspname, co.collname) FROM pg_catalog.pg_collation co
               JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace WHERE co.oid = r.rngcollation) END,
            'canonical', CASE WHEN r.rngcanonical::oid <> 0 THEN r.rngcanonical::pg_catalog.regproc::text END,
            'diff', CASE WHEN r.rngsubdiff::oid <> 0 THEN r.rngsubdiff::pg_catalog.regproc::text END,
            'multirange', (SELECT pg_catalog.format('%I.%I', mn.nspname, m.typname) FROM pg_catalog.pg_type m
                           JOIN pg_catalog.pg_namespace mn ON mn.oid = m.typnamespace WHERE m.oid = r.rngmultitypid))
        FROM pg_catalog.pg_range r WHERE r.rngtypid = t.oid) AS range
FROM typ t
WHERE t.typtype IN ('e', 'd', 'r')
   OR (t.typtype = 'c' AND EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = t.typrelid AND c.relkind = 'c'))
ORDER BY t.schema, t.typname
