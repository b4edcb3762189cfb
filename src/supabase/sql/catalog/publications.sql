SELECT p.oid::int8 AS oid, p.pubname AS name, p.puballtables AS all_tables,
       p.pubinsert AS insert, p.pubupdate AS update, p.pubdelete AS delete, p.pubtruncate AS truncate, p.pubviaroot AS via_root,
       pg_catalog.to_jsonb(p) ->> 'pubgencols' AS generated_columns,
       (SELECT pg_catalog.json_agg(pg_catalog.json_build_object('schema', n.nspname, 'table', c.relname,
            'filter', pg_catalog.pg_get_expr(r.prqual, r.prrelid),
            'columns', (SELECT pg_catalog.json_agg(a.attname ORDER BY a.attnum) FROM pg_catalog.pg_attribute a
                        WHERE a.attrelid = r.prrelid AND a.attnum = ANY (r.prattrs)))
          ORDER BY n.nspname, c.relname)
        FROM pg_catalog.pg_publication_rel r JOIN pg_catalog.pg_class c ON c.oid = r.prrelid
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE r.prpubid = p.oid) AS tables,
       (SELECT pg_catalog.json_agg(n.nspname ORDER BY n.nspname) FROM pg_catalog.pg_publication_namespace s
        JOIN pg_catalog.pg_namespace n ON n.oid = s.pnnspid WHERE s.pnpubid = p.oid) AS schemas
FROM pg_catalog.pg_publication p
ORDER BY p.pubname
