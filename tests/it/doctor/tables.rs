//! What the key may see, and the settings of the server.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{Clinic, marked};
use crate::support::Run;

#[test]
fn what_cannot_be_read_is_named_with_what_would_fix_it() -> Result<()> {
    let clinic = Clinic::open(&["--data", "torture"])?;
    let text = clinic.expect_said(
        clinic.doctor(),
        4,
        &[
            "✓ The API exposes 3 schemas: public, graphql_public and shop.",
            "✗ Column public.r_col_grant.hidden cannot be backed up: the API may not read it: permission denied",
            "\n  hint: GRANT SELECT (\"hidden\") ON TABLE \"public\".\"r_col_grant\" TO service_role;\n",
            "✗ Table public.\"..\" cannot be backed up: no URL can name it",
            "\n  hint: rename it: ALTER TABLE \"public\".\"..\" RENAME TO …; or leave it out with --exclude 'public...'",
            " tables have no primary key that the API shows: ",
            "✓ One answer holds 1,000 rows at most (max_rows).",
            "\n2 things must be fixed before a backup can be whole",
        ],
    )?;
    ensure!(marked(&text, '✗') == 2, "{text}");

    // as a program sees it
    let ran = clinic.expect(Run::new(&["doctor", "--json"]).on(&clinic.stack).store(clinic.store.path()), 4)?;
    let document: Value = serde_json::from_str(&ran.stdout)?;
    ensure!(document["ok"] == false && document["errors"] == 2, "{document}");
    let findings = document["findings"].as_array().context("findings")?;
    let coded = |code: &str| findings.iter().filter(|finding| finding["code"] == code).count();
    ensure!(
        coded("table-unnameable") == 1 && coded("column-unreadable") == 1 && coded("blind-spot") == 1,
        "{document}"
    );

    // schemas and patterns that were meant otherwise
    let run = clinic.doctor().env("SUPABACKUP_SCHEMAS", "shop,audit");
    let sentences = ["✗ The API does not expose the schema \"audit\" that is to be backed up.", "leaves out public"];
    clinic.expect_said(run, 4, &sentences)?;
    let run = clinic.doctor().env("SUPABACKUP_SCHEMAS", "audit");
    let text = clinic.expect_said(run, 4, &["✗ The API does not expose the schema \"audit\""])?;
    ensure!(!text.contains("✓ The key reads"), "{text}");
    let run =
        clinic.doctor().env("SUPABACKUP_EXCLUDE", "public...,r_col_grant,lgo_*").env("SUPABACKUP_SCHEMAS", "public");
    let text = clinic.expect_said(
        run,
        0,
        &["! The pattern to exclude \"lgo_*\" matches nothing.", "2 relations are left out"],
    )?;
    ensure!(marked(&text, '✗') == 0, "{text}");
    let run = clinic.doctor().env("SUPABACKUP_INCLUDE", "usres");
    clinic.expect_said(run, 4, &["✗ Tables to include: \"usres\" cannot be backed up: ", "none can be backed up."])?;
    Ok(())
}

#[test]
fn digits_that_the_server_cuts_are_told_with_the_setting_to_change() -> Result<()> {
    let clinic = Clinic::open(&["--data", "torture"])?;
    clinic.stack.sql("ALTER DATABASE postgres SET extra_float_digits = 0")?;
    clinic.stack.script("restart-postgrest", &[])?;
    let sentences = [
        "✗ The server cuts the last digits of floating-point numbers (extra_float_digits is below 1): ",
        "\n  hint: ALTER ROLE service_role SET extra_float_digits = 1; NOTIFY pgrst, 'reload config';\n",
    ];
    clinic.expect_said(clinic.doctor(), 4, &sentences)?;
    // what the hint says helps
    clinic.stack.sql("ALTER ROLE service_role SET extra_float_digits = 1; NOTIFY pgrst, 'reload config'")?;
    for _ in 0..50 {
        if clinic.doctor().go()?.stdout.contains("✓ Floating-point numbers come with all their digits.") {
            return Ok(());
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    anyhow::bail!("the advice does not help")
}
