n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d
  WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.objsubid = 0 AND d.deptype = 'e')
AND NOT ((SELECT count(*) = 2 FROM (VALUES (c.relowner), (n.nspowner)) AS owners(oid)
  JOIN pg_catalog.pg_roles AS o ON o.oid = owners.oid
  WHERE (o.rolsuper AND o.rolname <> 'postgres')
     OR o.rolname = ANY ('{supabase_admin,supabase_auth_admin,supabase_storage_admin,supabase_realtime_admin,supabase_functions_admin,supabase_replication_admin,supabase_read_only_user,supabase_etl_admin,pgbouncer,dashboard_user,authenticator}'::pg_catalog.name[]))
  -- the platform's tables, the project's rows: its users, without whom foreign keys to them do not hold
  AND NOT (n.nspname = 'auth' AND c.relname = ANY ('{users,identities,mfa_factors,sso_providers,sso_domains,saml_providers,oauth_clients,webauthn_credentials}'::pg_catalog.name[])))
