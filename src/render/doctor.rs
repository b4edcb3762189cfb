//! `doctor`: one sentence a line, and what to do about it.

use serde_json::json;

use crate::model::{Finding, Severity};
use crate::render::text::clean;
use crate::render::{Palette, plural};

/// One finding: a mark, a sentence, and the hint on a line of its own.
pub fn checkup_line(finding: &Finding, palette: Palette) -> String {
    let mark = match finding.severity {
        Severity::Info if finding.code == "not-checked" => palette.dim("-"),
        Severity::Info => palette.green("✓"),
        Severity::Warning => palette.yellow("!"),
        Severity::Error => palette.red("✗"),
    };
    let mut out = format!("{mark} {}\n", sentence(&finding.message));
    if let Some(hint) = &finding.hint {
        out.push_str(&format!("  hint: {}\n", clean(hint)));
    }
    out
}

/// The last line: whether a backup can run.
pub fn checkup_verdict(findings: &[Finding], palette: Palette) -> String {
    let number = |severity| findings.iter().filter(|f| f.severity == severity).count() as u64;
    let (errors, warnings) = (number(Severity::Error), number(Severity::Warning));
    let notes = if warnings > 0 { format!(", {} worth a look", plural(warnings, "thing")) } else { String::new() };
    match errors {
        0 => format!("\n{}{notes}; next: supabackup backup\n", palette.green("A backup can run")),
        _ => {
            let text = format!("{} must be fixed before a backup can be whole", plural(errors, "thing"));
            format!("\n{}{notes}\n", palette.red(&text))
        }
    }
}

/// `{"ok": …, "errors": …, "warnings": …, "findings": […]}`.
pub fn checkup_json(findings: &[Finding]) -> Result<String, serde_json::Error> {
    let number = |severity| findings.iter().filter(|f| f.severity == severity).count();
    let (errors, warnings) = (number(Severity::Error), number(Severity::Warning));
    let document = json!({ "ok": errors == 0, "errors": errors, "warnings": warnings, "findings": findings });
    serde_json::to_string_pretty(&document).map(|text| text + "\n")
}

/// A message with a capital at its beginning and a period at its end.
fn sentence(message: &str) -> String {
    let message = clean(message);
    let mut characters = message.chars();
    let first = characters.next().map(|c| c.to_uppercase().collect::<String>()).unwrap_or_default();
    let end = if message.ends_with(['.', '?', '!', '…']) { "" } else { "." };
    format!("{first}{}{end}", characters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_a_sentence_with_its_mark_and_hint() {
        let plain = Palette::default();
        for (finding, expected) in [
            (Finding::info("a", "s", "the clock agrees"), "✓ The clock agrees.\n"),
            (Finding::warning("a", "s", "slow\nbut steady").hint("do x;"), "! Slow\\nbut steady.\n  hint: do x;\n"),
            (Finding::error("a", "s", "is it?"), "✗ Is it?\n"),
            (Finding::info("not-checked", "s", "x was not checked"), "- X was not checked.\n"),
        ] {
            assert_eq!(checkup_line(&finding, plain), expected);
        }
    }

    #[test]
    fn the_verdict_counts_what_must_and_what_might_be_looked_at() {
        let (info, warning, error) =
            (Finding::info("a", "s", "m"), Finding::warning("a", "s", "m"), Finding::error("a", "s", "m"));
        for (findings, expected) in [
            (vec![info.clone()], "\nA backup can run; next: supabackup backup\n"),
            (vec![info, warning.clone()], "\nA backup can run, 1 thing worth a look; next: supabackup backup\n"),
            (
                vec![error.clone(), warning, error],
                "\n2 things must be fixed before a backup can be whole, 1 thing worth a look\n",
            ),
        ] {
            assert_eq!(checkup_verdict(&findings, Palette::default()), expected);
        }
    }
}
