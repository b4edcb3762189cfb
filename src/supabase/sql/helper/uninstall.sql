-- Takes the helper of {tool} away. Run it once as the role that installed it (`postgres`), and remove
-- `supabackup` from the exposed schemas before or after: Project Settings, Data API, Exposed schemas.

BEGIN;

-- CASCADE is left out on purpose: nothing of yours can depend on the helper without a word.
DO $supabackup$
DECLARE
  old record;
BEGIN
  FOR old IN SELECT p.oid::regprocedure AS name FROM pg_catalog.pg_proc AS p
             JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
             WHERE n.nspname = 'supabackup' LOOP
    EXECUTE pg_catalog.format('DROP FUNCTION %s', old.name);
  END LOOP;
END
$supabackup$;

DROP SCHEMA IF EXISTS supabackup;

COMMIT;

NOTIFY pgrst, 'reload schema';
