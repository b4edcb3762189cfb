-- Constraints of tables. Those of a partition that come from its parent, and the triggers behind
-- foreign keys, are made by the server itself.
SELECT c.oid::int8 AS oid, c.conrelid::int8 AS table_oid, c.conname AS name, c.contype AS kind,
       pg_catalog.pg_get_constraintdef(c.oid) AS definition, c.convalidated AS validated,
       c.conislocal AS local, c.conparentid::int8 AS parent
FROM pg_catalog.pg_constraint c
WHERE c.conrelid IN (SELECT oid FROM rel) AND c.contype IN ('c', 'p', 'u', 'x', 'f')
ORDER BY c.conname, c.oid
