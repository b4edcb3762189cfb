use super::{hint, told};
use crate::commands::backup::discover::Found;
use crate::commands::channel::Choice;
use crate::commands::doctor::judge::{estimate, project};
use crate::commands::doctor::observe::{ProjectSeen, RowLimit, Tried, Trouble};
use crate::config::TableFilter;
use crate::model::{Column, Finding, Missing, PassedOver, ReadAs, Relation, RelationKind, TableName};
use crate::supabase::{Access, Guard, Paging};

fn column(name: &str, type_name: &str) -> Column {
    Column { required: true, ..Column::plain(name, type_name) }
}

/// A table with an `id` and a `ratio`, and so many rows of 300 bytes.
fn table(name: &str, rows: Option<u64>, paging: Paging) -> (Relation, Access) {
    let relation = Relation {
        name: TableName::new("public", name),
        kind: RelationKind::TableOrView,
        columns: vec![column("id", "bigint"), column("ratio", "double precision")],
        primary_key: vec!["id".to_owned()],
        comment: None,
    };
    let unseen = Access::unseen(&relation, ReadAs::RecordOut, Guard::Key, crate::supabase::RowSource::Rest);
    let access = Access { paging, counted: rows, row_bytes: Some(300), ..unseen };
    (relation, access)
}

fn seen(tables: Vec<(Relation, Access)>) -> ProjectSeen {
    let listed = tables.iter().map(|(relation, _)| relation.name.clone()).collect();
    ProjectSeen {
        exposed: Some(vec!["public".to_owned(), "shop".to_owned()]),
        wanted: Vec::new(),
        filter: TableFilter::default(),
        exclude: Vec::new(),
        found: Found { tables, listed, server: Some("12.0.2 (a4e00ff)".to_owned()), ..Found::default() },
        row_limit: RowLimit::CutAt(1000),
        by_address: Tried::Works(TableName::new("public", "a")),
        floats_exact: Some(true),
        choice: Choice::default(),
        hidden_schemas: Vec::new(),
    }
}

pub(super) fn usual() -> ProjectSeen {
    seen(vec![table("a", Some(1000), Paging::Ctid), table("b", Some(71), Paging::Ctid)])
}

fn judged(seen: ProjectSeen) -> Vec<Finding> {
    project(Some(&Ok(seen)), None)
}

#[track_caller]
fn assert_told(seen: ProjectSeen, expected: &str) {
    let text = told(&judged(seen));
    assert!(text.lines().any(|line| line.starts_with(expected)), "{expected}\nis not in\n{text}");
}

#[test]
fn a_project_without_obstacles_has_nothing_but_the_blind_spot_to_look_at() {
    let findings = judged(usual());
    assert_eq!(
        told(&findings),
        "ok schemas: the API exposes 2 schemas: public and shop\n\
         ok server: the API is PostgREST 12.0.2\n\
         ok tables: the key reads 2 tables: 1,071 rows, about 314 KiB as text\n\
         ok max-rows: one answer holds 1,000 rows at most (max_rows)\n\
         ok ctid: reading by physical address (ctid) works (tried on public.a)\n\
         ok floats: floating-point numbers come with all their digits\n\
         ! blind-spot: tables without a grant to service_role, and schemas that the API does not expose, are \
         invisible without SQL access: they are not backed up and cannot be named here\n"
    );
    assert!(hint(&findings, "blind-spot").contains("the 2 tables and views above"));
    assert!(hint(&findings, "blind-spot").contains("IN SCHEMA \"public\" TO service_role;"));
    assert_eq!(estimate(&usual()), Some(1071 * 300 / 3));
}

#[test]
fn nothing_is_asked_after_a_failure() {
    assert_eq!(
        told(&project(None, Some("the key cannot serve"))),
        "ok not-checked: schemas, tables, grants and limits were not checked because the key cannot serve\n"
    );
    let trouble = Trouble { message: "it broke off".to_owned(), hint: Some("again".to_owned()) };
    let findings = project(Some(&Err(trouble)), None);
    assert_eq!(told(&findings), "x catalog-unreadable: what the key may see cannot be read: it broke off\n");
    assert_eq!(hint(&findings, "catalog-unreadable"), "again");
}

#[test]
fn schemas_that_are_not_exposed_or_left_out_are_named() {
    let wanted = |names: &[&str]| ProjectSeen { wanted: names.iter().map(|&n| n.to_owned()).collect(), ..usual() };
    assert_told(
        wanted(&["shop", "audit"]),
        "x schema-not-exposed: the API does not expose the schema \"audit\" that is",
    );
    assert_told(wanted(&["shop"]), "! schemas-left-out: of the exposed schemas, --schema leaves out public");
    assert_told(ProjectSeen { exposed: None, ..usual() }, "! schemas-unknown: the API does not say which");
}

#[test]
fn what_cannot_be_read_is_named_with_the_exact_grant() {
    let missing = |subject: &str, fix: Option<&str>| Missing {
        subject: subject.to_owned(),
        reason: "permission denied".to_owned(),
        fix: fix.map(str::to_owned),
    };
    let mut seen = usual();
    seen.found.listed.insert(TableName::new("public", ".."));
    seen.found.missing = vec![
        missing("table public.t", Some("GRANT t")),
        missing("column public.t.c", Some("GRANT c")),
        missing("tables to include: \"usres\"", Some("check the spelling")),
        missing("table public.\"..\"", None),
    ];
    let findings = judged(seen);
    let text = told(&findings);
    for (code, subject, advice) in [
        ("table-unreadable", "table public.t", "GRANT t"),
        ("column-unreadable", "column public.t.c", "GRANT c"),
        ("not-captured", "tables to include: \"usres\"", "check the spelling"),
        (
            "table-unnameable",
            "table public.\"..\"",
            "rename it: ALTER TABLE \"public\".\"..\" RENAME TO …; or leave it out with --exclude 'public...'",
        ),
    ] {
        assert!(text.contains(&format!("x {code}: {subject} cannot be backed up: permission denied\n")), "{text}");
        assert_eq!(hint(&findings, code), advice);
    }
}

#[test]
fn relations_without_rows_and_patterns_are_counted() {
    let mut seen = usual();
    seen.filter = TableFilter::new(&[], &["log_*".to_owned(), "c".to_owned()]);
    seen.exclude = vec!["log_*".to_owned(), "c".to_owned()];
    for (name, reason) in [("v", "a view"), ("w", "a view"), ("c", "excluded by \"c\"")] {
        let name = TableName::new("public", name);
        seen.found.listed.insert(name.clone());
        seen.found.passed_over.push(PassedOver { name, reason: reason.to_owned() });
    }
    let text = told(&judged(seen));
    let line = "about 314 KiB as text; 2 views are passed over, having no rows of their own; \
                1 relation is left out by pattern\n";
    assert!(text.contains(line), "{text}");
    assert!(text.contains("! exclude-unmatched: the pattern to exclude \"log_*\" matches nothing\n"), "{text}");
}

#[test]
fn nothing_to_back_up_is_an_error() {
    let found = Found::default();
    assert_told(
        ProjectSeen { found, ..usual() },
        "x no-tables: the key sees no table at all: there is nothing to back up",
    );
    let found = Found { listed: usual().found.listed, ..Found::default() };
    assert_told(
        ProjectSeen { found, ..usual() },
        "x no-tables: of the 2 tables and views that the key sees, none can be",
    );
}

#[test]
fn tables_without_a_key_are_named_up_to_a_number() {
    let mut tables: Vec<_> = (1..=7).map(|n| table(&format!("t{n}"), Some(1), Paging::Ctid)).collect();
    tables.iter_mut().for_each(|(relation, _)| relation.primary_key.clear());
    let expected = "! table-keyless: 7 tables have no primary key that the API shows: \
                    public.t1, public.t2, public.t3, public.t4, public.t5 and 2 more";
    assert_told(seen(tables), expected);
}

#[test]
fn the_row_limit_is_told_as_far_as_it_shows() {
    let limit = |row_limit| ProjectSeen { row_limit, ..usual() };
    assert_told(
        limit(RowLimit::NoRows),
        "ok max-rows: no table has rows, so the server's row limit (max_rows) does not",
    );
    assert_told(
        limit(RowLimit::NotBelow(782)),
        "ok max-rows: the server's row limit (max_rows) does not show: the largest table has only 782 rows",
    );
    assert_told(limit(RowLimit::NotBelow(20_000)), "ok max-rows: one answer may hold 20,000 rows or more");
    assert_told(limit(RowLimit::CutAt(7)), "! max-rows-small: one answer holds 7 rows at most (max_rows)");
    assert_told(limit(RowLimit::Unknown("it broke".to_owned())), "! max-rows-unknown: the server's row limit");
}

#[test]
fn a_table_that_can_only_be_read_whole_must_fit_into_one_answer() {
    let whole = |rows| seen(vec![table("a", Some(rows), Paging::Whole)]);
    assert_told(whole(1001), "x table-too-large: table public.a cannot be read in pieces, and its 1,001 rows are more");
    assert!(!told(&judged(whole(1000))).contains("table-too-large"));
}

#[test]
fn the_way_of_reading_is_told() {
    let a = || TableName::new("public", "a");
    let tried = |by_address| ProjectSeen { by_address, ..usual() };
    assert_told(tried(Tried::Nowhere), "ok ctid: no table has rows to try");
    assert_told(tried(Tried::NotWanted), "ok ctid: tables are read by primary key, as the configuration asks");
    assert_told(
        tried(Tried::Fails(a(), "no".to_owned())),
        "x ctid-fails: reading by physical address (ctid) fails on public.a: no",
    );
    let keyset = seen(vec![table("a", Some(5), Paging::Keyset)]);
    assert_told(keyset, "ok keyset: 1 table is read by primary key, having no usable addresses: public.a");
}

#[test]
fn digits_that_are_cut_matter_where_there_are_floats() {
    let mut none = usual();
    none.found.tables.iter_mut().for_each(|(relation, _)| relation.columns.truncate(1));
    let cut = ProjectSeen { floats_exact: Some(false), ..usual() };
    assert!(hint(&judged(cut), "floats-cut").starts_with("ALTER ROLE service_role SET extra_float_digits = 1;"));
    let cut = ProjectSeen { floats_exact: Some(false), ..usual() };
    assert_told(
        cut,
        "x floats-cut: the server cuts the last digits of floating-point numbers (extra_float_digits is below 1): \
         public.a and public.b",
    );
    assert_told(
        ProjectSeen { floats_exact: None, ..usual() },
        "ok floats: whether floating-point numbers come with all",
    );
    let cut = ProjectSeen { floats_exact: Some(false), ..none };
    assert_told(cut, "! floats-cut: the server cuts");
}

#[test]
fn a_table_that_cannot_be_counted_makes_the_sum_a_lower_bound() {
    let seen = seen(vec![table("a", None, Paging::Ctid), table("b", Some(1), Paging::Ctid)]);
    assert_told(seen, "ok tables: the key reads 2 tables: at least 1 row, about 300 B as text");
}
