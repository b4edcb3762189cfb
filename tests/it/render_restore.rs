//! What people and programs get to read about a restore.

use anyhow::{Result, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use supabackup::model::{
    ColumnLeftOut, Counts, Difference, Finding, Project, RestoreMode, RestorePlan, RestoreReport, RowRefused,
    SchemaStep, SequenceLeft, SnapshotId, TableName, TablePlan, TableReport, Undo, WriteWay,
};
use supabackup::render;

const PLAIN: fn() -> render::Palette = render::Palette::default;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(1_795_403_700 + seconds)
}

fn project(name: &str) -> Project {
    Project { name: name.to_owned(), url: format!("https://{name}.supabase.co") }
}

fn hostile() -> TableName {
    TableName::new(
        "public",
        "x</td><script>alert(1)</script>\n```\n| a | 'b' \\ \"q\" \u{202e}\u{1b}[31m\n::error::forged",
    )
}

fn table(name: TableName, counts: Counts) -> TablePlan {
    TablePlan {
        source: name.clone(),
        target: name,
        mode: RestoreMode::Merge,
        way: WriteWay::Api,
        columns: vec!["id".to_owned(), "note".to_owned()],
        left_out: Vec::new(),
        extra_columns: Vec::new(),
        key: vec!["id".to_owned()],
        later: Vec::new(),
        triggers: Vec::new(),
        step: 0,
        counts,
        findings: Vec::new(),
    }
}

fn counts(snapshot: u64, target: u64, add: u64, change: u64, delete: u64) -> Counts {
    Counts { snapshot, target, add, change, delete, unchanged: snapshot - add - change, ..Counts::default() }
}

fn plan(tables: Vec<TablePlan>) -> RestorePlan {
    RestorePlan {
        snapshot: SnapshotId::new(at(0), 0x7f3a),
        taken: at(0),
        from: project("abcdefghijklmnopqrst"),
        to: project("abcdefghijklmnopqrst"),
        is_other_project: false,
        way: "over the Data API: triggers fire, foreign keys are checked row by row".to_owned(),
        schema: SchemaStep::Keep,
        tables,
        findings: Vec::new(),
    }
}

fn simple() -> RestorePlan {
    plan(vec![
        table(TableName::new("public", "customers"), counts(3376, 3371, 5, 0, 0)),
        table(TableName::new("public", "orders"), counts(42_049, 42_040, 12, 1200, 0)),
    ])
}

/// Everything that a plan can say, with hostile names everywhere.
fn troubled() -> RestorePlan {
    let mut odd = table(hostile(), Counts { kept: 4, refused: 1, ..counts(9, 8, 3, 1, 2) });
    odd.target = TableName::new("public", "y".repeat(63));
    odd.mode = RestoreMode::Clear;
    odd.left_out = vec![
        ColumnLeftOut { column: "total".into(), reason: "it is generated, and computed anew".into(), loses: false },
        ColumnLeftOut { column: "a\nb".into(), reason: "the project's table has no such column".into(), loses: true },
    ];
    odd.extra_columns = (1..=14).map(|n| format!("new_column_{n}")).collect();
    odd.key = Vec::new();
    odd.later = vec!["parent_id".to_owned()];
    odd.triggers = vec!["notify\u{1b}[2J".to_owned(), "audit".to_owned()];
    odd.step = 1;
    odd.findings = vec![
        Finding::warning("trigger-acts-outside", "trigger notify", "it reaches out of the database\n::error::forged")
            .hint("switch it off before: ALTER TABLE x DISABLE TRIGGER notify;"),
    ];
    let mut plan =
        plan(vec![table(TableName::new("public", "日本語".repeat(12)), counts(1_234_567, 1, 1_234_566, 0, 0)), odd]);
    plan.to = project("zyxwvutsrqponmlkjihg");
    plan.is_other_project = true;
    plan.schema = SchemaStep::Create;
    plan.findings = vec![Finding::error("circle", "tables a, b", "foreign keys refer to each other and take no NULL")];
    plan
}

fn fits(text: &str, width: usize) -> Result<()> {
    for line in text.lines() {
        ensure!(unicode_width::UnicodeWidthStr::width(line) <= width, "wider than {width}: {line}\n{text}");
        ensure!(!line.chars().any(|c| c.is_control() || c == '\u{202e}'), "{line:?}");
        ensure!(!line.starts_with("::error"), "{line}");
    }
    Ok(())
}

#[test]
fn a_plan_shows_what_will_happen_to_each_table() -> Result<()> {
    let text = render::restore_plan_human(&simple(), at(18_000), 80, PLAIN());
    insta::assert_snapshot!(text, @r#"
    snapshot  20261123T031500Z-7f3a
    taken     2026-11-23 03:15:00 UTC, 5 h ago
    from      abcdefghijklmnopqrst, https://abcdefghijklmnopqrst.supabase.co
    into      abcdefghijklmnopqrst, https://abcdefghijklmnopqrst.supabase.co
    written   over the Data API: triggers fire, foreign keys are checked row by row
    schema    stays as it is
    mode      merge: adds rows, changes those that differ back; other rows stay

    TABLE             SNAPSHOT  TARGET  ADD  CHANGE  DELETE    SAME
    public.customers     3,376   3,371    5       0       0   3,371
    public.orders       42,049  42,040   12   1,200       0  40,837
    2 tables in all     45,425  45,411   17   1,200       0  44,208

    17 rows to add, 1,200 to change and 0 to delete in 2 tables; 44,208 stay as they
    are
    "#);
    fits(&text, 80)
}

#[test]
fn a_plan_says_all_that_is_out_of_the_ordinary() -> Result<()> {
    let text = render::restore_plan_human(&troubled(), at(18_000), 80, PLAIN());
    insta::assert_snapshot!(text, @r#"
    snapshot  20261123T031500Z-7f3a
    taken     2026-11-23 03:15:00 UTC, 5 h ago
    from      abcdefghijklmnopqrst, https://abcdefghijklmnopqrst.supabase.co
    into      zyxwvutsrqponmlkjihg, https://zyxwvutsrqponmlkjihg.supabase.co
    written   over the Data API: triggers fire, foreign keys are checked row by row
    schema    is made from the snapshot's own definition first
    The snapshot was taken of project abcdefghijklmnopqrst. Its rows go into another
    project: zyxwvutsrqponmlkjihg.

    TABLE                  SNAPSHOT TARGET       ADD CHANGE DELETE SAME KEPT REFUSED
    public.日本語日本語…  1,234,567      1 1,234,566      0      0    1    0       0
    public."x</td><scrip…         9      8         3      1      2    5    4       1
    2 tables in all       1,234,576      9 1,234,569      1      2    6    4       1

    order of work (foreign keys; deletions in the opposite order):
       1. public.日本語日本語日本語日本語日本語日…
       2. public.yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy…

    public.日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語
      mode merge: adds rows, changes those that differ back; other rows stay

    public."x</td><script>alert(1)</script>\n```\n| a | \'b\' \\ ""q"" \u{202e}\u{1…
      rows go into
      public.yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy
      mode clear: makes tables equal to the snapshot; deletes all other rows
      column total is not written: it is generated, and computed anew
      column a\nb is not written: the project's table has no such column; its values
      are LOST
      columns that only the project has (they keep their values, added rows take
      defaults): new_column_1, new_column_2, new_column_3, new_column_4,
      new_column_5, new_column_6, new_column_7, new_column_8, new_column_9,
      new_column_10, new_column_11, new_column_12, … and 2 more
      no primary key: rows are compared whole
      written as NULL first, and set once all rows are there (foreign keys in a
      circle): parent_id
      triggers that will fire: notify\u{1b}[2J, audit
      warning [trigger-acts-outside] trigger notify: it reaches out of the
              database\n::error::forged
        hint: switch it off before: ALTER TABLE x DISABLE TRIGGER notify;

    error [circle] tables a, b: foreign keys refer to each other and take no NULL

    This restore cannot start: 1 error above.
    "#);
    for width in [40, 60, 80, 200] {
        fits(&render::restore_plan_human(&troubled(), at(18_000), width, PLAIN()), width)?;
    }
    let coloured = render::restore_plan_human(&troubled(), at(18_000), 80, render::Palette::new(true));
    ensure!(
        coloured.contains("\u{1b}[31mLOST\u{1b}[0m") && coloured.contains("\u{1b}[31merror\u{1b}[0m"),
        "{coloured}"
    );
    Ok(())
}

#[test]
fn numbers_too_long_for_a_line_are_said_in_words() -> Result<()> {
    let big = 12_345_678_901;
    let table = table(TableName::new("public", "events"), counts(big * 3, big, big, big, big));
    let text = render::restore_plan_human(&plan(vec![table]), at(60), 80, PLAIN());
    insta::assert_snapshot!(text, @r#"
    snapshot  20261123T031500Z-7f3a
    taken     2026-11-23 03:15:00 UTC, 1 min ago
    from      abcdefghijklmnopqrst, https://abcdefghijklmnopqrst.supabase.co
    into      abcdefghijklmnopqrst, https://abcdefghijklmnopqrst.supabase.co
    written   over the Data API: triggers fire, foreign keys are checked row by row
    schema    stays as it is
    mode      merge: adds rows, changes those that differ back; other rows stay

    public.events
      snapshot 37,037,036,703, target 12,345,678,901, add 12,345,678,901, change
      12,345,678,901, delete 12,345,678,901, same 12,345,678,901

    12,345,678,901 rows to add, 12,345,678,901 to change and 12,345,678,901 to
    delete in 1 table; 12,345,678,901 stay as they are
    "#);
    fits(&text, 80)
}

#[test]
fn a_plan_without_work_says_so() {
    let plan = plan(vec![table(TableName::new("public", "orders"), counts(9, 9, 0, 0, 0))]);
    let text = render::restore_plan_human(&plan, at(60), 80, PLAIN());
    assert!(text.ends_with("There is nothing to write: the project has these rows already.\n"), "{text}");
}

fn report(plan: RestorePlan) -> RestoreReport {
    let tables = plan
        .tables
        .iter()
        .map(|table| TableReport {
            target: table.target.clone(),
            done: table.counts,
            rows_after: Some(table.counts.snapshot),
            is_equal: Some(true),
            refused: Vec::new(),
            differences: Vec::new(),
            more_differences: 0,
            findings: Vec::new(),
        })
        .collect();
    RestoreReport {
        plan,
        started: at(18_000),
        finished: at(18_042),
        seconds_writing: 2.0,
        undo: Some(Undo {
            snapshot: SnapshotId::new(at(18_001), 1),
            command: "supabackup restore 20261123T081501Z-0001 --mode clear --confirm abcdefghijklmnopqrst".to_owned(),
        }),
        tables,
        sequences: Vec::new(),
        findings: Vec::new(),
        complete: true,
    }
}

/// A report of everything that can go wrong.
fn bad_report() -> RestoreReport {
    let mut report = report(troubled());
    report.complete = false;
    report.sequences = vec![SequenceLeft {
        table: TableName::new("public", "orders"),
        column: "id".to_owned(),
        sql: "SELECT setval('public.orders_id_seq', 42049);".to_owned(),
    }];
    report.findings = vec![Finding::warning("slow", "the project", "it answered slowly")];
    let odd = &mut report.tables[1];
    odd.is_equal = Some(false);
    odd.target = hostile();
    odd.refused = (1..=22)
        .map(|n| RowRefused {
            row: format!("id={n}"),
            reason: "23514 new row violates check constraint \"x\"\n::error::forged <img src=x> | `".to_owned(),
        })
        .collect();
    odd.differences = vec![Difference { row: "id=7\u{1b}[2J".to_owned(), what: "differs in column note".to_owned() }];
    odd.more_differences = 3;
    report.tables[0].is_equal = None;
    report.tables[0].rows_after = None;
    report
}

#[test]
fn a_report_shows_what_was_done_and_proven() -> Result<()> {
    let text = render::restore_report_human(&report(simple()), 80, PLAIN());
    insta::assert_snapshot!(text, @r#"
    restored: 17 rows added, 1,200 changed and 0 deleted in 2 tables in 42 s (609
              rows/s)
    snapshot 20261123T031500Z-7f3a into project abcdefghijklmnopqrst

    TABLE             ADDED  CHANGED  DELETED  REFUSED  ROWS NOW  PROOF
    public.customers      5        0        0        0     3,376  equal
    public.orders        12    1,200        0        0    42,049  equal

    The tables as they were before are in safety snapshot 20261123T081501Z-0001. To
    undo this restore:
      supabackup restore 20261123T081501Z-0001 --mode clear --confirm abcdefghijklmnopqrst
    "#);
    // the command is there to be copied
    fits(&text.replace(" --confirm abcdefghijklmnopqrst", ""), 80)
}

#[test]
fn a_report_names_what_went_wrong() -> Result<()> {
    let text = render::restore_report_human(&bad_report(), 80, PLAIN());
    insta::assert_snapshot!(text, @r#"
    INCOMPLETE: 1,234,569 rows added, 1 changed and 2 deleted in 2 tables in 42 s
                (617,286 rows/s)
    snapshot 20261123T031500Z-7f3a into project zyxwvutsrqponmlkjihg

    TABLE                   ADDED  CHANGED  DELETED  REFUSED  ROWS NOW  PROOF
    public.日本語日本…  1,234,566        0        0        0         -  not compared
    public."x</td><sc…          3        1        2       22         9  DIFFERS

    public."x</td><script>alert(1)</script>\n```\n| a | \'b\' \\ ""q"" \u{202e}\u{1…
      refused by the database: 22 rows
        id=1: 23514 new row violates check constraint "x"\n::error::forged <img
        src=x> | `
        id=2: 23514 new row violates check constraint "x"\n::error::forged <img
        src=x> | `
        id=3: 23514 new row violates check constraint "x"\n::error::forged <img
        src=x> | `
        id=4: 23514 new row violates check constraint "x"\n::error::forged <img
        src=x> | `
        id=5: 23514 new row violates check constraint "x"\n::error::forged <img
        src=x> | `
        id=6: 23514 new row violates check constraint "x"\n::error::forged <img
        src=x> | `
        id=7: 23514 new row violates check constraint "x"\n::error::forged <img
        src=x> | `
        id=8: 23514 new row violates check constraint "x"\n::error::forged <img
        src=x> | `
        id=9: 23514 new row violates check constraint "x"\n::error::forged <img
        src=x> | `
        id=10: 23514 new row violates check constraint "x"\n::error::forged <img
        src=x> | `
        id=11: 23514 new row violates check constraint "x"\n::error::forged <img
        src=x> | `
        id=12: 23514 new row violates check constraint "x"\n::error::forged <img
        src=x> | `
        id=13: 23514 new row violates check constraint "x"\n::error::forged <img
        src=x> | `
        id=14: 23514 new row violates check constraint "x"\n::error::forged <img
        src=x> | `
        id=15: 23514 new row violates check constraint "x"\n::error::forged <img
        src=x> | `
        id=16: 23514 new row violates check constraint "x"\n::error::forged <img
        src=x> | `
        id=17: 23514 new row violates check constraint "x"\n::error::forged <img
        src=x> | `
        id=18: 23514 new row violates check constraint "x"\n::error::forged <img
        src=x> | `
        id=19: 23514 new row violates check constraint "x"\n::error::forged <img
        src=x> | `
        id=20: 23514 new row violates check constraint "x"\n::error::forged <img
        src=x> | `
        … and 2 more
      not what they should be: 4 rows
        id=7\u{1b}[2J: differs in column note
        … and 3 more

    warning [slow] the project: it answered slowly

    These sequences stand where the next insert may fail, and could not be moved.
    Run, as their owner:
      SELECT setval('public.orders_id_seq', 42049);

    The tables as they were before are in safety snapshot 20261123T081501Z-0001. To
    undo this restore:
      supabackup restore 20261123T081501Z-0001 --mode clear --confirm abcdefghijklmnopqrst
    "#);
    fits(&text.replace(" --confirm abcdefghijklmnopqrst", ""), 80)
}

#[test]
fn the_documents_name_everything_and_nothing_leaves_its_place() -> Result<()> {
    let mut bad = bad_report();
    bad.tables[0].findings = vec![Finding::error("foreign-key", "public.t", "2 rows break it").hint("mend them")];
    let md = render::restore_report_md(&bad);
    insta::assert_snapshot!(md, @r#"
    # Restore into `zyxwvutsrqponmlkjihg`: **incomplete**

    1,234,569 rows added, 1 changed and 2 deleted in 2 tables in 42 s, 617,286 rows/s.

    Snapshot `20261123T031500Z-7f3a`, taken 2026-11-23 03:15:00 UTC of `abcdefghijklmnopqrst`. Written over the Data API: triggers fire, foreign keys are checked row by row.

    **The snapshot was taken of project abcdefghijklmnopqrst. Its rows go into another project: zyxwvutsrqponmlkjihg.**

    ## Tables

    | Table | Mode | Added | Changed | Deleted | Refused | Rows now | Proof |
    |:--|:--|--:|--:|--:|--:|--:|:--|
    | `public.日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語` | merge | 1,234,566 | 0 | 0 | 0 | - | not compared |
    | ````public."x</td><script>alert(1)</script>\n```\n\| a \| \'b\' \\ ""q"" \u{202e}\u{1b}[31m\n::error::forged"```` | clear | 3 | 1 | 2 | 22 | 9 | DIFFERS |

    ## To look into

    - public.t: 2 rows break it \(mend them\)

    ## Rows that the database refused

    - ````public."x</td><script>alert(1)</script>\n```\n| a | \'b\' \\ ""q"" \u{202e}\u{1b}[31m\n::error::forged"```` `id=1`: 23514 new row violates check constraint "x"\\n::error::forged &lt;img src=x&gt; \| \`
    - ````public."x</td><script>alert(1)</script>\n```\n| a | \'b\' \\ ""q"" \u{202e}\u{1b}[31m\n::error::forged"```` `id=2`: 23514 new row violates check constraint "x"\\n::error::forged &lt;img src=x&gt; \| \`
    - ````public."x</td><script>alert(1)</script>\n```\n| a | \'b\' \\ ""q"" \u{202e}\u{1b}[31m\n::error::forged"```` `id=3`: 23514 new row violates check constraint "x"\\n::error::forged &lt;img src=x&gt; \| \`
    - ````public."x</td><script>alert(1)</script>\n```\n| a | \'b\' \\ ""q"" \u{202e}\u{1b}[31m\n::error::forged"```` `id=4`: 23514 new row violates check constraint "x"\\n::error::forged &lt;img src=x&gt; \| \`
    - ````public."x</td><script>alert(1)</script>\n```\n| a | \'b\' \\ ""q"" \u{202e}\u{1b}[31m\n::error::forged"```` `id=5`: 23514 new row violates check constraint "x"\\n::error::forged &lt;img src=x&gt; \| \`
    - ````public."x</td><script>alert(1)</script>\n```\n| a | \'b\' \\ ""q"" \u{202e}\u{1b}[31m\n::error::forged"```` `id=6`: 23514 new row violates check constraint "x"\\n::error::forged &lt;img src=x&gt; \| \`
    - ````public."x</td><script>alert(1)</script>\n```\n| a | \'b\' \\ ""q"" \u{202e}\u{1b}[31m\n::error::forged"```` `id=7`: 23514 new row violates check constraint "x"\\n::error::forged &lt;img src=x&gt; \| \`
    - ````public."x</td><script>alert(1)</script>\n```\n| a | \'b\' \\ ""q"" \u{202e}\u{1b}[31m\n::error::forged"```` `id=8`: 23514 new row violates check constraint "x"\\n::error::forged &lt;img src=x&gt; \| \`
    - ````public."x</td><script>alert(1)</script>\n```\n| a | \'b\' \\ ""q"" \u{202e}\u{1b}[31m\n::error::forged"```` `id=9`: 23514 new row violates check constraint "x"\\n::error::forged &lt;img src=x&gt; \| \`
    - ````public."x</td><script>alert(1)</script>\n```\n| a | \'b\' \\ ""q"" \u{202e}\u{1b}[31m\n::error::forged"```` `id=10`: 23514 new row violates check constraint "x"\\n::error::forged &lt;img src=x&gt; \| \`
    - ````public."x</td><script>alert(1)</script>\n```\n| a | \'b\' \\ ""q"" \u{202e}\u{1b}[31m\n::error::forged"```` `id=11`: 23514 new row violates check constraint "x"\\n::error::forged &lt;img src=x&gt; \| \`
    - ````public."x</td><script>alert(1)</script>\n```\n| a | \'b\' \\ ""q"" \u{202e}\u{1b}[31m\n::error::forged"```` `id=12`: 23514 new row violates check constraint "x"\\n::error::forged &lt;img src=x&gt; \| \`
    - ````public."x</td><script>alert(1)</script>\n```\n| a | \'b\' \\ ""q"" \u{202e}\u{1b}[31m\n::error::forged"```` `id=13`: 23514 new row violates check constraint "x"\\n::error::forged &lt;img src=x&gt; \| \`
    - ````public."x</td><script>alert(1)</script>\n```\n| a | \'b\' \\ ""q"" \u{202e}\u{1b}[31m\n::error::forged"```` `id=14`: 23514 new row violates check constraint "x"\\n::error::forged &lt;img src=x&gt; \| \`
    - ````public."x</td><script>alert(1)</script>\n```\n| a | \'b\' \\ ""q"" \u{202e}\u{1b}[31m\n::error::forged"```` `id=15`: 23514 new row violates check constraint "x"\\n::error::forged &lt;img src=x&gt; \| \`
    - ````public."x</td><script>alert(1)</script>\n```\n| a | \'b\' \\ ""q"" \u{202e}\u{1b}[31m\n::error::forged"```` `id=16`: 23514 new row violates check constraint "x"\\n::error::forged &lt;img src=x&gt; \| \`
    - ````public."x</td><script>alert(1)</script>\n```\n| a | \'b\' \\ ""q"" \u{202e}\u{1b}[31m\n::error::forged"```` `id=17`: 23514 new row violates check constraint "x"\\n::error::forged &lt;img src=x&gt; \| \`
    - ````public."x</td><script>alert(1)</script>\n```\n| a | \'b\' \\ ""q"" \u{202e}\u{1b}[31m\n::error::forged"```` `id=18`: 23514 new row violates check constraint "x"\\n::error::forged &lt;img src=x&gt; \| \`
    - ````public."x</td><script>alert(1)</script>\n```\n| a | \'b\' \\ ""q"" \u{202e}\u{1b}[31m\n::error::forged"```` `id=19`: 23514 new row violates check constraint "x"\\n::error::forged &lt;img src=x&gt; \| \`
    - ````public."x</td><script>alert(1)</script>\n```\n| a | \'b\' \\ ""q"" \u{202e}\u{1b}[31m\n::error::forged"```` `id=20`: 23514 new row violates check constraint "x"\\n::error::forged &lt;img src=x&gt; \| \`
    - ````public."x</td><script>alert(1)</script>\n```\n| a | \'b\' \\ ""q"" \u{202e}\u{1b}[31m\n::error::forged"```` `id=21`: 23514 new row violates check constraint "x"\\n::error::forged &lt;img src=x&gt; \| \`
    - ````public."x</td><script>alert(1)</script>\n```\n| a | \'b\' \\ ""q"" \u{202e}\u{1b}[31m\n::error::forged"```` `id=22`: 23514 new row violates check constraint "x"\\n::error::forged &lt;img src=x&gt; \| \`

    ## Rows that are not what they should be

    - ````public."x</td><script>alert(1)</script>\n```\n| a | \'b\' \\ ""q"" \u{202e}\u{1b}[31m\n::error::forged"```` `id=7\u{1b}[2J`: differs in column note

    And 3 rows that are not named.

    ## What else to know

    - the project: it answered slowly

    ## Columns that were not written

    - `public.yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy` `total`: it is generated, and computed anew
    - `public.yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy` `a\nb`: the project's table has no such column

    ## Sequences to move

    The next insert may fail until this has been run:

    ```sql
    SELECT setval('public.orders_id_seq', 42049);
    ```

    ## Undo

    The tables as they were before are in safety snapshot `20261123T081501Z-0001`.

    ```sh
    supabackup restore 20261123T081501Z-0001 --mode clear --confirm abcdefghijklmnopqrst
    ```

    ---

    From 2026-11-23 08:15:00 UTC to 2026-11-23 08:15:42 UTC.
    "#);
    ensure!(!md.contains("<img") && !md.contains('\u{202e}') && !md.contains('\u{1b}'), "{md}");
    ensure!(!md.lines().any(|line| line.starts_with("::error")), "{md}");
    let html = render::restore_report_html(&bad);
    ensure!(
        !html.contains("<script") && !html.contains("<img") && !html.contains('\u{202e}') && !html.contains('\u{1b}')
    );
    ensure!(html.contains("&lt;script&gt;") && !html.contains("http://"), "{html}");
    for text in ["id=22", "that are not named", "setval", "--mode clear", "into another project", "mend them"] {
        ensure!(html.contains(text), "{text} is not in\n{html}");
        ensure!(md.contains(text), "{text} is not in\n{md}");
    }
    Ok(())
}

#[test]
fn a_report_of_very_many_refused_rows_stays_small() -> Result<()> {
    let mut report = bad_report();
    let row = RowRefused { row: "`".repeat(500), reason: "<".repeat(5000) };
    report.tables.iter_mut().for_each(|table| table.refused = vec![row.clone(); 5000]);
    let md = render::restore_report_md(&report);
    ensure!(md.len() < 1 << 20 && md.contains("the output of `--json` names all of them"), "{}", md.len());
    ensure!(render::restore_report_human(&report, 80, PLAIN()).len() < 1 << 20);
    Ok(())
}

#[test]
fn programs_get_plan_and_report_whole() -> Result<()> {
    let plan: serde_json::Value = serde_json::from_str(&render::restore_plan_json(&troubled())?)?;
    ensure!(
        plan["blocked"] == true && plan["totals"]["refused"] == 1 && plan["plan"]["tables"][1]["mode"] == "clear",
        "{plan}"
    );
    let report: serde_json::Value = serde_json::from_str(&render::restore_report_json(&bad_report())?)?;
    ensure!(report["report"]["complete"] == false && report["report"]["plan"]["is_other_project"] == true, "{report}");
    Ok(())
}
