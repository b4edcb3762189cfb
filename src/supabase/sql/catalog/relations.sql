-- Tables, partitioned tables, foreign tables, views and materialized views, with their columns.
SELECT c.oid::int8 AS oid, c.schema, c.relname AS name, c.owner_name AS owner, c.relkind AS kind, c.relpersistence AS persistence,
       c.relacl::text[] AS acl, c.reloptions AS options,
       (SELECT t.reloptions FROM pg_catalog.pg_class t WHERE t.oid = c.reltoastrelid) AS toast_options,
       c.relrowsecurity AS row_security, c.relforcerowsecurity AS force_row_security, c.relreplident AS replica_identity,
       c.relispartition AS is_partition, pg_catalog.pg_get_expr(c.relpartbound, c.oid) AS bound,
       CASE WHEN c.relkind = 'p' THEN pg_catalog.pg_get_partkeydef(c.oid) END AS partition_key,
       (SELECT pg_catalog.json_agg(i.inhparent::int8 ORDER BY i.inhseqno) FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid) AS parents,
       CASE WHEN c.reloftype <> 0 THEN pg_catalog.format_type(c.reloftype, NULL) END AS of_type,
       (SELECT am.amname FROM pg_catalog.pg_am am WHERE am.oid = c.relam AND am.amname <> 'heap') AS access_method,
       c.reltablespace <> 0 AS in_tablespace, c.relispopulated AS populated,
       CASE WHEN c.relkind IN ('v', 'm') THEN pg_catalog.pg_get_viewdef(c.oid) END AS definition,
       (SELECT pg_catalog.json_build_object('server', s.srvname, 'options', f.ftoptions) FROM pg_catalog.pg_foreign_table f
        JOIN pg_catalog.pg_foreign_server s ON s.oid = f.ftserver WHERE f.ftrelid = c.oid) AS "foreign",
       (SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
            'number', a.attnum, 'name', a.attname, 'type', pg_catalog.format_type(a.atttypid, a.atttypmod),
            'not_null', a.attnotnull, 'local', a.attislocal, 'inherited', a.attinhcount > 0,
            'default', pg_catalog.pg_get_expr(d.adbin, d.adrelid), 'default_oid', d.oid::int8,
            'identity', a.attidentity, 'generated', a.attgenerated,
            'collation', CASE WHEN a.attcollation <> t.typcollation THEN
              (SELECT pg_catalog.format('%I.%I', cn.nspname, co.collname) FROM pg_catalog.pg_collation co
               JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace WHERE co.oid = a.attcollation) END,
            'storage', CASE WHEN a.attstorage <> t.typstorage THEN a.attstorage END,
            'compression', nullif(a.attcompression, ''), 'statistics', CASE WHEN a.attstattarget >= 0 THEN a.attstattarget END,
            'options', a.attoptions, 'foreign_options', a.attfdwoptions, 'acl', a.attacl::text[],
            'not_null_name', n.conname, 'not_null_local', n.conislocal, 'not_null_no_inherit', n.connoinherit,
            'not_null_validated', n.convalidated)
          ORDER BY a.attnum)
        FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
        LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        -- constraints of this kind are there from 18 on
        LEFT JOIN pg_catalog.pg_constraint n ON n.conrelid = a.attrelid AND n.contype = 'n' AND n.conkey = ARRAY[a.attnum]
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
FROM rel c WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm')
ORDER BY c.schema, c.relname
