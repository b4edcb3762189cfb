-- Triggers on the project's relations, and the project's own on tables of the platform: those whose
-- function is not the platform's.
SELECT t.oid::int8 AS oid, t.tgrelid::int8 AS table_oid, coalesce(r.schema, f.schema) AS schema, coalesce(r.relname, f.relname) AS "table",
       t.tgname AS name, pg_catalog.pg_get_triggerdef(t.oid) AS definition, t.tgenabled AS enabled,
       -- its function is the platform's: a webhook, or something else that reaches out of the database
       EXISTS (SELECT FROM pg_catalog.pg_proc p JOIN ns n ON n.oid = p.pronamespace
               WHERE p.oid = t.tgfoid AND n.platform AND n.name NOT IN ('auth', 'storage')) AS acts_outside,
       pt.tgenabled AS parent_enabled
FROM pg_catalog.pg_trigger t
LEFT JOIN rel r ON r.oid = t.tgrelid
LEFT JOIN foreign_table f ON f.oid = t.tgrelid
LEFT JOIN pg_catalog.pg_trigger pt ON pt.oid = t.tgparentid
WHERE NOT t.tgisinternal
  AND (r.oid IS NOT NULL OR (f.oid IS NOT NULL AND EXISTS (SELECT FROM fn WHERE fn.oid = t.tgfoid)))
  AND (t.tgparentid = 0 OR t.tgenabled IS DISTINCT FROM pt.tgenabled)
ORDER BY 3, 4, t.tgname
