use super::*;

const PROJECT: &str = "abcdefghijklmnopqrst";

fn at(hours: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_400_000, 0).unwrap_or_default() + TimeDelta::hours(hours)
}

fn found(text: &str) -> Finding {
    let mut words = text.splitn(3, ' ');
    let (severity, code, subject) = (words.next(), words.next().unwrap_or(""), words.next().unwrap_or(""));
    let finding = Finding::error(code, subject, "it is so");
    match severity {
        Some("w") => Finding { severity: Severity::Warning, ..finding },
        Some("i") => Finding { severity: Severity::Info, ..finding },
        _ => finding,
    }
}

fn look(findings: &[&str]) -> Look {
    Look { check: "shrink".to_owned(), findings: findings.iter().map(|text| found(text)).collect(), is_whole: true }
}

fn rules() -> IssueRules {
    IssueRules { level: Severity::Warning, reopen_within: TimeDelta::days(30) }
}

/// A repository with the issues of one incident, in which the steps are done.
struct Repository(Vec<Issue>);

impl Repository {
    fn plan(&self, look: &Look, hours: i64) -> Vec<Step> {
        plan_issues(PROJECT, std::slice::from_ref(look), &self.0, &rules(), at(hours))
    }

    /// Does what is planned, and says it: `open 1 !`, with `!` where those who follow the issue hear of it.
    fn look(&mut self, look: &Look, hours: i64) -> String {
        let steps = self.plan(look, hours);
        steps.iter().map(|step| self.apply(step, hours)).collect::<Vec<_>>().join(", ")
    }

    fn apply(&mut self, step: &Step, hours: i64) -> String {
        let number = step.issue.unwrap_or(self.0.len() as u64 + 1);
        let body = format!("{}\n{}\n", step.key.mark(), step.record.line());
        let news = if step.is_news() { " !" } else { "" };
        if step.turn == Turn::Open {
            self.0.push(Issue { number, closed: None, body });
            return format!("open {number}");
        }
        let Some(issue) = self.0.iter_mut().find(|issue| issue.number == number) else { return "lost".to_owned() };
        match step.turn {
            Turn::Mute => return format!("mute {number}"),
            Turn::Close => issue.closed = Some(Closed { at: at(hours), is_mute: false }),
            Turn::Reopen(_) => issue.closed = None,
            Turn::Duplicate(of) => {
                issue.body = String::new();
                return format!("duplicate {number} of {of}");
            }
            Turn::Keep | Turn::Open => {}
        }
        issue.body = body;
        format!("{:?} {number}{news}", step.turn).to_lowercase()
    }

    fn close(&mut self, number: usize, hours: i64, is_mute: bool) {
        self.0[number - 1].closed = Some(Closed { at: at(hours), is_mute });
    }
}

/// One line each: hour, what is found, what becomes of it.
fn story(lines: &[(i64, &[&str], &str)]) -> Repository {
    let mut repository = Repository(Vec::new());
    for (hours, findings, expected) in lines {
        assert_eq!(repository.look(&look(findings), *hours), *expected, "after {hours} h: {findings:?}");
    }
    repository
}

#[test]
fn an_incident_has_one_issue_from_its_beginning_to_its_end() {
    story(&[
        (0, &[], ""),
        (1, &["i unusual-day a"], ""),
        (6, &["e rows-lost a", "i x y"], "open 1"),
        (12, &["e rows-lost a"], "keep 1"),
        // another table, then a worse and a better state
        (18, &["e rows-lost a", "w rows-lost b"], "keep 1 !"),
        (24, &["w rows-lost a", "w rows-lost b"], "keep 1 !"),
        (30, &["e rows-lost a", "w rows-lost b"], "keep 1 !"),
        // one of two went: the text changes, nobody is disturbed
        (36, &["e rows-lost a"], "keep 1"),
        // what only flaps is told once; what was gone for a day is told again
        (42, &["e rows-lost a", "w rows-lost b"], "keep 1"),
        (48, &["e rows-lost a"], "keep 1"),
        (73, &["e rows-lost a", "w rows-lost b"], "keep 1 !"),
        (80, &[], "close 1 !"),
        (86, &[], ""),
        // soon again, and long after
        (100, &["e rows-lost a"], "reopen(back) 1 !"),
        (106, &["e rows-lost a"], "keep 1"),
        (112, &[], "close 1 !"),
        (112 + 30 * 24 - 1, &["w rows-lost a"], "reopen(back) 1 !"),
        (112 + 30 * 24, &[], "close 1 !"),
        (112 + 60 * 24, &["w rows-lost a"], "open 2"),
        (113 + 60 * 24, &["w rows-lost a"], "keep 2"),
    ]);
}

#[test]
fn two_hundred_tables_have_one_issue_and_its_record_stays_small() {
    let mut repository = Repository(Vec::new());
    let tables = |from: usize, to: usize| -> Look {
        let findings = (from..to).map(|n| found(&format!("w weekly-growth public.table_{n}"))).collect();
        Look { findings, ..look(&[]) }
    };
    assert_eq!(repository.look(&tables(0, 200), 0), "open 1");
    assert_eq!(repository.look(&tables(0, 200), 6), "keep 1");
    assert_eq!(repository.look(&tables(0, 201), 12), "keep 1 !");
    // more than are remembered: no false news, and the worst still shows
    assert_eq!(repository.look(&tables(0, 5000), 18), "keep 1 !");
    assert_eq!(repository.look(&tables(0, 6000), 24), "keep 1");
    assert!(repository.0[0].body.len() < 26_000, "{}", repository.0[0].body.len());
    assert_eq!(repository.look(&tables(0, 0), 30), "close 1 !");
    assert!(repository.0[0].body.len() < 36_000, "{}", repository.0[0].body.len());
}

#[test]
fn what_a_person_closed_is_taken_as_they_meant_it() {
    let mut repository = story(&[(0, &["w rows-lost a"], "open 1")]);
    // done, but it is not
    repository.close(1, 1, false);
    assert_eq!(repository.look(&look(&["w rows-lost a"]), 6), "reopen(stillthere) 1 !");
    // nothing more of it, however long; and nothing when it ends
    repository.close(1, 7, true);
    for hours in [12, 24 * 400] {
        assert_eq!(repository.look(&look(&["w rows-lost a"]), hours), "mute 1");
    }
    assert_eq!(repository.look(&look(&[]), 24 * 401), "");
    assert_eq!(repository.look(&look(&["w rows-lost a"]), 24 * 402), "mute 1");
    // but another table, or a worse state, was not meant
    let mut worse = Repository(repository.0.clone());
    assert_eq!(worse.look(&look(&["e rows-lost a"]), 24 * 403), "reopen(worse) 1 !");
    assert_eq!(repository.look(&look(&["w rows-lost a", "w rows-lost b"]), 24 * 403), "reopen(worse) 1 !");
    // closed again: both are meant now
    repository.close(1, 24 * 404, true);
    assert_eq!(repository.look(&look(&["w rows-lost b"]), 24 * 405), "mute 1");
    // opened again by a person: it lives on, and closes when it is over
    repository.0[0].closed = None;
    assert_eq!(repository.look(&look(&["w rows-lost b"]), 24 * 405), "keep 1");
    assert_eq!(repository.look(&look(&[]), 24 * 406), "close 1 !");
}

#[test]
fn a_check_that_could_not_look_closes_nothing() {
    let mut repository = story(&[(0, &["e rows-lost a", "w rows-lost b"], "open 1")]);
    let blind = |findings: &[&str]| Look { is_whole: false, ..look(findings) };
    assert_eq!(repository.look(&blind(&[]), 6), "");
    // it saw a part: what it did not see is neither better nor gone
    assert_eq!(repository.look(&blind(&["w rows-lost b"]), 12), "keep 1");
    assert_eq!(repository.look(&look(&["e rows-lost a", "w rows-lost b"]), 100), "keep 1");
    assert_eq!(repository.look(&look(&[]), 106), "close 1 !");
}

#[test]
fn issues_of_others_are_left_alone() {
    let step = Repository(Vec::new()).plan(&look(&["e rows-lost a"]), 0).remove(0);
    let record = step.record.line();
    let with = |number, key: IncidentKey| Issue { number, closed: None, body: format!("{}\n{record}", key.mark()) };
    let key = |project: &str, check: &str| IncidentKey { project: project.into(), check: check.into() };
    let mut others = vec![
        with(1, key("another", "shrink")),
        with(2, key(PROJECT, "collapse")),
        with(3, key(PROJECT, RUN)),
        Issue { number: 4, closed: None, body: "a person's own, about rows-lost".to_owned() },
    ];
    assert!(plan_issues(PROJECT, &[look(&[])], &others, &rules(), at(0)).is_empty());
    others.push(with(9, key(PROJECT, "shrink")));
    others.push(with(7, key(PROJECT, "shrink")));
    // of two that were opened at the same moment, the older one stays
    let mut repository = Repository(others);
    assert_eq!(plan_turns(&repository, &[]), [(7, Turn::Close), (9, Turn::Duplicate(7))]);
    assert_eq!(plan_turns(&repository, &["e rows-lost a"]), [(7, Turn::Keep), (9, Turn::Duplicate(7))]);
    repository.0[5].closed = Some(Closed { at: at(0), is_mute: false });
    assert_eq!(plan_turns(&repository, &["e rows-lost a"]), [(9, Turn::Keep)]);
}

fn plan_turns(repository: &Repository, findings: &[&str]) -> Vec<(u64, Turn)> {
    let steps = repository.plan(&look(findings), 6);
    steps.into_iter().map(|step| (step.issue.unwrap_or(0), step.turn)).collect()
}

#[test]
fn a_text_that_a_person_changed_makes_no_noise() {
    let mut repository = story(&[(0, &["e rows-lost a"], "open 1")]);
    repository.0[0].body = IncidentKey { project: PROJECT.into(), check: "shrink".into() }.mark() + "\nmy notes";
    assert_eq!(repository.look(&look(&["e rows-lost a", "e rows-lost b"]), 6), "keep 1");
    assert_eq!(repository.look(&look(&["e rows-lost a", "e rows-lost b"]), 12), "keep 1");
    // without the mark it is no issue of ours any more
    repository.0[0].body = "mine".to_owned();
    assert_eq!(repository.look(&look(&["e rows-lost a"]), 18), "open 2");
}

#[test]
fn settings_decide_what_opens_and_what_comes_back() {
    let plan = |level, days, findings: &[&str], issues: &[Issue]| {
        let rules = IssueRules { level, reopen_within: TimeDelta::days(days) };
        let steps = plan_issues(PROJECT, &[look(findings)], issues, &rules, at(48));
        steps.into_iter().map(|step| (step.turn, step.below)).collect::<Vec<_>>()
    };
    assert!(plan(Severity::Error, 30, &["w late a", "i x y"], &[]).is_empty());
    assert_eq!(plan(Severity::Error, 30, &["e stale a", "w x y"], &[]), [(Turn::Open, 1)]);
    let mut repository = story(&[(0, &["e rows-lost a"], "open 1"), (24, &[], "close 1 !")]);
    assert_eq!(plan(Severity::Error, 30, &["e rows-lost a"], &repository.0), [(Turn::Reopen(Again::Back), 0)]);
    assert_eq!(plan(Severity::Error, 1, &["e rows-lost a"], &repository.0), [(Turn::Open, 0)]);
    assert_eq!(plan(Severity::Error, 0, &["e rows-lost a"], &repository.0), [(Turn::Open, 0)]);
    // what is left is below the level: it is over, and says how much is left
    repository.0[0].closed = None;
    assert_eq!(plan(Severity::Error, 30, &["w rows-lost a"], &repository.0), [(Turn::Close, 1)]);
}

#[test]
fn a_run_is_one_incident_whatever_its_snapshot_is_called() {
    let run = |id: &str| Look {
        check: RUN.to_owned(),
        findings: vec![found(&format!("e not-opened {PROJECT}/{id}"))],
        is_whole: true,
    };
    let mut repository = Repository(Vec::new());
    assert_eq!(repository.look(&run("20261123T031500Z-7f3a"), 0), "open 1");
    assert_eq!(repository.look(&run("20261124T031500Z-9b1c"), 24), "keep 1");
    // for the watch, two snapshots are two subjects
    let watch = |id: &str| Look { check: "incomplete".to_owned(), ..run(id) };
    assert_eq!(repository.look(&watch("20261123T031500Z-7f3a"), 0), "open 2");
    assert_eq!(repository.look(&watch("20261124T031500Z-9b1c"), 24), "keep 2 !");
}

#[test]
fn names_that_are_sealed_are_counted_only() {
    let findings = [found("e rows-lost secret.a"), found("e rows-lost secret.b"), found("w late snapshots")];
    let told = without_names(&findings);
    assert_eq!(told.len(), 2);
    assert!(told[0].message.starts_with("found 2 times") && told[0].severity == Severity::Error, "{told:?}");
    assert!(!format!("{told:?}").contains("secret"), "{told:?}");
}
