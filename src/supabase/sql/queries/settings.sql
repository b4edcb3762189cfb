WITH wanted(name) AS (
  VALUES ('DateStyle'), ('IntervalStyle'), ('TimeZone'), ('bytea_output'), ('extra_float_digits'), ('lc_monetary')
), given AS (
  SELECT lower(split_part(s.entry, '=', 1)) AS name, substr(s.entry, strpos(s.entry, '=') + 1) AS value,
    d.setdatabase <> 0 AS here, d.setrole AS role, r.rolname AS role_name
  FROM pg_catalog.pg_db_role_setting AS d
  CROSS JOIN unnest(d.setconfig) AS s(entry)
  LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = d.setrole
  WHERE d.setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()))
), ranked AS (
  SELECT w.name, g.value, CASE
      WHEN g.role_name = 'service_role' AND NOT g.here THEN 1
      WHEN g.role_name = 'authenticator' AND g.here THEN 2
      WHEN g.role_name = 'authenticator' THEN 3
      WHEN g.role = 0 AND g.here THEN 4
      WHEN g.role = 0 THEN 5 END AS rank
  FROM wanted AS w JOIN given AS g ON g.name = lower(w.name)
  UNION ALL
  -- the value of the session, unless it is one that only its own role has
  SELECT w.name, s.reset_val, 6
  FROM wanted AS w JOIN pg_catalog.pg_settings AS s ON s.name = w.name
  WHERE NOT EXISTS (SELECT FROM given AS g WHERE g.name = lower(w.name) AND g.role_name = session_user)
  UNION ALL
  SELECT w.name, s.boot_val, 7 FROM wanted AS w JOIN pg_catalog.pg_settings AS s ON s.name = w.name
)
SELECT json_build_object(
  'role', current_user,
  'reads_all', (SELECT r.rolsuper OR EXISTS (SELECT FROM pg_catalog.pg_roles AS g
      WHERE g.rolname = 'pg_read_all_data' AND pg_has_role(r.oid, g.oid, 'USAGE'))
    FROM pg_catalog.pg_roles AS r WHERE r.rolname = current_user),
  'sees_all_rows', (SELECT r.rolsuper OR r.rolbypassrls FROM pg_catalog.pg_roles AS r WHERE r.rolname = current_user),
  'server_version', current_setting('server_version'),
  'server_encoding', current_setting('server_encoding'),
  'lc_monetary', current_setting('lc_monetary'),
  'helper', to_regprocedure('supabackup.version()') IS NOT NULL,
  'api', (SELECT json_object_agg(lower(a.name), a.list)
    FROM (SELECT name, json_agg(value ORDER BY rank) AS list FROM ranked WHERE rank IS NOT NULL GROUP BY name) AS a)
)::text AS answer
