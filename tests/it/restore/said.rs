//! What a report says of what a restore could not change, in words that lead on.

use anyhow::{Result, ensure};

use super::{back_up, plan, project_name, report, restore, table};
use crate::support::{Run, Stack};

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
fn whoever_takes_a_restore_back_hears_what_was_broken_before_it() -> Result<()> {
    let stack = Stack::up(&["--data", "sample", "--sql", "meta"])?;
    let store = tempfile::tempdir()?;
    stack.sql(
        "CREATE TABLE public.owners (id int PRIMARY KEY);
         CREATE TABLE public.pets (id int PRIMARY KEY, owner int REFERENCES public.owners);
         GRANT ALL ON public.owners, public.pets TO service_role;
         INSERT INTO public.owners VALUES (1), (2); INSERT INTO public.pets VALUES (1, 1), (2, 2)",
    )?;
    stack.script("restart-postgrest", &[])?;
    back_up(&stack, store.path(), 0)?;
    stack.sql(
        "SET session_replication_role = replica; DELETE FROM public.owners WHERE id = 1;
         INSERT INTO public.owners VALUES (3); UPDATE public.pets SET id = 7 WHERE id = 2",
    )?;
    let broken = super::prints(&stack)?;
    let ran = restore(&stack, store.path(), &["--mode", "clear", "--json"]).expect(0)?;
    let command = report(&ran)?["undo"]["command"].as_str().unwrap_or_default().to_owned();
    let words: Vec<&str> = command.split_whitespace().skip(1).collect();
    let told = report(&Run::new(&words).on(&stack).store(store.path()).args(&["--json"]).expect(3)?)?;
    ensure!(super::prints(&stack)? == broken, "the undo did not bring back what was");
    let said = table(&told["tables"], "public.pets")?["findings"].to_string();
    ensure!(said.contains("1 row breaks") && said.contains("and none did before this restore"), "{said}");
    ensure!(said.contains("as they were before the restore that this takes back"), "{said}");
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
    let planned = plan(&stack, store.path(), &["--table", "public.notes"], 0)?;
    let foretold = table(&planned["tables"], "public.notes")?["findings"].to_string();
    ensure!(foretold.contains("2 rows have values of type json"), "{foretold}");
    let ran = restore(&stack, store.path(), &["--table", "public.notes", "--json"]).expect(3)?;
    let told = report(&ran)?;
    let notes = table(&told["tables"], "public.notes")?;
    let said = notes["findings"].to_string();
    ensure!(said.contains("same JSON") && said.contains("restore through SQL") && !said.contains("trigger"), "{said}");
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
    let planned = plan(&stack, store.path(), &["--table", "public.voice_sessions", "--through", "api"], 0)?;
    let sessions = table(&planned["tables"], "public.voice_sessions")?;
    ensure!(!sessions["findings"].to_string().contains("triggers fire"), "{sessions}");
    // with the secret key alone nobody knows of it: that is said, and not guessed
    let key_alone =
        |arguments: &[&str]| Run::new(arguments).on(&stack).store(store.path()).env("SUPABACKUP_SQL", "none");
    let key = |more: &[&str]| {
        let all = ["restore", "--table", "public.voice_sessions"].iter().chain(more).copied().collect::<Vec<_>>();
        key_alone(&all)
    };
    key_alone(&["backup"]).expect(0)?;
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let unseen = "the Data API does not show triggers";
    let planned = words(&key(&["--dry-run"]).expect(0)?.stdout);
    ensure!(!planned.contains(unseen), "nothing is written, and triggers are spoken of: {planned}");
    stack.sql("DELETE FROM public.voice_sessions WHERE session_no < 3")?;
    let planned = words(&key(&["--dry-run"]).expect(0)?.stdout);
    ensure!(planned.contains(unseen), "triggers that nobody sees are not spoken of: {planned}");
    let said = words(&key(&["--confirm", &project_name(&stack)]).expect(3)?.stdout);
    ensure!(said.contains("which the Data API does not show") && said.contains("DISABLE TRIGGER USER"), "{said}");
    Ok(())
}
