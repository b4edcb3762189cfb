-- What @pgpm/supabase does not say about the schemas it brings: who owns what, who may do what, and a
-- stand-in for the extension supautils. Run once per cluster, by `supabase_admin`, in template1, after
-- the package's own SQL.
--
-- As on the hosted service, `postgres` owns nothing in `auth` and `storage` and may not create there,
-- but it may read and write the rows, refer to them, put triggers on the tables and drop them, and
-- make policies on them.

-- Not Supabase's: the package's own.
DROP TABLE IF EXISTS public.schema_migrations;

-- What later migrations of the service changed.
ALTER TABLE storage.buckets
  ADD COLUMN IF NOT EXISTS public boolean DEFAULT false,
  ADD COLUMN IF NOT EXISTS avif_autodetection boolean DEFAULT false,
  ADD COLUMN IF NOT EXISTS file_size_limit bigint,
  ADD COLUMN IF NOT EXISTS allowed_mime_types text[],
  ADD COLUMN IF NOT EXISTS owner_id text,
  DROP CONSTRAINT IF EXISTS buckets_owner_fkey;
ALTER TABLE storage.objects
  ADD COLUMN IF NOT EXISTS path_tokens text[] GENERATED ALWAYS AS (string_to_array(name, '/')) STORED,
  ADD COLUMN IF NOT EXISTS version text,
  ADD COLUMN IF NOT EXISTS owner_id text,
  ADD COLUMN IF NOT EXISTS user_metadata jsonb,
  DROP CONSTRAINT IF EXISTS objects_owner_fkey;

-- ----------------------------------------------------------------- owners ---

DO $$
DECLARE
  item record;
BEGIN
  FOR item IN
    SELECT CASE WHEN relkind = 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind, c.oid::regclass::text AS name,
           nspname AS schema
    FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
    WHERE nspname IN ('auth', 'storage')
      AND (relkind = 'r' OR relkind = 'S' AND NOT EXISTS (
             SELECT FROM pg_depend WHERE objid = c.oid AND deptype IN ('a', 'i') AND refobjsubid > 0))
    UNION ALL
    SELECT 'ROUTINE', p.oid::regprocedure::text, nspname
    FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace WHERE nspname IN ('auth', 'storage')
    UNION ALL
    SELECT 'TYPE', t.oid::regtype::text, nspname
    FROM pg_type t JOIN pg_namespace n ON n.oid = typnamespace WHERE nspname IN ('auth', 'storage') AND typtype = 'e'
  LOOP
    EXECUTE format('ALTER %s %s OWNER TO supabase_%s_admin', item.kind, item.name, item.schema);
  END LOOP;
END
$$;

ALTER PUBLICATION supabase_realtime OWNER TO postgres;

-- ----------------------------------------------------------------- grants ---

REVOKE ALL ON SCHEMA auth, storage FROM postgres;
GRANT USAGE ON SCHEMA auth TO postgres;
GRANT USAGE ON SCHEMA storage TO postgres WITH GRANT OPTION;

REVOKE ALL ON ALL TABLES IN SCHEMA auth FROM anon, authenticated, service_role;
GRANT INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON ALL TABLES IN SCHEMA auth TO postgres;
GRANT SELECT ON ALL TABLES IN SCHEMA auth TO postgres WITH GRANT OPTION;
GRANT ALL ON ALL SEQUENCES IN SCHEMA auth TO postgres;
REVOKE INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON auth.schema_migrations FROM postgres;
GRANT ALL ON ALL TABLES IN SCHEMA storage TO postgres WITH GRANT OPTION;
GRANT ALL ON storage.objects, storage.buckets TO anon, authenticated, service_role;
REVOKE ALL ON storage.migrations FROM postgres, anon, authenticated, service_role;

DO $$
DECLARE
  name text;
BEGIN
  FOR name IN SELECT c.oid::regclass FROM pg_class c WHERE relkind = 'r' AND relnamespace IN ('auth'::regnamespace, 'storage'::regnamespace) LOOP
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', name);
  END LOOP;
END
$$;

-- -------------------------------------------------------------- supautils ---

-- supautils lets `postgres` make policies on these tables and drop triggers from them. Here `postgres`
-- becomes a member of their owners at the start of such a statement and is none again at its end;
-- nobody else ever sees it, and a statement that fails takes it back.
CREATE FUNCTION extensions.stack_supautils() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog AS $$
DECLARE
  owners CONSTANT text := 'supabase_auth_admin, supabase_storage_admin';
  subject text;
BEGIN
  IF session_user <> 'postgres' THEN
    RETURN;
  ELSIF tg_event = 'ddl_command_start' THEN
    EXECUTE format('GRANT %s TO postgres', owners);
    RETURN;
  ELSIF tg_event = 'sql_drop' THEN
    SELECT object_identity INTO subject FROM pg_event_trigger_dropped_objects()
    WHERE original AND object_type = 'policy'
      AND NOT extensions.stack_policy_grant(format('%I.%I', address_names[1], address_names[2])::regclass);
  ELSE
    EXECUTE format('REVOKE %s FROM postgres', owners);
    SELECT object_identity INTO subject
    FROM pg_event_trigger_ddl_commands() c JOIN pg_policy p ON c.objid = p.oid
    WHERE c.classid = 'pg_policy'::regclass AND NOT extensions.stack_policy_grant(p.polrelid);
  END IF;
  IF subject IS NOT NULL THEN
    RAISE insufficient_privilege USING MESSAGE = format('must be owner of the table of policy %s', subject);
  END IF;
END
$$;

-- Whether `postgres` may make policies on a table: its own ones, and those that the service lists.
CREATE FUNCTION extensions.stack_policy_grant(relation regclass) RETURNS boolean LANGUAGE sql STABLE
  SET search_path = pg_catalog AS $$
  SELECT relowner NOT IN ('supabase_auth_admin'::regrole, 'supabase_storage_admin'::regrole)
      OR relation::text = ANY (ARRAY[
        'auth.audit_log_entries', 'auth.flow_state', 'auth.identities', 'auth.instances', 'auth.mfa_amr_claims',
        'auth.mfa_challenges', 'auth.mfa_factors', 'auth.oauth_clients', 'auth.one_time_tokens',
        'auth.refresh_tokens', 'auth.saml_providers', 'auth.saml_relay_states', 'auth.sessions',
        'auth.sso_domains', 'auth.sso_providers', 'auth.users', 'storage.buckets', 'storage.buckets_analytics',
        'storage.objects', 'storage.prefixes', 'storage.s3_multipart_uploads',
        'storage.s3_multipart_uploads_parts'])
  FROM pg_class WHERE oid = relation
$$;

CREATE EVENT TRIGGER stack_supautils_start ON ddl_command_start
  WHEN TAG IN ('CREATE POLICY', 'ALTER POLICY', 'DROP POLICY', 'DROP TRIGGER')
  EXECUTE FUNCTION extensions.stack_supautils();
CREATE EVENT TRIGGER stack_supautils_drop ON sql_drop WHEN TAG IN ('DROP POLICY')
  EXECUTE FUNCTION extensions.stack_supautils();
CREATE EVENT TRIGGER stack_supautils_end ON ddl_command_end
  WHEN TAG IN ('CREATE POLICY', 'ALTER POLICY', 'DROP POLICY', 'DROP TRIGGER')
  EXECUTE FUNCTION extensions.stack_supautils();
-- A load with session_replication_role = replica makes policies too.
ALTER EVENT TRIGGER stack_supautils_start ENABLE ALWAYS;
ALTER EVENT TRIGGER stack_supautils_drop ENABLE ALWAYS;
ALTER EVENT TRIGGER stack_supautils_end ENABLE ALWAYS;

-- ------------------------------------------------------------------ check ---

DO $$
DECLARE
  auth_tables bigint;
  storage_tables bigint;
BEGIN
  SELECT count(*) FILTER (WHERE relnamespace = 'auth'::regnamespace),
         count(*) FILTER (WHERE relnamespace = 'storage'::regnamespace)
    INTO auth_tables, storage_tables FROM pg_class WHERE relkind = 'r';
  IF auth_tables < 19 OR storage_tables < 7 THEN
    RAISE EXCEPTION 'the package brought % tables in auth and % in storage', auth_tables, storage_tables;
  END IF;
END
$$;
