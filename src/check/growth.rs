//! Did a table, or all of them together, grow faster than is allowed?
//!
//! A change of fewer rows than `min_change` is never told: from one row to two is 100 %.

use super::Case;
use super::words::{count, rows};
use crate::model::{Change, Finding, Seen, Subject, TableLimits, Trend};

pub(super) fn daily(case: &Case<'_>) -> Seen<Vec<Finding>> {
    let what = Period { code: "daily-growth", word: "a day", change: |t| t.daily, most: |l| l.daily_growth };
    grew(case, &what)
}

pub(super) fn weekly(case: &Case<'_>) -> Seen<Vec<Finding>> {
    let what = Period { code: "weekly-growth", word: "a week", change: |t| t.weekly, most: |l| l.weekly_growth };
    grew(case, &what)
}

struct Period {
    code: &'static str,
    word: &'static str,
    change: fn(&Trend) -> Option<Change>,
    most: fn(&TableLimits) -> u64,
}

fn grew(case: &Case<'_>, period: &Period) -> Seen<Vec<Finding>> {
    case.newest_counted()?;
    let mut found = Vec::new();
    for trend in &case.trends {
        let (limits, subject) = match &trend.subject {
            Subject::Table(name) => (case.limits.of(name), name.to_string()),
            Subject::AllRows => (&case.limits.tables, "all tables".to_owned()),
            Subject::SnapshotSize | Subject::DatabaseSize => continue,
        };
        let Some(change) = (period.change)(trend) else { continue };
        let gained = change.to.saturating_sub(change.from);
        let most = (period.most)(limits);
        // a table that was empty has no percent to grow by: how large it may be is another question
        let Some(percent) = change.percent else { continue };
        if most == 0 || gained < limits.min_change || percent <= most as f64 {
            continue;
        }
        let message = format!(
            "grew by {percent:.0} % in {}, more than {most} %: from {} to {}",
            period.word,
            count(change.from),
            rows(change.to)
        );
        let hint = format!(
            "see what writes to it; if this is as it should be, raise {}",
            if matches!(trend.subject, Subject::Table(_)) {
                "its limit in the configuration file"
            } else {
                "the limit"
            }
        );
        found.push(Finding::warning(period.code, subject, message).hint(hint));
    }
    Ok(found)
}
