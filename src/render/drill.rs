//! A restore drill, for people.

use crate::model::{DrillReport, DrillResult, Finding, FirstWrite, Severity};
use crate::render::columns::{listed, wrapped};
use crate::render::{Palette, duration, plural};

/// Columns of a terminal.
const WIDTH: usize = 80;

/// The verdict, what was compared, what was made up, and what was found.
pub fn drill_human(report: &DrillReport, palette: Palette) -> String {
    let verdict = match report.result {
        DrillResult::Proven => palette.green("restores"),
        DrillResult::Partial => palette.yellow("restores, AS FAR AS IT COULD BE TRIED"),
        DrillResult::Failed => palette.red("DOES NOT RESTORE AS IT SHOULD"),
    };
    let mut out = format!("{} {verdict}\n", report.snapshot);
    let mut line = |text: String| out.push_str(&wrapped("  ", &text, WIDTH));
    let took = duration(report.finished - report.started);
    let end = if report.kept { "kept" } else { "dropped again" };
    line(format!("PostgreSQL {} at {}, database {}, {end}; {took}", report.version, report.server, report.database));
    let equal = report.tables.iter().filter(|t| t.is_equal == Some(true)).count() as u64;
    let all = report.tables.len() as u64;
    let rows = plural(report.rows_proven(), "row");
    line(match equal == all {
        true => format!("{}, {rows}: every count and digest is the snapshot's", plural(all, "table")),
        false => format!("{equal} of {}, {rows}: count and digest are the snapshot's", plural(all, "table")),
    });
    if report.has_schema {
        let works = |of: fn(&FirstWrite) -> bool| {
            report.tables.iter().filter(|t| t.first_write.as_ref().is_some_and(of)).count() as u64
        };
        line(format!(
            "{}, {}",
            match report.foreign_keys {
                1 => "1 foreign key holds".to_owned(),
                n => format!("{} hold", plural(n, "foreign key")),
            },
            match report.sequences {
                1 => "1 sequence stands past its column".to_owned(),
                n => format!("{} stand past their columns", plural(n, "sequence")),
            }
        ));
        let (good, refused) = (works(|w| *w == FirstWrite::Works), works(|w| matches!(w, FirstWrite::Refused { .. })));
        let refused = match refused {
            0 => String::new(),
            n => format!("; a copy of a row, which it is tried with, is not allowed in {}", plural(n, "table")),
        };
        line(format!("the next insert works in {} (tried, and taken back){refused}", plural(good, "table")));
    }
    for stand_in in &report.stand_ins {
        line(format!("stand-ins for the platform's {}: {}", stand_in.kind, listed(&stand_in.names)));
    }
    report.findings.iter().for_each(|finding| out.push_str(&found(finding, palette)));
    if report.kept {
        out.push_str(&wrapped("", &format!("drop it with: DROP DATABASE {} WITH (FORCE);", report.database), WIDTH));
    }
    if let Some(record) = &report.record {
        out.push_str(&wrapped("", &format!("recorded as {record}"), WIDTH));
    }
    out
}

fn found(finding: &Finding, palette: Palette) -> String {
    let word = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "info",
    };
    let text = format!("{word} [{}] {}: {}", finding.code, finding.subject, finding.message);
    let lines = wrapped("", &text, WIDTH);
    let painted = match finding.severity {
        Severity::Error => palette.red(word),
        Severity::Warning => palette.yellow(word),
        Severity::Info => word.to_owned(),
    };
    let mut out = lines.replacen(word, &painted, 1);
    if let Some(hint) = &finding.hint {
        out.push_str(&wrapped("  hint: ", hint, WIDTH));
    }
    out
}
