//! What a report says of what a restore could not change, in words that lead on.

use anyhow::{Result, ensure};

use super::{back_up, report, restore, table};
use crate::support::Stack;

#[test]
fn foreign_keys_that_do_not_hold_are_an_error_however_often_the_restore_is_repeated() -> Result<()> {
    let stack = Stack::up(&["--data", "sample", "--sql", "meta"])?;
    let store = tempfile::tempdir()?;
    stack.sql(
        "CREATE TABLE public.owners (id int PRIMARY KEY);
         CREATE TABLE public.pets (id int PRIMARY KEY, name text, owner int REFERENCES public.owners);
         GRANT ALL ON public.owners, public.pets TO service_role;
         INSERT INTO public.owners VALUES (1), (2);
         INSERT INTO public.pets VALUES (1, 'a', 1), (2, 'b', 2);
         SET session_replication_role = replica; DELETE FROM public.owners WHERE id = 1",
    )?;
    stack.script("restart-postgrest", &[])?;
    back_up(&stack, store.path(), 0)?;
    stack.sql("DELETE FROM public.pets WHERE id = 2; DELETE FROM public.owners")?;
    // the second time there is nothing left to write, and what is broken is no better for that
    for _ in 0..2 {
        let ran = restore(&stack, store.path(), &["--table", "public.pets", "--mode", "merge", "--json"]).expect(3)?;
        let told = report(&ran)?;
        let said = table(&told["tables"], "public.pets")?["findings"].to_string();
        ensure!(said.contains("2 rows break") && said.contains("\"error\""), "{said}");
        ensure!(said.contains("before this restore count too"), "{said}");
    }
    Ok(())
}

#[test]
fn what_a_trigger_and_the_data_api_make_of_a_row_is_named() -> Result<()> {
    let stack = Stack::up(&["--data", "sample"])?;
    let store = tempfile::tempdir()?;
    stack.sql(
        "CREATE TABLE public.notes (id int PRIMARY KEY, body json);
         CREATE TABLE public.stamped (id int PRIMARY KEY, at int, CONSTRAINT small CHECK (at < 100));
         GRANT ALL ON public.notes, public.stamped TO service_role;
         INSERT INTO public.notes VALUES (1, '  {\"a\": 1}'), (2, '\"\\u00e9\\/\"'), (3, '{\"b\":  2}');
         INSERT INTO public.stamped VALUES (1, 1), (2, 2), (3, 3)",
    )?;
    stack.script("restart-postgrest", &[])?;
    back_up(&stack, store.path(), 0)?;
    stack.sql("DELETE FROM public.notes")?;
    let ran = restore(&stack, store.path(), &["--table", "public.notes", "--json"]).expect(3)?;
    let told = report(&ran)?;
    let notes = table(&told["tables"], "public.notes")?;
    let named = notes["differences"].to_string();
    ensure!(named.matches("the same JSON, written otherwise").count() == 2 && !named.contains("id=3"), "{notes}");
    // what is in the rows that a constraint refuses is nobody's business in a log
    stack
        .sql("DELETE FROM public.stamped; ALTER TABLE public.stamped DROP CONSTRAINT small, ADD CHECK (at = -77123)")?;
    let ran = restore(&stack, store.path(), &["--table", "public.stamped"]).expect(1)?;
    ensure!(ran.stderr.contains("stamped_at_check"), "{}", ran.stderr);
    ensure!(!ran.stderr.contains("Failing row"), "{}", ran.stderr);
    Ok(())
}

#[test]
fn a_table_whose_trigger_changes_rows_says_which_and_what_helps() -> Result<()> {
    let stack = Stack::up(&["--data", "sample", "--sql", "meta"])?;
    let store = tempfile::tempdir()?;
    back_up(&stack, store.path(), 0)?;
    stack.sql(
        "DELETE FROM public.voice_sessions WHERE id IN (SELECT id FROM public.voice_sessions ORDER BY id LIMIT 5)",
    )?;
    stack.sql(
        "CREATE FUNCTION public.later() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.created_at := now(); RETURN NEW; END $$;
         CREATE TRIGGER moves BEFORE INSERT ON public.voice_sessions FOR EACH ROW EXECUTE FUNCTION public.later()",
    )?;
    let arguments = ["--table", "public.voice_sessions", "--through", "api"];
    let ran = restore(&stack, store.path(), &arguments).args(&["--json"]).expect(3)?;
    let told = report(&ran)?;
    let sessions = table(&told["tables"], "public.voice_sessions")?;
    let said = sessions["findings"].to_string();
    ensure!(said.contains("moves") && said.contains("DISABLE TRIGGER USER"), "{said}");
    // nothing is left to write, and so nothing is said of triggers
    let planned = super::plan(&stack, store.path(), &["--table", "public.voice_sessions", "--through", "api"], 0)?;
    let sessions = table(&planned["tables"], "public.voice_sessions")?;
    ensure!(!sessions["findings"].to_string().contains("triggers fire"), "{sessions}");
    Ok(())
}
