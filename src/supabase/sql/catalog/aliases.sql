-- Objects that come into being with another one: row types, arrays and multiranges with their type or
-- table, rules of views with the view, defaults with their table.
SELECT 'pg_type' AS class, t.oid::int8 AS oid, 'pg_class' AS is_class, t.typrelid::int8 AS is_oid FROM pg_catalog.pg_type t WHERE t.typrelid <> 0 AND t.oid >= 16384
  AND EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = t.typrelid AND c.relkind <> 'c')
UNION ALL
SELECT 'pg_class', t.typrelid::int8, 'pg_type', t.oid::int8 FROM pg_catalog.pg_type t JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
  WHERE c.relkind = 'c' AND t.oid >= 16384
UNION ALL
SELECT 'pg_type', t.typarray::int8, 'pg_type', t.oid::int8 FROM pg_catalog.pg_type t WHERE t.typarray >= 16384
UNION ALL
SELECT 'pg_type', r.rngmultitypid::int8, 'pg_type', r.rngtypid::int8 FROM pg_catalog.pg_range r WHERE r.rngmultitypid >= 16384
UNION ALL
SELECT 'pg_rewrite', w.oid::int8, 'pg_class', w.ev_class::int8 FROM pg_catalog.pg_rewrite w JOIN rel c ON c.oid = w.ev_class WHERE w.rulename = '_RETURN'
UNION ALL
SELECT 'pg_attrdef', d.oid::int8, 'pg_class', d.adrelid::int8 FROM pg_catalog.pg_attrdef d WHERE d.adrelid IN (SELECT oid FROM rel)
