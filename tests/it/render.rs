//! What people and programs get to read about a snapshot.

use anyhow::{Context, Result, ensure};
use chrono::TimeDelta;
use supabackup::model::{
    Finding, Manifest, Missing, PassedOver, SnapshotState, SnapshotSummary, Stability, TableEntry, TableName,
    Verification,
};
use supabackup::render;

use crate::sample::Sample;

async fn manifest() -> Result<Manifest> {
    Ok(Sample::write(tempfile::tempdir()?.path()).await?.manifest)
}

fn hostile() -> TableName {
    TableName::new("public", "x</td><script>alert(1)</script>\n```\n| a | 'b' \\ \"q\" \u{202e}\n\\! touch pwned")
}

/// The manifest with everything that can go wrong in a run, and hostile names everywhere.
async fn troubled() -> Result<Manifest> {
    let mut manifest = manifest().await?;
    let (from, to) = (manifest.started, manifest.finished);
    manifest.tables[0].stability = Stability::Moved { from, to, passes: 5, reread: 1200, superseded: 3 };
    manifest.tables[1].name = hostile();
    manifest.tables[1].stability =
        Stability::Unproven { from, to, reason: "the key's order is `unknown` <b>".to_owned() };
    manifest.complete = false;
    manifest.consistency = supabackup::model::Consistency { moment: None, stable: 1, moved: 1, unproven: 1 };
    manifest.missing = vec![Missing {
        subject: format!("table {}", hostile()),
        reason: "permission denied for table x\n::error::forged | <img src=x>".to_owned(),
        fix: Some("GRANT SELECT ON public.x TO service_role;".to_owned()),
    }];
    manifest.passed_over.push(PassedOver { name: hostile(), reason: "excluded by `*`".to_owned() });
    Ok(manifest)
}

fn many(manifest: &Manifest, count: usize) -> Manifest {
    let mut many = manifest.clone();
    let table =
        |n: usize| TableEntry { name: TableName::new("public", format!("{n:063}")), ..manifest.tables[0].clone() };
    many.tables = (0..count).map(table).collect();
    many
}

#[tokio::test]
async fn the_list_fits_eighty_columns_and_says_what_is_wrong() -> Result<()> {
    let manifest = manifest().await?;
    let now = manifest.finished + TimeDelta::hours(5);
    let record = |ok| Verification {
        at: now - TimeDelta::hours(2),
        depth: "opened".to_owned(),
        ok,
        partial: false,
        errors: 0,
        manifest_sha256: String::new(),
        tool: String::new(),
    };
    let id = |text: &str| text.parse().map_err(anyhow::Error::msg);
    let mut damaged = SnapshotSummary::of("p", &manifest, Some(record(false)));
    damaged.state = SnapshotState::Incomplete;
    damaged.rows = 1_234_567;
    let list = [
        SnapshotSummary::of("p", &manifest, Some(record(true))),
        damaged,
        SnapshotSummary::bare("p", id("20261120T031500Z-0001")?, SnapshotState::Unfinished, None),
        SnapshotSummary::bare(
            "p",
            id("20261120T031500Z-0002")?,
            SnapshotState::Unreadable,
            Some("not a manifest".to_owned()),
        ),
    ];
    let text = render::list_human(&list, now, render::Palette::default());
    insta::assert_snapshot!(text, @r#"
    SNAPSHOT              AGE STATE      TABLES      ROWS  STORED TOOK VERIFIED
    20261123T031500Z-7f3a 5 h complete        3        97 4.4 KiB 42 s opened 2 h
    20261123T031500Z-7f3a 5 h incomplete      3 1,234,567 4.4 KiB 42 s DAMAGED 2 h
    20261120T031500Z-0001 3 d unfinished      -         -       -    - -
    20261120T031500Z-0002 3 d unreadable      -         -       -    - -
    20261120T031500Z-0002: not a manifest
    "#);
    ensure!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    let coloured = render::list_human(&list, now, render::Palette::new(true));
    ensure!(coloured.contains("\u{1b}[31mDAMAGED\u{1b}[0m 2 h") && coloured.contains("\u{1b}[33munfinished\u{1b}[0m"));
    ensure!(render::list_json(&list)?.contains("\"state\": \"unreadable\""));
    Ok(())
}

#[tokio::test]
async fn one_snapshot_is_shown_table_by_table() -> Result<()> {
    let manifest = troubled().await?;
    let summary = SnapshotSummary::of("p", &manifest, None);
    let text = render::snapshot_human(&summary, &manifest, manifest.finished, render::Palette::default());
    insta::assert_snapshot!(text, @r#"
    20261123T031500Z-7f3a of abcdefghijklmnopqrst
    INCOMPLETE: 97 rows of 3 tables in 42 s: 19.9 KiB of text, stored in 4.4 KiB
    taken 2026-11-23 03:15:00 UTC (42 s ago) by supabackup 0.1.0
    never verified
    Of 3 tables, 1 was proven unchanged while it was read. 1 table went on changing: its rows that changed meanwhile may be there in an older or a newer form. 1 table could not be checked.
    The schema is not in it, only rows: there was no SQL access (`supabackup doctor` says how to give it).

    TABLE                                     ROWS      TEXT   STORED  RATIO  PARTS  STATE
    public.orders                               90  18.0 KiB  3.5 KiB   5.1×      4  moved
    public."x</td><script>alert(1)</script>…     7   1.8 KiB    844 B   2.2×      2  unproven
    public.empty                                 0       0 B      0 B      -      0  stable
    public.orders moved: changed from 2026-11-23 03:15:00 UTC to 2026-11-23 03:15:42 UTC; 1,200 rows stood in pages that were read again, in 5 passes; 3 rows that were read in two versions are kept in the newer one
    public."x</td><script>alert(1)</script>\n```\n| a | \'b\' \\ ""q"" \u{202e}\n\\! touch pwned" unproven: the key's order is `unknown` <b>

    missing:
      table public."x</td><script>alert(1)</script>\n```\n| a | \'b\' \\ ""q"" \u{202e}\n\\! touch pwned": permission denied for table x\n::error::forged | <img src=x>
        fix: GRANT SELECT ON public.x TO service_role;

    passed over:
      public.paid_orders: view
      public."x</td><script>alert(1)</script>\n```\n| a | \'b\' \\ ""q"" \u{202e}\n\\! touch pwned": excluded by `*`
    "#);
    Ok(())
}

#[tokio::test]
async fn a_verification_is_a_line_per_finding_and_a_verdict() -> Result<()> {
    let sample = Sample::write(tempfile::tempdir()?.path()).await;
    let manifest = sample?.manifest;
    let mut verified = supabackup::model::Verified {
        project: "p".to_owned(),
        id: manifest.snapshot.clone(),
        depth: supabackup::model::Depth::Opened,
        complete: true,
        manifest_sha256: Some(String::new()),
        tables: 3,
        rows: 97,
        files: 9,
        bytes_read: 12_345,
        findings: Vec::new(),
    };
    insta::assert_snapshot!(render::verified_human(&verified, render::Palette::default()), @r#"20261123T031500Z-7f3a intact (opened): 9 files, 97 rows in 3 tables, 12.1 KiB read"#);
    verified.findings = vec![
        Finding::error("part-missing", "sql/x", "it is gone").hint("look in json/x"),
        Finding::warning("part-extra", "evil\nname", "it is not named"),
    ];
    insta::assert_snapshot!(render::verified_human(&verified, render::Palette::default()), @r#"
    error [part-missing] sql/x: it is gone
      hint: look in json/x
    warning [part-extra] evil\nname: it is not named
    20261123T031500Z-7f3a DAMAGED, 1 error (opened): 9 files, 97 rows in 3 tables, 12.1 KiB read
    "#);
    ensure!(render::verified_json(&[verified])?.starts_with("{\n  \"ok\": false"));
    Ok(())
}

#[tokio::test]
async fn the_markdown_report_reads_well() -> Result<()> {
    insta::assert_snapshot!(render::backup_report_md(&troubled().await?), @r#"
    # Backup of `abcdefghijklmnopqrst`: **incomplete**

    97 rows of 3 tables in 42 s: 19.9 KiB of text, stored in 4.4 KiB.

    Of 3 tables, 1 was proven unchanged while it was read. 1 table went on changing: its rows that changed meanwhile may be there in an older or a newer form. 1 table could not be checked. The schema is not in it, only rows: there was no SQL access (`supabackup doctor` says how to give it).

    ## Missing

    These were seen and are **not** in the snapshot:

    - ````table public."x</td><script>alert(1)</script>\n```\n| a | \'b\' \\ ""q"" \u{202e}\n\\! touch pwned"````: permission denied for table x\\n::error::forged \| &lt;img src=x&gt;
      Fix: `GRANT SELECT ON public.x TO service_role;`

    ## Tables

    | Table | Rows | Text | Stored | Ratio | Parts | State |
    |:--|--:|--:|--:|--:|--:|:--|
    | `public.orders` | 90 | 18.0 KiB | 3.5 KiB | 5.1× | 4 | moved |
    | ````public."x</td><script>alert(1)</script>\n```\n\| a \| \'b\' \\ ""q"" \u{202e}\n\\! touch pwned"```` | 7 | 1.8 KiB | 844 B | 2.2× | 2 | unproven |
    | `public.empty` | 0 | 0 B | 0 B | - | 0 | stable |

    ### Not proven steady

    - `public.orders`: changed from 2026-11-23 03:15:00 UTC to 2026-11-23 03:15:42 UTC; 1,200 rows stood in pages that were read again, in 5 passes; 3 rows that were read in two versions are kept in the newer one
    - ````public."x</td><script>alert(1)</script>\n```\n| a | \'b\' \\ ""q"" \u{202e}\n\\! touch pwned"````: the key's order is \`unknown\` &lt;b&gt;

    ## Passed over

    These hold no rows of their own, or were excluded on purpose:

    - `public.paid_orders`: view
    - ````public."x</td><script>alert(1)</script>\n```\n| a | \'b\' \\ ""q"" \u{202e}\n\\! touch pwned"````: excluded by \`\*\`

    ## What this way of looking cannot see

    - tables that are not granted to service\_role are not seen

    ---

    Snapshot `20261123T031500Z-7f3a`, read from 2026-11-23 03:15:00 UTC to 2026-11-23 03:15:42 UTC by supabackup 0.1.0. How to restore it by hand stands in `RECOVERY.md`.
    "#);
    Ok(())
}

#[tokio::test]
async fn reports_of_thousands_of_tables_stay_small() -> Result<()> {
    let mut manifest = many(&troubled().await?, 2000);
    let md = render::backup_report_md(&manifest);
    ensure!(md.len() < 1 << 20 && md.contains(&format!("{:063}", 1999)), "{}", md.len());
    let nasty = TableName::new("\u{1}".repeat(63), "|".repeat(63));
    manifest.tables.iter_mut().for_each(|table| table.name = nasty.clone());
    manifest.missing = vec![Missing { subject: "`".repeat(500), reason: "<".repeat(5000), fix: None }; 2000];
    manifest.passed_over = vec![PassedOver { name: nasty, reason: "*".repeat(5000) }; 2000];
    let md = render::backup_report_md(&manifest);
    ensure!(md.len() < 1 << 20 && md.contains("`manifest.json` names all of them"), "{}", md.len());
    ensure!(render::recovery_md(&manifest).len() < 8 << 20);
    Ok(())
}

#[tokio::test]
async fn hostile_names_cannot_leave_their_place() -> Result<()> {
    let manifest = troubled().await?;
    let html = render::backup_report_html(&manifest);
    ensure!(!html.contains("<script") && !html.contains("<img") && !html.contains('\u{202e}'));
    ensure!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    let recovery = render::recovery_md(&manifest);
    for text in [render::backup_report_md(&manifest), recovery.clone()] {
        for line in text.lines() {
            ensure!(
                !line.starts_with("```\n|") && !line.trim_start().starts_with("\\!") && !line.starts_with("::error"),
                "{line}"
            );
        }
        ensure!(!text.contains("<img") && !text.contains('\u{202e}'));
    }
    // The names stand on one line each, so what looks like a fence in them never begins a line.
    let fences: Vec<_> = recovery.lines().filter(|line| line.starts_with("```")).collect();
    ensure!(fences.len().is_multiple_of(2), "{fences:?}");
    Ok(())
}

#[tokio::test]
async fn the_recovery_document_names_the_files_of_a_table_and_of_no_other() -> Result<()> {
    let recovery = render::recovery_md(&manifest().await?);
    for text in [
        "sha256sum -c SHA256SUMS",
        "zstd -dc sql/*.zst | psql -X -q -1 -v ON_ERROR_STOP=1 -d \"$DATABASE_URL\" -f -",
        "`sql/100-public.orders-[0-9][0-9][0-9][0-9][0-9].sql.zst`",
        "`json/-4fdd-20-22schema-22.a-2fb-20-7c-20-60c-60-20-3cd-3e-0a-24x-00001.jsonl.zst`",
        "('public.empty', '0 rows, digest 0', 'supabackup_row', '\"public\".\"empty\" AS supabackup_row', '\"public\", public, extensions')",
        "no rows, no files",
    ] {
        ensure!(recovery.contains(text), "{text} is not in\n{recovery}");
    }
    let begin = recovery.find("\n-- supabackup check: begin\n").context("no block")?;
    ensure!(recovery[begin..].contains("\n-- supabackup check: end\n"));
    Ok(())
}
