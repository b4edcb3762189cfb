SELECT s.oid::int8 AS oid, m.schema, s.stxname AS name, m.owner_name AS owner, s.stxrelid::int8 AS table_oid,
       pg_catalog.pg_get_statisticsobjdef(s.oid) AS definition, CASE WHEN s.stxstattarget >= 0 THEN s.stxstattarget END AS target
FROM pg_catalog.pg_statistic_ext s JOIN mine m ON m.ns = s.stxnamespace AND m.owner = s.stxowner
WHERE s.stxrelid IN (SELECT oid FROM rel)
ORDER BY m.schema, s.stxname
