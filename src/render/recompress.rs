//! `recompress`: what it saved.

use crate::model::{RecompressReport, Recompressed};
use crate::render::prune::finding_lines;
use crate::render::text::{clean, markdown};
use crate::render::{Palette, bytes, plural};

/// Seconds as a person says them: `0.4 s`, `12 s`, `3 min`, `2.5 h`.
pub fn seconds(seconds: f64) -> String {
    match seconds {
        s if s < 9.95 => format!("{s:.1} s"),
        s if s < 119.5 => format!("{s:.0} s"),
        s if s < 7170.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}

/// What was compressed, what stays as it is, and what has to be looked at.
pub fn recompress_human(report: &RecompressReport, palette: Palette) -> String {
    let mut out = String::new();
    for done in &report.done {
        out.push_str(&line(done, report.applied));
    }
    for id in &report.ended {
        out.push_str(&format!("{id} is gone: an earlier run had compressed it and was cut off\n"));
    }
    for left in &report.left {
        out.push_str(&format!("{} stays as it is: {}\n", left.id, clean(&left.reason)));
    }
    for finding in &report.findings {
        out.push_str(&finding_lines(finding, palette));
    }
    out.push_str(&format!("{}\n", recompress_line(report)));
    out
}

fn line(done: &Recompressed, applied: bool) -> String {
    let (before, after) = (bytes(done.before), bytes(done.after));
    let saved = 100_u64.saturating_sub(done.after * 100 / done.before.max(1));
    if applied {
        format!(
            "{} is now {}: {before} became {after} ({saved} % less), in {}\n",
            done.was,
            done.id,
            seconds(done.seconds)
        )
    } else {
        format!(
            "{}: {before} would become about {after} ({saved} % less), in about {}\n",
            done.was,
            seconds(done.seconds)
        )
    }
}

/// One sentence.
pub fn recompress_line(report: &RecompressReport) -> String {
    let (many, saved) = (plural(report.done.len() as u64, "snapshot"), bytes(report.saved()));
    let mut out = match (report.done.is_empty(), report.applied) {
        (true, _) => "nothing to compress again".to_owned(),
        (false, true) => format!("{many} compressed again, {saved} saved"),
        (false, false) => format!("{many} would be compressed again, and save about {saved}"),
    };
    if report.waiting > 0 {
        out.push_str(&format!("; {} for the next run", plural(report.waiting, "more snapshot")));
    }
    out
}

/// The lines for a job summary.
pub fn recompress_md(report: &RecompressReport) -> String {
    let mut out = format!("{}.\n\n", markdown(&recompress_line(report)));
    for done in &report.done {
        out.push_str(&format!("- {}\n", markdown(line(done, report.applied).trim_end())));
    }
    for left in &report.left {
        out.push_str(&format!("- {} stays as it is: {}\n", markdown(left.id.as_str()), markdown(&left.reason)));
    }
    for finding in &report.findings {
        out.push_str(&format!("- {}: {}\n", markdown(&finding.subject), markdown(&finding.message)));
    }
    out
}
