//! What a restored project does: where its sequences stand, what a first write makes of them, and
//! what each role sees.

use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::support::Stack;

/// Name, last value and state of every sequence.
const SEQUENCES: &str = "
SELECT format('SELECT %L, last_value, is_called FROM %I.%I', n.nspname || '.' || c.relname, n.nspname, c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'S' ORDER BY 1 \\gexec";

/// Tries a first row in every table whose column counts by itself, and takes it back: the values of
/// another row, or the defaults. Says where the counter gives a value that is taken.
const FIRST_WRITES: &str = "
DO $first$
DECLARE t record; others text; is_taken boolean; tried int := 0;
BEGIN
  SET LOCAL session_replication_role = replica;
  FOR t IN
    SELECT c.oid, format('%I.%I', n.nspname, c.relname) AS name, a.attname AS counter,
      pg_get_serial_sequence(format('%I.%I', n.nspname, c.relname), a.attname) AS seq
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped
      AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'storage', 'auth')
      AND pg_get_serial_sequence(format('%I.%I', n.nspname, c.relname), a.attname) IS NOT NULL
    ORDER BY 2
  LOOP
    SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) INTO others FROM pg_attribute
      WHERE attrelid = t.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = '' AND attidentity <> 'a' AND attname <> t.counter;
    BEGIN
      IF others IS NULL THEN EXECUTE format('INSERT INTO %s DEFAULT VALUES', t.name);
      ELSE EXECUTE format('INSERT INTO %s (%s) SELECT %s FROM (SELECT * FROM %1$s x ORDER BY x::text LIMIT 1) x', t.name, others, others); END IF;
      tried := tried + 1;
      RAISE EXCEPTION SQLSTATE 'ZZ999' USING MESSAGE = 'taken back';
    EXCEPTION
      WHEN SQLSTATE 'ZZ999' THEN NULL;
      -- another row's values, or none, need not be allowed: the counter is what is tried
      WHEN check_violation OR not_null_violation OR exclusion_violation THEN NULL;
      WHEN unique_violation THEN
        -- which of several constraints speaks first depends on the order of indexes: ask for the counter's own
        EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE %I = (SELECT last_value FROM %s))', t.name, t.counter, t.seq) INTO is_taken;
        IF is_taken THEN RAISE NOTICE 'taken: %', t.name; END IF;
    END;
  END LOOP;
  RAISE NOTICE 'tried %', tried;
END $first$";

/// For every relation a role may know of: what it sees, or why it sees nothing.
const SEEN: &str = "
SELECT format('SELECT %L, count(*), %s FROM %I.%I x', n.nspname || '.' || c.relname,
  -- what a view says may depend on its plan; the platform notes when its rows were made
  CASE WHEN c.relkind IN ('v', 'm') OR n.nspname = 'storage' THEN '0' ELSE 'sum(hashtextextended(x::text, 0))' END, n.nspname, c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1 \\gexec";

/// Runs a script that may fail in places, and returns all that psql says.
fn script(url: &str, text: &str) -> Result<String> {
    let mut child = Command::new("bash")
        .args(["-c", "psql \"$0\" -XqAt 2>&1", url])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    child.stdin.take().context("psql has no input")?.write_all(text.as_bytes())?;
    let output = child.wait_with_output()?;
    Ok(String::from_utf8(output.stdout)?)
}

/// Both databases answer alike.
pub(super) fn alike(source: &Stack, copy: &Stack) -> Result<()> {
    let both = |url: &str, text: &str| -> Result<(String, String)> {
        Ok((script(source.get(url), text)?, script(copy.get(url), text)?))
    };
    let (before, after) = both("STACK_DATABASE_URL", SEQUENCES)?;
    ensure!(before == after, "sequences:\n{before}\n{after}");
    for role in ["anon", "authenticated", "service_role"] {
        for subject in ["alice", "00000000-0000-4000-8000-000000000001"] {
            let claims = format!("{{\"sub\":\"{subject}\",\"role\":\"{role}\"}}");
            let text = format!("SET ROLE {role};\nSET request.jwt.claims = '{claims}';\n{SEEN}\n");
            let (before, after) = both("STACK_POSTGRES_URL", &text)?;
            ensure!(before.lines().count() > 3, "{before}");
            let differ: Vec<(&str, &str)> = before.lines().zip(after.lines()).filter(|(a, b)| a != b).collect();
            ensure!(before == after, "{role} sees something else: {differ:?}");
        }
    }
    // a counter that lags behind its rows in the project does so in the copy, and no other
    let (before, after) = both("STACK_POSTGRES_URL", FIRST_WRITES)?;
    ensure!(before == after && after.contains("tried"), "first writes:\n{before}\n{after}");
    Ok(())
}
