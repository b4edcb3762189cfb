//! What acts by itself stands apart: no script that restores anything sets it going.

use std::process::Command;

use anyhow::{Result, ensure};

use super::{Case, backed_up};
use crate::support::{Run, Stack};

/// As the service makes them: webhooks call a function of the platform, and jobs stand in a table of
/// the extension pg_cron. Event triggers of `postgres` are made there through supautils; here the
/// superuser makes one and hands it over in the catalog.
const ACTORS: &str = "
CREATE SCHEMA supabase_functions;
CREATE FUNCTION supabase_functions.http_request() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
GRANT USAGE ON SCHEMA supabase_functions TO postgres;
CREATE TRIGGER \"send it\" AFTER INSERT ON public.profiles FOR EACH ROW
  EXECUTE FUNCTION supabase_functions.http_request('https://example.com/hook', 'POST', '{\"key\":\"it''s\"}', '{}', '1000');
CREATE SCHEMA cron;
CREATE TABLE cron.job (jobid bigint, schedule text, command text, nodename text, nodeport int, database text, username text,
  active boolean, jobname text);
INSERT INTO cron.job VALUES (1, '*/5 * * * *', E'DELETE FROM public.t WHERE a < ''x'' AND b > 1 & 1;\\n-- \\\\ done', 'l', 1, 'postgres', 'postgres', true, 'tidy & <up>'),
  (2, '@daily', 'SELECT 1', 'l', 1, 'postgres', 'postgres', false, NULL);
CREATE FUNCTION public.note_change() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
ALTER FUNCTION public.note_change() OWNER TO postgres;
CREATE EVENT TRIGGER noting ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'DROP TABLE') EXECUTE FUNCTION public.note_change();
ALTER EVENT TRIGGER noting DISABLE;
UPDATE pg_event_trigger SET evtowner = 'postgres'::regrole WHERE evtname = 'noting';";

#[test]
fn what_acts_by_itself_is_printed_only_on_purpose() -> Result<()> {
    let case = Case { options: &["--data", "sample"], load: None, transport: "management", missing: &[] };
    let stack = Stack::up(case.options)?;
    stack.sql(ACTORS)?;
    let directory = tempfile::tempdir()?;
    let (snapshot, manifest) = backed_up(&case, &stack, directory.path())?;
    ensure!(manifest.structure.is_some_and(|s| s.on_purpose.is_some()));
    let output = Command::new("bash").args(["-c", "zstd -dc sql/*.zst"]).current_dir(&snapshot).output()?;
    let loaded = String::from_utf8(output.stdout)?;
    ensure!(loaded.contains("CREATE TABLE \"public\".\"profiles\""));
    let printed = Run::new(&["sql"]).store(directory.path()).expect(0)?.stdout;
    for act in ["http_request", "cron.schedule", "CREATE EVENT TRIGGER"] {
        ensure!(!loaded.contains(act) && !printed.contains(act), "{act}");
    }
    ensure!(printed.contains("--on-purpose"), "nobody learns of it");
    let acts = Run::new(&["sql", "--on-purpose"]).store(directory.path()).expect(0)?.stdout;
    for expected in [
        "CREATE TRIGGER \"send it\" AFTER INSERT ON public.profiles FOR EACH ROW EXECUTE FUNCTION \
         supabase_functions.http_request('https://example.com/hook', 'POST', '{\"key\":\"it''s\"}', '{}', '1000');",
        "SELECT cron.schedule('tidy & <up>', '*/5 * * * *', E'DELETE FROM public.t WHERE a < ''x'' AND b > 1 & 1;\n-- \\\\ done');",
        "SELECT cron.alter_job(cron.schedule('@daily', 'SELECT 1'), active := false);",
        "CREATE EVENT TRIGGER \"noting\" ON ddl_command_end\n\tWHEN TAG IN ('CREATE TABLE', 'DROP TABLE')\n\t\
         EXECUTE FUNCTION public.note_change();\nALTER EVENT TRIGGER \"noting\" DISABLE;",
    ] {
        ensure!(acts.contains(expected), "{expected}\n{acts}");
    }
    Ok(())
}

#[test]
fn a_function_that_somebody_elses_event_trigger_calls_is_kept_and_the_trigger_named() -> Result<()> {
    let options = ["--data", "sample"];
    let case = Case { options: &options, load: None, transport: "management", missing: &["event trigger watching"] };
    let stack = Stack::up(case.options)?;
    stack.sql(
        "CREATE FUNCTION public.log_ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
         ALTER FUNCTION public.log_ddl() OWNER TO postgres;
         CREATE EVENT TRIGGER watching ON sql_drop EXECUTE FUNCTION public.log_ddl();",
    )?;
    let directory = tempfile::tempdir()?;
    backed_up(&case, &stack, directory.path())?;
    let printed = Run::new(&["sql", "--schema-only"]).store(directory.path()).expect(3)?;
    ensure!(
        printed.stdout.contains("FUNCTION public.log_ddl()") && printed.stderr.contains("incomplete"),
        "{}",
        printed.stderr
    );
    Ok(())
}
