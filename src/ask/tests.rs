use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};

use super::*;
use crate::model::{
    Counts, Project, RestoreMode, RestorePlan, SchemaStep, SnapshotId, SnapshotState, SnapshotSummary, TableName,
};

/// What a scripted person does at a question.
enum Reply {
    One(usize),
    Some(Vec<usize>),
    Line(&'static str),
    Leave,
}

/// Answers from a script, and remembers what was seen.
struct Script {
    replies: VecDeque<Reply>,
    seen: String,
}

impl Script {
    fn new(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self { replies: replies.into_iter().collect(), seen: String::new() }
    }

    fn show(&mut self, question: &str, entries: &[Entry]) {
        self.seen.push_str(&format!("? {question}\n"));
        for entry in entries {
            self.seen.push_str(&format!("  {}\n", entry.label));
        }
    }

    fn left(&self) -> usize {
        self.replies.len()
    }
}

impl Ask for Script {
    fn width(&self) -> usize {
        80
    }

    fn say(&mut self, text: &str) -> Result<(), Unanswered> {
        self.seen.push_str(text);
        Ok(())
    }

    fn one_of(&mut self, question: &str, entries: &[Entry]) -> Result<usize, Unanswered> {
        self.show(question, entries);
        match self.replies.pop_front() {
            Some(Reply::One(index)) => Ok(index),
            _ => Err(Unanswered::Left),
        }
    }

    fn some_of(&mut self, question: &str, entries: &[Entry]) -> Result<Vec<usize>, Unanswered> {
        self.show(question, entries);
        match self.replies.pop_front() {
            Some(Reply::Some(indexes)) => Ok(indexes),
            _ => Err(Unanswered::Left),
        }
    }

    fn line(&mut self, question: &str) -> Result<String, Unanswered> {
        self.show(question, &[]);
        match self.replies.pop_front() {
            Some(Reply::Line(text)) => Ok(text.to_owned()),
            _ => Err(Unanswered::Left),
        }
    }
}

fn now() -> DateTime<Utc> {
    DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_000)
}

fn snapshot(project: &str, hours: i64, state: SnapshotState) -> SnapshotSummary {
    let id = SnapshotId::new(now() - TimeDelta::hours(hours), u16::try_from(hours).unwrap_or(0));
    let mut summary = SnapshotSummary::bare(project, id, state, None);
    summary.rows = 1_234_567;
    summary.stored_bytes = 12_900_000;
    summary.missing = 2;
    summary
}

fn plan(from: &str, to: &str) -> RestorePlan {
    let project = |name: &str| Project { name: name.to_owned(), url: format!("https://{name}.supabase.co") };
    RestorePlan {
        snapshot: SnapshotId::new(now(), 1),
        taken: now(),
        from: project(from),
        to: project(to),
        is_other_project: from != to,
        way: "over the Data API".to_owned(),
        schema: SchemaStep::Keep,
        tables: Vec::new(),
        findings: Vec::new(),
    }
}

#[test]
fn snapshots_are_told_apart_and_what_is_none_is_not_offered() {
    let all = [
        snapshot("p", 5, SnapshotState::Complete),
        snapshot("p", 29, SnapshotState::Incomplete),
        snapshot("p", 60, SnapshotState::Unfinished),
        SnapshotSummary { problem: Some("not\na manifest".into()), ..snapshot("p", 70, SnapshotState::Unreadable) },
    ];
    let mut ask = Script::new([Reply::One(1)]);
    assert_eq!(pick_snapshot(&mut ask, &all, Some("p"), now()), Ok(all[1].id.clone()));
    insta::assert_snapshot!(ask.seen, @r#"
    Not offered, because the run that made it did not end and there is no manifest:
    20241001T120000Z-003c (2 d ago).
    Not offered, because it cannot be read: 20241001T020000Z-0046 (not\na manifest).
    An incomplete snapshot lacks something that was seen when it was taken
    (`supabackup list ID` names it). It is used only with --accept-incomplete, and
    never in mode clear.
    ? Which snapshot?
      20241003T190000Z-0005   5 h  complete    1,234,567 rows  12.3 MiB  unverified
      20241002T190000Z-001d  29 h  incomplete  1,234,567 rows  12.3 MiB  unverified
    "#);
    assert!(ask.seen.lines().all(|line| line.chars().count() <= 80), "{}", ask.seen);

    let mut ask = Script::new([]);
    let none = pick_snapshot(&mut ask, &all[2..], None, now());
    assert!(matches!(none, Err(Unanswered::Nothing(_))), "{none:?}");
    assert!(ask.seen.contains(all[2].id.as_str()), "{}", ask.seen);
    assert!(matches!(pick_snapshot(&mut Script::new([]), &[], None, now()), Err(Unanswered::Nothing(_))));
}

#[test]
fn the_own_project_comes_first_where_there_are_several() {
    let all = [snapshot("a", 1, SnapshotState::Complete), snapshot("b", 2, SnapshotState::Complete)];
    let mut ask = Script::new([Reply::One(0), Reply::One(0)]);
    assert_eq!(pick_snapshot(&mut ask, &all, Some("b"), now()), Ok(all[1].id.clone()));
    assert!(ask.seen.contains("  b (1 snapshot, the project to write into)\n  a (1 snapshot)\n"), "{}", ask.seen);
}

#[test]
fn at_least_one_table_has_to_be_chosen() {
    let tables = [
        (TableName::new("public", "orders"), 1_234_567),
        (TableName::new("public", "x".repeat(90)), 0),
        (TableName::new("public", "a\nb\u{202e}"), 1),
    ];
    let mut ask = Script::new([Reply::Some(vec![]), Reply::Some(vec![0, 2])]);
    let chosen = pick_tables(&mut ask, &tables);
    assert_eq!(chosen, Ok(vec![tables[0].0.clone(), tables[2].0.clone()]));
    insta::assert_snapshot!(ask.seen, @r#"
    ? Which tables?
      1,234,567 rows public.orders
              0 rows public.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…
               1 row public."a\nb\u{202e}"
    No table is chosen: choose at least one.
    ? Which tables?
      1,234,567 rows public.orders
              0 rows public.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…
               1 row public."a\nb\u{202e}"
    "#);
    assert!(pick_tables(&mut Script::new([]), &[]).is_err());
}

#[test]
fn the_mode_that_does_least_harm_is_first() {
    let mut ask = Script::new([Reply::One(0)]);
    assert_eq!(pick_mode(&mut ask), Ok(RestoreMode::IntoEmpty));
    insta::assert_snapshot!(ask.seen, @r#"
    ? What to do with the rows?
      into-empty      adds rows to tables that have none; refuses the others
      insert-missing  adds rows whose key is not there; changes nothing that is
      merge           adds rows, changes those that differ back; other rows stay
      clear           makes tables equal to the snapshot; deletes all other rows
    "#);
    assert!(RestoreMode::ALL.iter().all(|mode| ask.seen.contains(mode.word())));
}

#[test]
fn the_ref_has_to_be_typed_and_what_differs_is_said() {
    let to_other = plan("abcdefghijklmnopqrst", "zyxwvutsrqponmlkjihg");
    let mut ask = Script::new([Reply::Line("abcdefghijklmnopqrst"), Reply::Line(" zyxwvutsrqponmlkjihg ")]);
    assert_eq!(confirm(&mut ask, &to_other), Ok(()));
    insta::assert_snapshot!(ask.seen, @r#"
    0 rows will be added, 0 changed and 0 deleted in 0 tables of project
    zyxwvutsrqponmlkjihg.
    The snapshot was taken of project abcdefghijklmnopqrst. Its rows go into another
    project: zyxwvutsrqponmlkjihg.
    ? Type the project's ref to write, esc to leave:
    No: abcdefghijklmnopqrst is the project that the snapshot was taken of; rows go
    into another one, zyxwvutsrqponmlkjihg. Nothing was written. 2 tries are left.
    ? Type the project's ref to write, esc to leave:
    "#);

    let mut ask =
        Script::new(["", "ABCDEF", "abcdefghijklmnopqrsx"].map(Reply::Line).into_iter().chain([Reply::Leave]));
    assert_eq!(confirm(&mut ask, &plan("abcdefghijklmnopqrst", "abcdefghijklmnopqrst")), Err(Unanswered::NotConfirmed));
    assert_eq!(ask.left(), 1, "asked a fourth time");
    let seen = ask.seen.split_whitespace().collect::<Vec<_>>().join(" ");
    for text in ["nothing was typed", "is another project than", "differ from character 20 on", "the last try"] {
        assert!(seen.contains(text), "{text} is not in\n{seen}");
    }
    assert_eq!(confirm(&mut Script::new([Reply::Leave]), &to_other), Err(Unanswered::Left));
}

#[test]
fn what_differs_is_named() {
    let plan = plan("aaaa", "bcde");
    for (typed, said) in [
        ("aaaa", "the project that the snapshot was taken of"),
        ("BCDE", "small and capital letters"),
        ("bcd", "only the beginning"),
        ("bcdx", "from character 4 on"),
        ("bcdef", "from character 5 on"),
        ("x\n\u{1b}[2J", "x\\n\\u{1b}[2J is another project"),
    ] {
        let difference = not_this_project(typed, &plan.to.name, &plan.from.name).err().unwrap_or_default();
        assert!(difference.contains(said), "{typed}: {difference}");
    }
    assert_eq!(not_this_project("bcde\n", &plan.to.name, &plan.from.name), Ok(()));
}

#[test]
fn whoever_leaves_is_told_that_nothing_was_written() {
    let reasons =
        [Unanswered::Left, Unanswered::Nothing("x".into()), Unanswered::NotConfirmed, Unanswered::Broken("x".into())];
    for reason in reasons {
        let failure = Failure::from(reason);
        assert!(failure.message.contains("nothing was written") && failure.exit_code() == 1, "{failure}");
    }
}

#[test]
fn the_last_word_counts_what_will_happen() {
    use crate::model::{TablePlan, WriteWay};
    let mut plan = plan("p", "p");
    plan.tables.push(TablePlan {
        source: TableName::new("public", "orders"),
        target: TableName::new("public", "orders"),
        mode: RestoreMode::Clear,
        way: WriteWay::Api,
        columns: Vec::new(),
        left_out: Vec::new(),
        extra_columns: Vec::new(),
        key: Vec::new(),
        later: Vec::new(),
        triggers: Vec::new(),
        step: 0,
        counts: Counts { snapshot: 9, target: 8, add: 1200, change: 1, delete: 2, ..Counts::default() },
        findings: Vec::new(),
    });
    let mut ask = Script::new([Reply::Line("p")]);
    assert_eq!(confirm(&mut ask, &plan), Ok(()));
    insta::assert_snapshot!(ask.seen, @r#"
    1,200 rows will be added, 1 changed and 2 deleted in 1 table of project p.
    Before that, a safety snapshot keeps the affected tables as they are now.
    ? Type the project's ref to write, esc to leave:
    "#);
}
