-- Where every sequence stands.
CREATE FUNCTION pg_temp.supabackup_positions() RETURNS TABLE (schema name, seq name, last_value text, is_called boolean)
  LANGUAGE plpgsql AS $supabackup$
BEGIN
  FOR schema, seq IN
    SELECT n.nspname, c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'S' ORDER BY 1, 2
  LOOP
    EXECUTE format('SELECT last_value::text, is_called FROM %I.%I', schema, seq) INTO last_value, is_called;
    RETURN NEXT;
  END LOOP;
END $supabackup$;
SELECT * FROM pg_temp.supabackup_positions();
