//! The worst day: another, empty project. Through SQL, definitions come first, then rows, then the rest.

use anyhow::{Result, ensure};

use super::{differ, prints, project_name, report};
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
