//! The worst day: another, empty project. Through SQL, definitions come first, then rows, then the rest.

use anyhow::{Result, ensure};

use super::{differ, plan, prints, project_name, report, table};
use crate::support::{Run, Stack};

#[test]
fn everything_comes_back_in_an_empty_project() -> Result<()> {
    for way in ["meta", "management"] {
        let source = Stack::up(&["--data", "sample", "--sql", way])?;
        let store = tempfile::tempdir()?;
        let on = |arguments: &[&str], stack: &Stack| {
            let run = Run::new(arguments).on(stack).store(store.path());
            if way == "management" { run.token(stack, "SUPABASE_ACCESS_TOKEN") } else { run }
        };
        on(&["backup"], &source).expect(0)?;
        let before = prints(&source)?;
        let from = project_name(&source);
        let target = Stack::up(&["--data", "none", "--sql", way])?;
        let name = project_name(&target);
        let preview = on(&["restore", "latest", "--project", &from, "--dry-run"], &target).expect(0)?;
        ensure!(preview.stdout.contains(&from) && preview.stdout.contains(&name), "{}", preview.stdout);
        ensure!(prints(&target)?.is_empty(), "a dry run wrote something");
        let widest = preview.stdout.lines().map(|line| line.chars().count()).max();
        ensure!(widest <= Some(80), "{widest:?} columns\n{}", preview.stdout);
        let ran = on(&["restore", "latest", "--project", &from, "--json", "--confirm", &name], &target).go()?;
        ensure!(ran.code == 0, "{way}: {}\n{}", ran.stderr, ran.stdout);
        let differ = differ(&before, &prints(&target)?);
        ensure!(differ.is_empty(), "{way}: {differ:?}");
        let report = report(&ran)?;
        ensure!(report["complete"] == true && report["plan"]["schema"] == "create", "{report}");
        for (sql, what) in [
            ("SELECT count(*) FROM pg_policy", "policies"),
            (
                "SELECT count(*) FROM pg_constraint c JOIN pg_namespace n ON n.oid = connamespace WHERE nspname = 'public'",
                "constraints",
            ),
            (
                "SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = indrelid JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = 'public'",
                "indexes",
            ),
        ] {
            ensure!(source.sql(sql)? == target.sql(sql)?, "{what} differ");
        }
        // and it is a project that can be backed up
        on(&["backup"], &target).expect(0)?;
    }
    Ok(())
}

/// A row that postgres-meta cannot carry, in a table that the restore has to make first.
#[test]
fn a_row_that_is_too_large_for_postgres_meta_comes_back_too() -> Result<()> {
    let source = Stack::up(&["--data", "sample", "--sql", "meta"])?;
    source.sql(
        "SET ROLE postgres; CREATE DOMAIN public.settings AS jsonb;
         CREATE TABLE public.documents (id int PRIMARY KEY, body text NOT NULL, j jsonb, s public.settings);
         CREATE TABLE public.pages (id int PRIMARY KEY, document int NOT NULL REFERENCES public.documents);
         REVOKE ALL ON public.documents FROM service_role; GRANT SELECT ON public.documents TO service_role;
         INSERT INTO public.documents VALUES (1, 'small', 'null', '{\"a\": 1}'),
           (2, repeat(E'\"a\\\\b\\n', 800000), '[1]', NULL), (3, 'last', NULL, '\"text\"');
         INSERT INTO public.pages VALUES (1, 2), (2, 3)",
    )?;
    source.script("restart-postgrest", &[])?;
    let target = Stack::up(&["--data", "none", "--sql", "meta"])?;
    let (from, to) = (project_name(&source), project_name(&target));
    let store = tempfile::tempdir()?;
    let of = ["latest", "--project", &from];
    let restore = |more: &[&str]| {
        let all: Vec<&str> = ["restore", "--confirm", &to].iter().chain(&of).chain(more).copied().collect();
        Run::new(&all).on(&target).store(store.path())
    };
    Run::new(&["backup"]).on(&source).store(store.path()).expect(0)?;
    // what the Data API cannot write is said before anything is made
    let planned = plan(&target, store.path(), &of, 4)?;
    let documents = table(&planned["tables"], "public.documents")?;
    ensure!(documents["way"] == "api" && documents["counts"]["refused"] == 1, "{documents}");
    ensure!(documents["findings"].to_string().contains("JSON null"), "{documents}");
    restore(&[]).expect(1)?;
    ensure!(prints(&target)?.is_empty(), "something was made");
    source.sql("UPDATE public.documents SET j = NULL WHERE id = 1")?;
    Run::new(&["backup"]).on(&source).store(store.path()).expect(0)?;
    let planned = plan(&target, store.path(), &of, 0)?;
    let documents = table(&planned["tables"], "public.documents")?;
    ensure!(documents["findings"].to_string().contains("once it is made"), "{documents}");
    ensure!(table(&planned["tables"], "public.pages")?["way"] == "sql", "{planned}");
    restore(&[]).expect(0)?;
    let differ = differ(&prints(&source)?, &prints(&target)?);
    ensure!(differ.is_empty(), "{differ:?}");
    // the right to write it was lent for the restore
    let rights =
        "SELECT string_agg(privilege_type, ' ' ORDER BY privilege_type) FROM information_schema.role_table_grants
                  WHERE table_name = 'documents' AND grantee = 'service_role'";
    ensure!(target.sql(rights)? == "SELECT\n", "{}", target.sql(rights)?);
    Ok(())
}

/// An old project into a new one.
#[test]
fn a_newer_postgresql_takes_it_too() -> Result<()> {
    let source = Stack::up(&["--data", "sample", "--sql", "management"])?;
    let target = Stack::up(&["--data", "none", "--sql", "management", "--pg", "newest"])?;
    let store = tempfile::tempdir()?;
    let on = |arguments: &[&str], stack: &Stack| {
        Run::new(arguments).on(stack).store(store.path()).token(stack, "SUPABASE_ACCESS_TOKEN")
    };
    on(&["backup"], &source).expect(0)?;
    let before = prints(&source)?;
    let (from, to) = (project_name(&source), project_name(&target));
    let restore = |more: &[&str]| {
        let all = ["restore", "latest", "--project", &from, "--json", "--confirm", &to];
        on(&all.iter().chain(more).copied().collect::<Vec<_>>(), &target)
    };
    restore(&[]).expect(0)?;
    ensure!(differ(&before, &prints(&target)?).is_empty(), "not the same");
    // and it can be changed back there, by either way
    target.sql("DROP TRIGGER set_updated_at ON public.voice_sessions")?;
    for through in ["sql", "api"] {
        target.sql(
            "SET session_replication_role = replica;
             UPDATE public.voice_sessions SET topic = 'spoiled' WHERE session_no < 9;
             DELETE FROM public.voice_sessions WHERE session_no > 280",
        )?;
        restore(&["--mode", "clear", "--through", through, "--table", "public.voice_sessions"]).expect(0)?;
        ensure!(differ(&before, &prints(&target)?).is_empty(), "not the same through {through}");
    }
    Ok(())
}
