//! Reports for a terminal: plain lines; colour adds nothing that the words do not say.

use chrono::{DateTime, Utc};
use comfy_table::{CellAlignment, Table, presets};

use crate::model::{Finding, Manifest, Severity, SnapshotSummary, Verified};
use crate::render::facts::{consistency, coverage, headline, schema, sizes, steadiness, unsteadiness};
use crate::render::list::pinned;
use crate::render::text::{clean, shorten};
use crate::render::{age, bytes, count, plural, ratio, time};

/// Colours, or none.
#[derive(Debug, Clone, Copy, Default)]
pub struct Palette {
    colour: bool,
}

impl Palette {
    /// With colours only where they are wanted.
    pub fn new(colour: bool) -> Self {
        Self { colour }
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    pub(super) fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    pub(super) fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    pub(super) fn red(self, text: &str) -> String {
        self.paint("31", text)
    }

    pub(super) fn green(self, text: &str) -> String {
        self.paint("32", text)
    }

    pub(super) fn yellow(self, text: &str) -> String {
        self.paint("33", text)
    }
}

/// Longest name of a table that is shown whole.
const NAME: usize = 40;

/// `list <id>`: one snapshot, table by table.
pub fn snapshot_human(summary: &SnapshotSummary, manifest: &Manifest, now: DateTime<Utc>, palette: Palette) -> String {
    let mut out = format!("{} of {}\n", palette.bold(summary.id.as_str()), clean(&manifest.project.name));
    let state = if manifest.complete { palette.green("complete") } else { palette.yellow("INCOMPLETE") };
    out.push_str(&format!("{state}: {}\n", headline(manifest)));
    out.push_str(&format!(
        "taken {} ({}) by {}\n",
        time(manifest.started),
        age(manifest.started, now),
        clean(&manifest.tool)
    ));
    out.push_str(&match &summary.verified {
        None => "never verified\n".to_owned(),
        Some(v) if v.ok => format!("verified {}, {}: intact\n", clean(&v.depth), age(v.at, now)),
        Some(v) => format!(
            "verified {}, {}: {}\n",
            clean(&v.depth),
            age(v.at, now),
            palette.red(&plural(v.errors as u64, "error"))
        ),
    });
    if let Some(pin) = &summary.pin {
        out.push_str(&format!("{}, {}\n", pinned(pin), age(pin.at, now)));
    }
    out.push_str(&format!("{}\n{}", consistency(manifest), schema(manifest)));
    if let Some(coverage) = coverage(manifest) {
        out.push_str(&format!("\n{}", clean(&coverage)));
    }
    if let Some(seal) = &manifest.sealed {
        out.push_str(&format!("\nsealed; what opens it: {}", clean(&seal.openers().join(", "))));
    }
    out.push_str("\n\n");
    if manifest.hides_tables() {
        return out;
    }
    out.push_str(&tables(manifest));
    for table in &manifest.tables {
        if let Some(why) = unsteadiness(&table.stability) {
            out.push_str(&format!(
                "{} {}: {}\n",
                table.name,
                palette.yellow(steadiness(&table.stability)),
                clean(&why)
            ));
        }
    }
    if !manifest.missing.is_empty() {
        out.push_str(&format!("\n{}\n", palette.yellow("missing:")));
        for missing in &manifest.missing {
            out.push_str(&format!("  {}: {}\n", clean(&missing.subject), clean(&missing.reason)));
            if let Some(fix) = &missing.fix {
                out.push_str(&format!("    fix: {}\n", clean(fix)));
            }
        }
    }
    if !manifest.passed_over.is_empty() {
        out.push_str("\npassed over:\n");
        for passed in &manifest.passed_over {
            out.push_str(&format!("  {}: {}\n", passed.name, clean(&passed.reason)));
        }
    }
    out
}

fn tables(manifest: &Manifest) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["TABLE", "ROWS", "TEXT", "STORED", "RATIO", "PARTS", "STATE"]);
    for entry in &manifest.tables {
        let (raw, stored) = sizes(entry);
        table.add_row([
            shorten(&entry.name.to_string(), NAME),
            count(entry.rows),
            bytes(raw),
            bytes(stored),
            ratio(raw, stored),
            count(entry.parts.len() as u64),
            steadiness(&entry.stability).to_owned(),
        ]);
    }
    for (i, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if (1..=5).contains(&i) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.lines().fold(String::new(), |text, line| text + line.trim_end() + "\n")
}

/// What a verification found: one line per finding and its hint, then the summary.
pub fn verified_human(verified: &Verified, palette: Palette) -> String {
    let mut out = String::new();
    for finding in &verified.findings {
        out.push_str(&finding_human(finding, palette));
    }
    out.push_str(&verified_summary(verified, palette));
    out.push('\n');
    out
}

fn finding_human(finding: &Finding, palette: Palette) -> String {
    let mark = match finding.severity {
        Severity::Error => palette.red("error"),
        Severity::Warning => palette.yellow("warning"),
        Severity::Info => "info".to_owned(),
    };
    let code = palette.dim(&format!("[{}]", clean(&finding.code)));
    let mut out = format!("{mark} {code} {}: {}\n", clean(&finding.subject), clean(&finding.message));
    if let Some(hint) = &finding.hint {
        out.push_str(&format!("  hint: {}\n", clean(hint)));
    }
    out
}

/// One line: the verdict on one snapshot, and how deep it goes.
pub fn verified_summary(verified: &Verified, palette: Palette) -> String {
    if verified.manifest_sha256.is_none() {
        return format!("{} {}", verified.id, palette.red("is no snapshot: it has no manifest"));
    }
    let verdict = match (verified.intact(), verified.complete) {
        (true, true) => palette.green("intact"),
        (true, false) => palette.yellow("intact, but incomplete"),
        (false, _) if verified.is_only_closed() => palette.red("NOT OPENED"),
        (false, _) => palette.red(&format!("DAMAGED, {}", plural(verified.errors() as u64, "error"))),
    };
    let read = if verified.bytes_read > 0 { format!(", {} read", bytes(verified.bytes_read)) } else { String::new() };
    format!(
        "{} {verdict} ({}): {}, {} in {}{read}",
        verified.id,
        verified.depth,
        plural(verified.files, "file"),
        plural(verified.rows, "row"),
        plural(verified.tables, "table"),
    )
}
