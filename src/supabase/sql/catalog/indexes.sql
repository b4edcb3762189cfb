SELECT i.indexrelid::int8 AS oid, i.indrelid::int8 AS table_oid, c.relname AS name, c.schema,
       pg_catalog.pg_get_indexdef(i.indexrelid) AS definition, i.indisclustered AS clustered, i.indisreplident AS replica_identity,
       i.indisvalid AS valid, c.relkind AS kind, c.reltablespace <> 0 AS in_tablespace,
       (SELECT k.oid::int8 FROM pg_catalog.pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')
        AND k.conrelid = i.indrelid LIMIT 1) AS constraint_oid,
       (SELECT h.inhparent::int8 FROM pg_catalog.pg_inherits h WHERE h.inhrelid = i.indexrelid) AS parent,
       (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(a.attnum, a.attstattarget) ORDER BY a.attnum) FROM pg_catalog.pg_attribute a
        WHERE a.attrelid = i.indexrelid AND a.attstattarget >= 0) AS statistics,
       c.reloptions AS options
FROM pg_catalog.pg_index i JOIN rel c ON c.oid = i.indexrelid
WHERE i.indrelid IN (SELECT oid FROM rel WHERE relkind IN ('r', 'p', 'm'))
ORDER BY c.schema, c.relname
