use super::project::usual;
use super::{hint, told};
use crate::commands::channel::{Choice, Other, WhyNot};
use crate::commands::doctor::judge::sql::sql;
use crate::commands::doctor::observe::ProjectSeen;
use crate::error::Failure;
use crate::supabase::sql::ChannelKind;

fn with(others: Vec<(ChannelKind, WhyNot)>, was_asked_for: Option<ChannelKind>) -> ProjectSeen {
    let others = others.into_iter().map(|(kind, why)| Other { kind, why }).collect();
    ProjectSeen { choice: Choice { others, was_asked_for, ..Choice::default() }, ..usual() }
}

fn failure() -> Failure {
    Failure::failed("the access token may not use it: 403 (no)").hint("grant it database_read")
}

#[test]
fn what_was_given_and_fails_is_an_error_with_its_cure() {
    let seen = with(vec![(ChannelKind::Management, WhyNot::Failed(failure()))], None);
    let findings = sql(&seen);
    assert_eq!(
        told(&findings),
        "x sql-refused: SQL through the Management API does not work: the access token may not use it: 403 (no)\n"
    );
    assert_eq!(hint(&findings, "sql-refused"), "grant it database_read");
}

#[test]
fn what_was_not_given_is_only_told() {
    let absent = Failure::failed("there is no postgres-meta: it answers 404 (no Route)");
    let ways = || {
        vec![
            (ChannelKind::Management, WhyNot::NotGiven("SUPABASE_ACCESS_TOKEN is not set".to_owned())),
            (ChannelKind::Meta, WhyNot::Absent(absent.clone())),
        ]
    };
    assert_eq!(
        told(&sql(&with(ways(), None))),
        "ok sql-none: there is no SQL access (the Management API: SUPABASE_ACCESS_TOKEN is not set; \
         postgres-meta: there is no postgres-meta: it answers 404 (no Route))\n"
    );
    let asked = with(ways().split_off(1), Some(ChannelKind::Meta));
    assert_eq!(
        told(&sql(&asked)),
        "x sql-refused: SQL through postgres-meta does not work: there is no postgres-meta: it answers 404 (no Route)\n"
    );
    let unusable = WhyNot::Unusable("SUPABASE_ACCESS_TOKEN is set, and nothing says which".to_owned());
    let seen = with(vec![(ChannelKind::Management, unusable)], None);
    assert!(told(&sql(&seen)).starts_with("! access-token-unused: SUPABASE_ACCESS_TOKEN is set, and nothing says"));
    let off = ProjectSeen { choice: Choice { is_switched_off: true, ..Choice::default() }, ..usual() };
    assert_eq!(told(&sql(&off)), "ok sql-off: SQL is switched off by the configuration (sql = none)\n");
}
