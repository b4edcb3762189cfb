-- Sequences with their exact position, which stands in the sequence itself: `query_to_xml` reads it
-- without dynamic SQL of our own. What fails there fails the whole statement; nothing is passed over.
SELECT c.oid::int8 AS oid, c.schema, c.relname AS name, c.owner_name AS owner, c.relacl::text[] AS acl,
       c.relpersistence AS persistence, pg_catalog.format_type(s.seqtypid, NULL) AS type, s.seqstart::text AS start, s.seqincrement::text AS increment,
       s.seqmin::text AS minimum, s.seqmax::text AS maximum, s.seqcache::text AS cache, s.seqcycle AS cycle,
       d.deptype AS ownership, d.refobjid::int8 AS table_oid, a.attname AS column,
       a.attidentity AS identity,
       pg_catalog.substring(p.xml, '<last_value>(-?[0-9]+)</last_value>') AS last_value,
       pg_catalog.substring(p.xml, '<is_called>(true|false)</is_called>') = 'true' AS is_called
FROM rel c JOIN pg_catalog.pg_sequence s ON s.seqrelid = c.oid
-- OFFSET 0: read once, though it is used twice
CROSS JOIN LATERAL (SELECT pg_catalog.query_to_xml(
  pg_catalog.format('SELECT last_value, is_called FROM %I.%I', c.schema, c.relname), false, true, '')::text AS xml OFFSET 0) p
LEFT JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid
  AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
ORDER BY c.schema, c.relname
