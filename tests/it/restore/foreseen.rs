//! What would go wrong is said before anything is written, or another way is taken.

use anyhow::{Result, ensure};

use super::{back_up, plan, prints, report, restore, table};
use crate::support::{Run, Stack};

/// A table whose rows are as large as they are given.
const DOCUMENTS: &str = "CREATE TABLE public.documents (id int PRIMARY KEY, body text NOT NULL);
    GRANT ALL ON public.documents TO service_role;
    INSERT INTO public.documents VALUES (1, 'small'), (2, repeat(E'\"a\\\\b\\n', 800000)), (3, 'last')";

#[test]
fn a_row_that_no_request_to_postgres_meta_can_carry_goes_over_the_data_api() -> Result<()> {
    let stack = Stack::up(&["--data", "sample", "--sql", "meta"])?;
    let store = tempfile::tempdir()?;
    stack.sql(DOCUMENTS)?;
    stack.script("restart-postgrest", &[])?;
    back_up(&stack, store.path(), 0)?;
    let before = prints(&stack)?;
    stack.sql("DELETE FROM public.documents WHERE id > 1")?;
    let arguments = ["--table", "public.documents"];
    let planned = plan(&stack, store.path(), &arguments, 0)?;
    let documents = table(&planned["tables"], "public.documents")?;
    ensure!(documents["way"] == "api" && documents["counts"]["add"] == 2, "{documents}");
    let said = documents["findings"].to_string();
    ensure!(said.contains("over-the-api") && said.contains("id=2"), "{said}");
    restore(&stack, store.path(), &arguments).expect(0)?;
    ensure!(prints(&stack)? == before, "the rows are not what they were");
    // where the Data API cannot write it either, that is said, and nothing is written
    stack.sql("DELETE FROM public.documents WHERE id > 1; REVOKE INSERT ON public.documents FROM service_role")?;
    let emptied = prints(&stack)?;
    let ran = restore(&stack, store.path(), &arguments).expect(1)?;
    ensure!(ran.stderr.contains("id=2") && ran.stderr.contains("helper-sql"), "{}", ran.stderr);
    ensure!(prints(&stack)? == emptied, "rows were written");
    Ok(())
}

#[test]
fn rows_that_others_hold_are_named_before_they_are_deleted() -> Result<()> {
    let stack = Stack::up(&["--data", "sample", "--sql", "meta"])?;
    let store = tempfile::tempdir()?;
    stack.sql(
        "CREATE TABLE public.owners (id int PRIMARY KEY, name text);
         CREATE TABLE public.pets (id int PRIMARY KEY, owner int NOT NULL REFERENCES public.owners);
         GRANT ALL ON public.owners, public.pets TO service_role;
         INSERT INTO public.owners VALUES (1, 'a'), (2, 'b');
         INSERT INTO public.pets VALUES (1, 1)",
    )?;
    stack.script("restart-postgrest", &[])?;
    back_up(&stack, store.path(), 0)?;
    stack.sql("INSERT INTO public.owners VALUES (3, 'c'), (4, 'd'); INSERT INTO public.pets VALUES (2, 3)")?;
    let before = prints(&stack)?;
    // of the rows that are not in the snapshot, one is held by a table that stays as it is
    let arguments = ["--table", "public.owners", "--mode", "clear"];
    let planned = plan(&stack, store.path(), &arguments, 4)?;
    let owners = table(&planned["tables"], "public.owners")?;
    ensure!(owners["counts"]["delete"] == 1 && owners["counts"]["refused"] == 1, "{owners}");
    ensure!(owners["findings"].to_string().contains("pets"), "{owners}");
    ensure!(prints(&stack)? == before, "the preview wrote something");
    restore(&stack, store.path(), &arguments).expect(1)?;
    ensure!(prints(&stack)? == before, "something was written");
    // and so it happens, where that is accepted
    let ran = restore(&stack, store.path(), &arguments).args(&["--keep-going", "--json"]).expect(3)?;
    let report = report(&ran)?;
    let owners = table(&report["tables"], "public.owners")?;
    ensure!(owners["done"]["delete"] == 1, "{owners}");
    ensure!(stack.sql("SELECT string_agg(id::text, ' ' ORDER BY id) FROM public.owners")? == "1 2 3\n");
    Ok(())
}

#[test]
fn two_modes_for_one_table_are_refused() -> Result<()> {
    let stack = Stack::up(&["--data", "sample"])?;
    let store = tempfile::tempdir()?;
    back_up(&stack, store.path(), 0)?;
    for pair in [["profiles=clear", "profiles=merge"], ["clear", "merge"]] {
        let ran = restore(&stack, store.path(), &["--mode", pair[0], "--mode", pair[1]]).expect(2)?;
        let said = format!("--mode {} and --mode {} contradict", pair[0], pair[1]);
        ensure!(ran.stderr.contains(&said), "{}", ran.stderr);
    }
    Ok(())
}

/// Keys that are equal for PostgreSQL, and not the same text.
const KEYS: &str = "CREATE TABLE public.prices (k numeric PRIMARY KEY, v text);
    GRANT ALL ON public.prices TO service_role;
    INSERT INTO public.prices VALUES (1.0, 'a'), (2.50, 'b'), (3, 'c'), (4, 'd'), (5, 'e')";

#[test]
fn a_row_whose_key_is_written_otherwise_is_never_overwritten_as_if_it_were_new() -> Result<()> {
    for through in ["api", "sql"] {
        let stack = Stack::up(&["--data", "sample", "--sql", "meta"])?;
        let store = tempfile::tempdir()?;
        stack.sql(KEYS)?;
        stack.script("restart-postgrest", &[])?;
        back_up(&stack, store.path(), 0)?;
        stack.sql(
            "DELETE FROM public.prices WHERE k <> 3;
             INSERT INTO public.prices VALUES (1.00, 'mine'), (2.5, 'mine too')",
        )?;
        let arguments = ["--table", "public.prices", "--mode", "merge", "--through", through];
        // a rehearsal over the Data API has to set such a row anew, and take that back: it does not see it
        if through == "sql" {
            let planned = plan(&stack, store.path(), &arguments, 4)?;
            let prices = table(&planned["tables"], "public.prices")?;
            ensure!(prices["counts"]["refused"].as_u64().is_some_and(|rows| rows >= 2), "{prices}");
            ensure!(prices["findings"].to_string().contains("written otherwise"), "{prices}");
        }
        restore(&stack, store.path(), &arguments).args(&["--keep-going"]).expect(3)?;
        let left = stack.sql("SELECT string_agg(k || v, ' ' ORDER BY k) FROM public.prices WHERE v LIKE 'mine%'")?;
        ensure!(left == "1.00mine 2.5mine too\n", "{through}: {left}");
    }
    Ok(())
}

#[test]
fn a_key_that_the_project_lost_doubles_no_row() -> Result<()> {
    let stack = Stack::up(&["--data", "sample", "--sql", "meta"])?;
    let store = tempfile::tempdir()?;
    stack.sql(KEYS)?;
    stack.script("restart-postgrest", &[])?;
    back_up(&stack, store.path(), 0)?;
    stack.sql("ALTER TABLE public.prices DROP CONSTRAINT prices_pkey; UPDATE public.prices SET v = 'x' WHERE k = 3")?;
    stack.script("restart-postgrest", &[])?;
    for mode in ["merge", "insert-missing"] {
        let arguments = ["--table", "public.prices", "--mode", mode];
        let planned = plan(&stack, store.path(), &arguments, 4)?;
        ensure!(planned["tables"].to_string().contains("key-gone"), "{mode}: {planned}");
        restore(&stack, store.path(), &arguments).expect(1)?;
    }
    ensure!(stack.sql("SELECT count(*) FROM public.prices")? == "5\n");
    restore(&stack, store.path(), &["--table", "public.prices", "--mode", "clear"]).expect(0)?;
    ensure!(stack.sql("SELECT string_agg(v, '' ORDER BY k) FROM public.prices")? == "abcde\n");
    Ok(())
}

/// Rows that have a second unique value, one with a number of digits, and a key that is checked late.
const CODES: &str = "CREATE TABLE public.codes (id int PRIMARY KEY, code text UNIQUE, price numeric(12,4));
    CREATE TABLE public.late (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, v text);
    GRANT ALL ON public.codes, public.late TO service_role;
    INSERT INTO public.codes SELECT n, 'c' || n, n + 0.1234 FROM generate_series(1, 6) n;
    INSERT INTO public.late VALUES (1, 'a'), (2, 'b'), (3, 'c')";

#[test]
fn a_single_row_that_another_row_keeps_out_is_named_before() -> Result<()> {
    let stack = Stack::up(&["--data", "sample"])?;
    let store = tempfile::tempdir()?;
    stack.sql(CODES)?;
    stack.script("restart-postgrest", &[])?;
    back_up(&stack, store.path(), 0)?;
    // beside rows that are as they were; and then alone, where there are none
    let table_alone = ["--table", "public.codes"];
    let row_alone = ["--table", "public.codes", "--where", "id=6"];
    for (gone, arguments, alone) in [("id = 6", &table_alone[..], false), ("true", &row_alone, true)] {
        stack.sql(&format!("DELETE FROM public.codes WHERE {gone}; INSERT INTO public.codes VALUES (60, 'c6', 0)"))?;
        let planned = plan(&stack, store.path(), arguments, 0)?;
        let findings = table(&planned["tables"], "public.codes")?["findings"].to_string();
        ensure!(findings.contains("1 row can be tried only once others are written"), "{findings}");
        ensure!(findings.contains("rehearsed-alone") == alone, "{findings}");
        stack.sql("DELETE FROM public.codes WHERE id = 60")?;
        let planned = plan(&stack, store.path(), arguments, 0)?;
        let findings = table(&planned["tables"], "public.codes")?["findings"].to_string();
        ensure!(!findings.contains("not-rehearsed"), "{findings}");
    }
    Ok(())
}

#[test]
fn a_key_that_is_checked_late_is_said_before_anything_is_written_over_the_data_api() -> Result<()> {
    let stack = Stack::up(&["--data", "sample"])?;
    let store = tempfile::tempdir()?;
    stack.sql(CODES)?;
    stack.script("restart-postgrest", &[])?;
    back_up(&stack, store.path(), 0)?;
    for gone in ["id = 3", "true"] {
        stack.sql(&format!("DELETE FROM public.late WHERE {gone}"))?;
        let planned = plan(&stack, store.path(), &["--table", "public.late"], 4)?;
        let late = table(&planned["tables"], "public.late")?;
        ensure!(late["counts"]["add"] == 0 && late["findings"].to_string().contains("deferrable"), "{late}");
    }
    Ok(())
}

#[test]
fn other_limits_of_a_type_are_named() -> Result<()> {
    let stack = Stack::up(&["--data", "sample", "--sql", "meta"])?;
    let store = tempfile::tempdir()?;
    stack.sql(CODES)?;
    stack.script("restart-postgrest", &[])?;
    back_up(&stack, store.path(), 0)?;
    stack.sql("DELETE FROM public.codes WHERE id > 4; ALTER TABLE public.codes ALTER price TYPE numeric(10,0)")?;
    let planned = plan(&stack, store.path(), &["--table", "public.codes"], 0)?;
    let said = table(&planned["tables"], "public.codes")?["findings"].to_string();
    ensure!(said.contains("type-limits") && said.contains("numeric(12,4)") && said.contains("numeric(10,0)"), "{said}");
    Ok(())
}

#[test]
fn rows_that_go_with_others_in_tables_that_nobody_chose_are_counted() -> Result<()> {
    let stack = Stack::up(&["--data", "sample", "--sql", "meta"])?;
    let store = tempfile::tempdir()?;
    stack.sql(
        "CREATE TABLE public.owners (id int PRIMARY KEY);
         CREATE TABLE public.pets (id int PRIMARY KEY, owner int REFERENCES public.owners ON DELETE CASCADE);
         GRANT ALL ON public.owners, public.pets TO service_role;
         INSERT INTO public.owners VALUES (1), (2); INSERT INTO public.pets VALUES (1, 1)",
    )?;
    stack.script("restart-postgrest", &[])?;
    back_up(&stack, store.path(), 0)?;
    stack.sql("INSERT INTO public.owners VALUES (3); INSERT INTO public.pets VALUES (2, 3), (3, 3)")?;
    let before = prints(&stack)?;
    let arguments = ["--table", "public.owners", "--mode", "clear", "--through", "api"];
    let planned = plan(&stack, store.path(), &arguments, 0)?;
    ensure!(planned["findings"].to_string().contains("public.pets (3 rows)"), "{}", planned["findings"]);
    let ran = restore(&stack, store.path(), &arguments).args(&["--json"]).expect(0)?;
    let report = report(&ran)?;
    ensure!(
        report["findings"].to_string().contains("2 rows went with rows that were deleted"),
        "{}",
        report["findings"]
    );
    ensure!(stack.sql("SELECT count(*) FROM public.pets")? == "1\n");
    let command = report["undo"]["command"].as_str().unwrap_or_default().to_owned();
    let words: Vec<&str> = command.split_whitespace().skip(1).collect();
    Run::new(&words).on(&stack).store(store.path()).expect(0)?;
    ensure!(prints(&stack)? == before, "the undo did not bring back what went");
    Ok(())
}

#[test]
fn a_sequence_that_stands_behind_is_seen_with_the_secret_key_alone() -> Result<()> {
    for backed_up_with in ["auto", "none"] {
        let stack = Stack::up(&["--data", "sample", "--sql", "meta"])?;
        let store = tempfile::tempdir()?;
        stack.sql(
            "DROP TRIGGER set_updated_at ON public.voice_sessions;
             CREATE TABLE public.notes (id serial PRIMARY KEY, page int NOT NULL, body text);
             GRANT ALL ON public.notes TO service_role; GRANT USAGE ON SEQUENCE public.notes_id_seq TO service_role;
             INSERT INTO public.notes (page, body) SELECT 7, n::text FROM generate_series(1, 9) n",
        )?;
        stack.script("restart-postgrest", &[])?;
        Run::new(&["backup", "--sql", backed_up_with]).on(&stack).store(store.path()).expect(0)?;
        stack.sql(
            "DELETE FROM public.voice_sessions WHERE session_no > 280; DELETE FROM public.notes WHERE id > 5;
             SELECT setval('public.voice_sessions_session_no_seq', 3), setval('public.notes_id_seq', 2)",
        )?;
        let arguments = ["--table", "public.notes", "--table", "public.voice_sessions"];
        let key_alone = || restore(&stack, store.path(), &arguments).env("SUPABACKUP_SQL", "none");
        let report = report(&key_alone().args(&["--json"]).expect(3)?)?;
        let left: Vec<&str> =
            report["sequences"].as_array().into_iter().flatten().filter_map(|s| s["column"].as_str()).collect();
        ensure!(left == ["id", "session_no"], "{backed_up_with}: {left:?} {:#}", report["tables"]);
        // what it prints is what mends it
        for sequence in report["sequences"].as_array().into_iter().flatten() {
            stack.sql(sequence["sql"].as_str().unwrap_or_default())?;
        }
        stack.sql("INSERT INTO public.notes (page) VALUES (1)")?;
        restore(&stack, store.path(), &["--table", "public.voice_sessions"]).env("SUPABACKUP_SQL", "none").expect(0)?;
    }
    Ok(())
}
