-- The helper of {tool}, version {version}: lets a backup see the whole database through the Data API.
--
-- WHAT IT IS FOR. The Data API shows only what is exposed and granted. With these functions a backup
-- also sees every other table, the schema, and the positions of sequences.
--[writing]
-- A restore also writes what the Data API cannot, and without setting off triggers. `supabackup helper-sql
-- --read-only` prints a helper that cannot write: enough for backups.
--[end]
-- Nothing else needs them: where supabackup has an access token for the Management API, or reaches
-- postgres-meta, leave it out.
--
-- HOW TO INSTALL IT
--   1. Read this file. Run it once as the role `postgres` (in the dashboard: SQL Editor). It may be
--      run again at any time, and over an older version.
--   2. Add `supabackup` to the exposed schemas: Project Settings, Data API, Exposed schemas
--      (self-hosted: PGRST_DB_SCHEMAS). The functions are called through the Data API.
--   3. `supabackup doctor` says whether it works. `supabackup helper-sql --uninstall` takes it away.
--
-- WHAT IT MAY DO
--   * Only `service_role` may call the functions, so whoever has the project's secret key. `anon` and
--     `authenticated` may not even see the schema.
--   * Each function answers one question. None runs SQL that it is given: names of tables and columns
--     are looked up in the catalog or quoted by format(%I), values are quoted by format(%L).
--[reading]
--   * All of them only read.
--[end]
--[writing]
--   * Three of them write, for restores alone: `load` inserts rows or puts them in the place of others,
--     `delete` deletes single rows by their address and version, `set_sequences` moves sequences. The first
--     two can keep triggers, rules and foreign keys quiet while they do (session_replication_role). All others
--     only read; `write_access` tries that setting and changes nothing.
--[end]
--   * They run with the rights of whoever installs them (SECURITY DEFINER), with a fixed search_path.
--     So they reach every table that `postgres` may reach, granted to the Data API or not, past row level
--     security, but no table of the system, of an extension, or of Supabase's own schemas: of these only the
--     project's users (auth.users, identities, factors, SSO), password hashes included.
--[reading]
--     The secret key can then read them.
--[end]
--[writing]
--     The secret key can then read and change them: keep it accordingly.
--[end]

BEGIN;

CREATE SCHEMA IF NOT EXISTS supabackup;
COMMENT ON SCHEMA supabackup IS 'Functions that backups by supabackup call; see supabackup helper-sql';

-- Functions of an older version may have other arguments.
DO $supabackup$
DECLARE
  old record;
BEGIN
  FOR old IN SELECT p.oid::regprocedure AS name FROM pg_catalog.pg_proc AS p
             WHERE p.pronamespace = 'supabackup'::regnamespace LOOP
    EXECUTE pg_catalog.format('DROP FUNCTION %s', old.name);
  END LOOP;
END
$supabackup$;

-- Which helper this is. A supabackup that knows another version says so and does without.
CREATE OR REPLACE FUNCTION supabackup.version() RETURNS integer
  LANGUAGE sql STABLE SECURITY DEFINER
  SET search_path = ''
AS $supabackup$ SELECT {version} $supabackup$;

-- Who answers, and the settings that text depends on.
CREATE OR REPLACE FUNCTION supabackup.settings() RETURNS text
  LANGUAGE sql STABLE SECURITY DEFINER
{settings}
{text_settings}

-- The user's schemas and tables, and what service_role may read of them.
CREATE OR REPLACE FUNCTION supabackup.tables() RETURNS text
  LANGUAGE sql STABLE SECURITY DEFINER
{settings}
{tables}

-- Everything that describes the database: the schema, as data.
CREATE OR REPLACE FUNCTION supabackup.catalog() RETURNS text
  LANGUAGE sql STABLE SECURITY DEFINER
{settings}
{catalog}

-- How far numbered columns of the user's tables have come, and where their sequences stand.
CREATE OR REPLACE FUNCTION supabackup.tops(columns text) RETURNS text
  LANGUAGE sql VOLATILE SECURITY DEFINER
{settings}
{tops}

-- Where the sequences of some schemas stand.
CREATE OR REPLACE FUNCTION supabackup.sequences(schemas text[]) RETURNS text
  LANGUAGE sql VOLATILE SECURITY DEFINER
{settings}
{sequences}

-- The foreign keys of some tables that do not hold, and how many rows are concerned.
CREATE OR REPLACE FUNCTION supabackup.orphans(tables text) RETURNS text
  LANGUAGE sql VOLATILE SECURITY DEFINER
{settings}
{orphans}

--[writing]
-- Moves sequences to where they stood.
CREATE OR REPLACE FUNCTION supabackup.set_sequences(positions text) RETURNS text
  LANGUAGE sql VOLATILE SECURITY DEFINER
{settings}
{set_sequences}

-- Whether triggers and foreign keys can be kept quiet. Changes nothing.
CREATE OR REPLACE FUNCTION supabackup.write_access() RETURNS text
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER
{settings}
{write_access}

--[end]
-- The table of this name, if it is the user's; else an error. The others call it, and nobody else may.
CREATE OR REPLACE FUNCTION supabackup.user_table(table_schema text, table_name text) RETURNS oid
  LANGUAGE plpgsql STABLE SECURITY DEFINER
  SET search_path = ''
AS $supabackup$
DECLARE
  found_oid pg_catalog.oid;
BEGIN
  SELECT c.oid INTO found_oid
  FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE n.nspname = table_schema AND c.relname = table_name AND c.relkind IN ('r', 'p', 'm') AND
    {user_table};
  IF found_oid IS NULL THEN
    RAISE EXCEPTION 'there is no table %.% of the user''s', table_schema, table_name USING ERRCODE = 'undefined_table';
  END IF;
  RETURN found_oid;
END
$supabackup$;

-- How many rows a table has, leaving out those of the tables (children) with these oids.
CREATE OR REPLACE FUNCTION supabackup.count(table_schema text, table_name text, without oid[]) RETURNS text
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER
{settings}
AS $supabackup$
DECLARE
  answer text;
BEGIN
  PERFORM supabackup.user_table(table_schema, table_name);
  EXECUTE format(
    'SELECT json_build_object(''rows'', count(*))::text FROM %I.%I AS x WHERE x.tableoid <> ALL ($1)',
    table_schema, table_name) INTO answer USING without;
  RETURN answer;
END
$supabackup$;

-- Rows whose physical address is in a window: what names them and their version, and with `content`
-- their text, as the Data API's pages have both. The others call it, and nobody else may.
CREATE OR REPLACE FUNCTION supabackup.rows_between(table_schema text, table_name text, key_columns text[], hashed boolean,
    first_block bigint, first_offset integer, end_block bigint, end_offset integer, first_oid bigint, end_oid bigint,
    row_limit bigint, content boolean) RETURNS text
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER
{settings}
AS $supabackup$
DECLARE
  table_oid pg_catalog.oid := supabackup.user_table(table_schema, table_name);
  selected text := 'x.ctid::text AS ctid, x.xmin::text AS xmin, x.tableoid::text AS tableoid';
  condition text := format('x.ctid >= %L::pg_catalog.tid', format('(%s,%s)', first_block, first_offset));
  answer text;
BEGIN
  FOR place IN 1 .. coalesce(array_length(key_columns, 1), 0) LOOP
    selected := selected || format(', pg_catalog.format(''%%s'', x.%I) AS %I', key_columns[place], 'k' || place - 1);
  END LOOP;
  IF hashed THEN
    selected := selected || ', pg_catalog.hashtextextended(pg_catalog.record_out(x.*)::text, 0)::text AS h';
  END IF;
  IF content THEN
    selected := selected || ', pg_catalog.record_out(x.*)::text AS r';
  END IF;
  IF end_block IS NOT NULL THEN
    condition := condition || format(' AND x.ctid < %L::pg_catalog.tid', format('(%s,%s)', end_block, end_offset));
  END IF;
  IF first_oid IS NOT NULL THEN
    condition := condition || format(' AND x.tableoid >= %L::oid AND x.tableoid < %L::oid', first_oid, end_oid);
  END IF;
  -- A regclass is printed as the Data API prints it: names of the table's own schema stand without it.
  -- Everything that is run below is qualified or the system's, so nothing is looked up there.
  PERFORM set_config('search_path', format('%I, public, extensions', table_schema), true);
  EXECUTE format(
    'SELECT pg_catalog.json_build_object(''rows'', pg_catalog.count(*), ''columns'',
       (SELECT coalesce(pg_catalog.json_agg(a.attname ORDER BY a.attnum), ''[]''::pg_catalog.json)
        FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped),
       ''page'', coalesce(pg_catalog.json_agg(q), ''[]''::pg_catalog.json))::pg_catalog.text
     FROM (SELECT %s FROM %I.%I AS x WHERE %s%s) AS q',
    selected, table_schema, table_name, condition, coalesce(' LIMIT ' || row_limit, '')
  ) INTO answer USING table_oid;
  RETURN answer;
END
$supabackup$;

-- Rows of a window, as text.
CREATE OR REPLACE FUNCTION supabackup.page(table_schema text, table_name text, key_columns text[], hashed boolean,
    first_block bigint, first_offset integer, end_block bigint, end_offset integer, first_oid bigint, end_oid bigint,
    row_limit bigint) RETURNS text
  LANGUAGE sql VOLATILE SECURITY DEFINER
{settings}
AS $supabackup$
SELECT supabackup.rows_between(table_schema, table_name, key_columns, hashed, first_block, first_offset, end_block,
  end_offset, first_oid, end_oid, row_limit, true)
$supabackup$;

-- Addresses and versions of a window's rows: enough to tell whether they are still the same.
CREATE OR REPLACE FUNCTION supabackup.fingerprints(table_schema text, table_name text, key_columns text[], hashed boolean,
    first_block bigint, first_offset integer, end_block bigint, end_offset integer, first_oid bigint, end_oid bigint,
    row_limit bigint) RETURNS text
  LANGUAGE sql VOLATILE SECURITY DEFINER
{settings}
AS $supabackup$
SELECT supabackup.rows_between(table_schema, table_name, key_columns, hashed, first_block, first_offset, end_block,
  end_offset, first_oid, end_oid, row_limit, false)
$supabackup$;

-- How many rows a table has, and the sum of their hashes.
CREATE OR REPLACE FUNCTION supabackup.digest(table_schema text, table_name text, column_names text[], without oid[],
    print_settings json) RETURNS text
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER
{settings}
{digest}

--[writing]
-- Writes rows: each one's text, with every column of the table in its order. With `rehearse` everything
-- is done, and taken back by an error at the end.
CREATE OR REPLACE FUNCTION supabackup.load(table_schema text, table_name text, column_names text[], on_conflict text,
    key_columns text[], set_columns text[], row_texts text, quiet boolean, rehearse boolean, print_settings json) RETURNS text
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER
{settings}
{load}

-- Deletes rows, each by table, address and version. Where foreign keys are kept quiet, rows of tables that
-- are not `restored` must not refer to them.
CREATE OR REPLACE FUNCTION supabackup.delete(table_schema text, table_name text, oids oid[], tids tid[], xmins xid[],
    quiet boolean, rehearse boolean, restored text) RETURNS text
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER
{settings}
{delete}

--[end]
-- Supabase grants new functions to anon and authenticated by default: both lose everything here.
REVOKE ALL ON SCHEMA supabackup FROM PUBLIC, anon, authenticated, service_role;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA supabackup FROM PUBLIC, anon, authenticated, service_role;
GRANT USAGE ON SCHEMA supabackup TO service_role;
GRANT EXECUTE ON FUNCTION supabackup.version() TO service_role;
GRANT EXECUTE ON FUNCTION supabackup.settings() TO service_role;
GRANT EXECUTE ON FUNCTION supabackup.tables() TO service_role;
GRANT EXECUTE ON FUNCTION supabackup.catalog() TO service_role;
GRANT EXECUTE ON FUNCTION supabackup.sequences(text[]) TO service_role;
GRANT EXECUTE ON FUNCTION supabackup.tops(text) TO service_role;
GRANT EXECUTE ON FUNCTION supabackup.orphans(text) TO service_role;
GRANT EXECUTE ON FUNCTION supabackup.digest(text, text, text[], oid[], json) TO service_role;
--[writing]
GRANT EXECUTE ON FUNCTION supabackup.set_sequences(text) TO service_role;
GRANT EXECUTE ON FUNCTION supabackup.write_access() TO service_role;
GRANT EXECUTE ON FUNCTION supabackup.load(text, text, text[], text, text[], text[], text, boolean, boolean, json) TO service_role;
GRANT EXECUTE ON FUNCTION supabackup.delete(text, text, oid[], tid[], xid[], boolean, boolean, text) TO service_role;
--[end]
GRANT EXECUTE ON FUNCTION supabackup.count(text, text, oid[]) TO service_role;
GRANT EXECUTE ON FUNCTION supabackup.page(text, text, text[], boolean, bigint, integer, bigint, integer, bigint, bigint, bigint) TO service_role;
GRANT EXECUTE ON FUNCTION supabackup.fingerprints(text, text, text[], boolean, bigint, integer, bigint, integer, bigint, bigint, bigint) TO service_role;

COMMIT;

-- The Data API learns of the functions.
NOTIFY pgrst, 'reload schema';
