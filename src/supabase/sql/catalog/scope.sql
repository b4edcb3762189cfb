-- What belongs to the project and what to the platform. Every other file of this folder selects from
-- these. An object is the platform's if an extension owns it, or if it is owned by a role of the
-- platform and stands in a schema of the platform.
platform_role AS MATERIALIZED (
  SELECT r.oid FROM pg_catalog.pg_roles r
  WHERE (r.rolsuper AND r.rolname <> 'postgres')
     OR r.rolname IN ('supabase_admin', 'supabase_auth_admin', 'supabase_storage_admin', 'supabase_realtime_admin',
                      'supabase_functions_admin', 'supabase_replication_admin', 'supabase_read_only_user',
                      'supabase_etl_admin', 'supabase_privileged_role', 'pgbouncer', 'dashboard_user',
                      'authenticator', 'pgsodium_keyholder', 'pgsodium_keyiduser', 'pgsodium_keymaker')
),
member AS MATERIALIZED (
  SELECT d.classid, d.objid FROM pg_catalog.pg_depend d
  WHERE d.deptype = 'e' AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
),
-- oid 2200 is `public`, whoever owns it
ns AS MATERIALIZED (
  SELECT n.oid, n.nspname AS name, n.nspowner AS owner, n.nspacl AS acl,
         n.oid <> 2200 AND (n.nspowner IN (SELECT oid FROM platform_role)
           OR EXISTS (SELECT FROM member m WHERE m.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND m.objid = n.oid))
           AS platform,
         n.nspname IN ('public', 'extensions') AS everywhere
  FROM pg_catalog.pg_namespace n
  WHERE n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
),
-- the platform's functions that its own event triggers call, wherever they stand
watcher AS MATERIALIZED (
  SELECT e.evtfoid AS oid FROM pg_catalog.pg_event_trigger e JOIN pg_catalog.pg_proc p ON p.oid = e.evtfoid
  WHERE e.evtowner IN (SELECT oid FROM platform_role) AND p.proowner IN (SELECT oid FROM platform_role)
),
-- one row for each pair of schema and owner whose objects are the project's
mine AS MATERIALIZED (
  SELECT n.oid AS ns, n.name AS schema, r.oid AS owner, r.rolname AS owner_name
  FROM ns n CROSS JOIN pg_catalog.pg_roles r
  WHERE CASE WHEN r.oid IN (SELECT oid FROM platform_role) THEN NOT n.platform AND n.name <> 'extensions' ELSE true END
),
rel AS MATERIALIZED (
  SELECT c.*, m.schema, m.owner_name FROM pg_catalog.pg_class c
  JOIN mine m ON m.ns = c.relnamespace AND m.owner = c.relowner
  WHERE c.relpersistence <> 't'
    AND NOT EXISTS (SELECT FROM member e WHERE e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND e.objid = c.oid)
),
-- tables of the platform that the project may hang triggers, policies and comments on
foreign_table AS MATERIALIZED (
  SELECT c.oid, n.name AS schema, c.relname FROM pg_catalog.pg_class c JOIN ns n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p') AND n.platform AND c.oid NOT IN (SELECT oid FROM rel)
    AND NOT EXISTS (SELECT FROM member e WHERE e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND e.objid = c.oid)
),
typ AS MATERIALIZED (
  SELECT t.*, m.schema, m.owner_name FROM pg_catalog.pg_type t
  JOIN mine m ON m.ns = t.typnamespace AND m.owner = t.typowner
  WHERE NOT EXISTS (SELECT FROM member e WHERE e.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND e.objid = t.oid)
),
-- rows of tables that not every project has, as JSON: a query names no table that is not there, and
-- `query_to_xml` runs one only where it is
kept_row AS MATERIALIZED (
  SELECT t.name AS relation, x.place,
         pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(
           pg_catalog.substring(pg_catalog.btrim(x.line, E' \n'), '^<j>(.*)</j>$'), '&lt;', '<'), '&gt;', '>'), '&quot;', '"'), '&amp;', '&') AS row
  FROM (VALUES ('cron.job', 'jobid'), ('storage.buckets', 'id')) AS t(name, key)
  CROSS JOIN LATERAL pg_catalog.regexp_split_to_table(
    CASE WHEN pg_catalog.to_regclass(t.name) IS NULL THEN '' ELSE pg_catalog.query_to_xml(
      pg_catalog.format('SELECT pg_catalog.row_to_json(t)::text AS j FROM %s t ORDER BY %I', t.name, t.key), false, true, '')::text END,
    E'</?row[^>]*>|\n') WITH ORDINALITY AS x(line, place)
  WHERE pg_catalog.btrim(x.line, E' \n') LIKE '<j>%'
),
fn AS MATERIALIZED (
  SELECT p.*, m.schema, m.owner_name FROM pg_catalog.pg_proc p
  JOIN mine m ON m.ns = p.pronamespace AND m.owner = p.proowner
  WHERE p.oid NOT IN (SELECT oid FROM watcher)
    AND NOT EXISTS (SELECT FROM member e WHERE e.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND e.objid = p.oid)
    -- made by CREATE TYPE … AS RANGE
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
                    AND d.objid = p.oid AND d.deptype = 'i')
)
