-- Supabase's roles, as the hosted service makes them. Run once per cluster by the bootstrap
-- superuser `supabase_admin`.
--
-- Where this differs from the hosted service:
--   * there, the extension supautils lets `postgres` set session_replication_role and the settings
--     of reserved roles; here a parameter grant and role memberships stand in for it;
--   * no passwords: PostgreSQL listens on the loopback interface alone and trusts it;
--   * no roles for Realtime, the pooler, logs and the dashboard.

CREATE ROLE anon NOLOGIN NOINHERIT;
CREATE ROLE authenticated NOLOGIN NOINHERIT;
CREATE ROLE service_role NOLOGIN NOINHERIT BYPASSRLS;
CREATE ROLE authenticator LOGIN NOINHERIT;
CREATE ROLE postgres LOGIN NOSUPERUSER CREATEDB CREATEROLE REPLICATION BYPASSRLS;
CREATE ROLE supabase_auth_admin LOGIN NOINHERIT CREATEROLE;
CREATE ROLE supabase_storage_admin LOGIN NOINHERIT CREATEROLE;
CREATE ROLE supabase_read_only_user LOGIN BYPASSRLS;

GRANT anon, authenticated, service_role TO authenticator;
GRANT anon, authenticated, service_role TO postgres WITH ADMIN OPTION;
GRANT pg_monitor, pg_read_all_data, pg_signal_backend TO postgres;
GRANT pg_read_all_data TO supabase_read_only_user;
GRANT authenticator TO supabase_storage_admin;

-- From PostgreSQL 16 on, CREATEROLE alone no longer lets a role change the settings of another.
DO $$
BEGIN
  IF current_setting('server_version_num')::int >= 160000 THEN
    EXECUTE 'GRANT authenticator TO postgres WITH ADMIN TRUE, INHERIT FALSE, SET FALSE';
  END IF;
END
$$;

ALTER ROLE anon SET statement_timeout = '3s';
ALTER ROLE authenticated SET statement_timeout = '8s';
-- service_role has no timeout of its own: requests made with its key get this one.
ALTER ROLE authenticator SET statement_timeout = '8s';
ALTER ROLE authenticator SET lock_timeout = '8s';
-- What SQL through the Management API with `read_only` runs as.
ALTER ROLE supabase_read_only_user SET default_transaction_read_only = on;
ALTER ROLE postgres SET search_path = "$user", public, extensions;
ALTER ROLE supabase_admin SET search_path = "$user", public, auth, extensions;

GRANT SET ON PARAMETER session_replication_role TO postgres;
