//! The documents say what the program does: commands, flags and exit codes are those of `--help`,
//! links lead somewhere, and the stored form is described as it is written.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use supabackup::format::CopyWriter;
use supabackup::model::{Finding, TableName};

use crate::support::Run;

/// Every document that a person is sent to.
const DOCUMENTS: [&str; 19] = [
    "README.md",
    "CHANGELOG.md",
    "docs/FORMAT.md",
    "docs/configuration.md",
    "docs/copy.md",
    "docs/dashboard.md",
    "docs/decisions.md",
    "docs/docker.md",
    "docs/drill.md",
    "docs/encryption.md",
    "docs/github.md",
    "docs/monitoring.md",
    "docs/notifications.md",
    "docs/restore.md",
    "docs/retention.md",
    "docs/run.md",
    "docs/stores.md",
    "docs/workflows/README.md",
    "tests/stack/README.md",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(document: &str) -> Result<String> {
    std::fs::read_to_string(root().join(document)).with_context(|| document.to_owned())
}

fn help(arguments: &[&str]) -> Result<String> {
    let arguments: Vec<&str> = arguments.iter().copied().chain(["--help"]).collect();
    Ok(Run::new(&arguments).expect(0)?.stdout)
}

/// The lines below the heading of a help text, up to the next empty line.
fn block<'a>(text: &'a str, heading: &str) -> impl Iterator<Item = &'a str> {
    let heading = heading.to_owned();
    text.lines().skip_while(move |line| *line != heading).skip(1).take_while(|line| !line.is_empty())
}

/// The first word of each line of a help text's block.
fn first_words(text: &str, heading: &str) -> BTreeSet<String> {
    block(text, heading).filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

/// The part of a document below a heading, up to the next heading of the same or a higher level.
fn section<'a>(text: &'a str, heading: &str) -> Result<&'a str> {
    let start = text.find(&format!("\n{heading}\n")).with_context(|| format!("there is no heading {heading:?}"))?;
    let body = &text[start + heading.len() + 2..];
    let level = heading.bytes().take_while(|&b| b == b'#').count();
    let ends = (1..=level).filter_map(|n| body.find(&format!("\n{} ", "#".repeat(n))));
    Ok(&body[..ends.min().unwrap_or(body.len())])
}

/// Everything of the form `--flag`.
fn flags(text: &str) -> BTreeSet<String> {
    let starts = text.match_indices("--").filter(|(at, _)| {
        let before = text[..*at].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric() && c != '-' && c != '/')
    });
    let flag = |(at, _): (usize, &str)| {
        let name = &text[at + 2..];
        let end = name.find(|c: char| !c.is_ascii_lowercase() && c != '-').unwrap_or(name.len());
        format!("--{}", &name[..end])
    };
    starts.map(flag).filter(|flag| flag.len() > 3 && !flag.ends_with('-')).collect()
}

#[test]
fn the_readme_describes_exactly_the_commands_and_flags_that_there_are() -> Result<()> {
    let readme = read("README.md")?;
    let commands = first_words(&help(&[])?, "Commands:");
    let described: BTreeSet<String> = readme
        .lines()
        .filter_map(|l| l.strip_prefix("### `supabackup ")?.strip_suffix('`'))
        .map(str::to_owned)
        .collect();
    ensure!(commands == described, "commands: {commands:?}, README: {described:?}");

    // flags of every command are told once
    let everywhere = section(&readme, "## Commands")?.split("\n### ").next().map(flags).unwrap_or_default();
    for command in &commands {
        let told = flags(section(&readme, &format!("### `supabackup {command}`"))?);
        // the examples below the help text repeat flags; the options above are the ones that exist
        let help = help(&[command])?;
        let mut there = flags(&help);
        there.insert("--help".to_owned());
        let unknown: Vec<_> = told.union(&everywhere).filter(|flag| !there.contains(*flag)).collect();
        ensure!(unknown.is_empty(), "README tells of flags that `{command}` does not have: {unknown:?}");
        let untold: Vec<_> = there.iter().filter(|flag| !told.contains(*flag) && !everywhere.contains(*flag)).collect();
        ensure!(untold.is_empty(), "README does not tell of flags that `{command}` has: {untold:?}");
    }
    Ok(())
}

#[test]
fn the_exit_codes_are_those_of_the_help() -> Result<()> {
    let help = help(&[])?;
    let told: Vec<(String, String)> = block(&help, "Exit codes:")
        .filter_map(|line| line.trim().split_once("  "))
        .map(|(code, meaning)| (code.to_owned(), meaning.to_owned()))
        .collect();
    ensure!(told.len() == 5, "{told:?}");
    let readme = read("README.md")?;
    let table: Vec<(String, String)> = section(&readme, "## Exit codes")?
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | "))
        .filter(|(code, _)| code.bytes().all(|b| b.is_ascii_digit()))
        .map(|(code, meaning)| (code.to_owned(), meaning.to_owned()))
        .collect();
    ensure!(told == table, "help: {told:?}\nREADME: {table:?}");
    Ok(())
}

#[test]
fn every_variable_in_the_readme_is_a_setting_and_the_settings_are_linked() -> Result<()> {
    let readme = read("README.md")?;
    let settings = read("docs/configuration.md")?;
    ensure!(section(&readme, "## Settings")?.contains("](docs/configuration.md)"), "README does not link the settings");
    let words = readme.split(|c: char| !c.is_ascii_uppercase() && !c.is_ascii_digit() && c != '_');
    for variable in words.filter(|w| w.starts_with("SUPABASE_") || w.starts_with("SUPABACKUP_")) {
        ensure!(settings.contains(&format!("`{variable}`")), "{variable} is not in docs/configuration.md");
    }
    Ok(())
}

/// What a heading's anchor is called.
fn anchor(heading: &str) -> String {
    let heading = heading.trim_start_matches('#').trim().to_lowercase();
    heading
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

/// A document without its code blocks.
fn prose(text: &str) -> String {
    let mut code = false;
    let mut kept = String::new();
    for line in text.lines() {
        if line.starts_with("```") {
            code = !code;
        } else if !code {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

/// The links of a document that lead nowhere.
fn broken_links(document: &str) -> Result<Vec<String>> {
    let text = prose(&read(document)?);
    let path = root().join(document);
    let folder = path.parent().context("no folder")?;
    let mut broken = Vec::new();
    for link in text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link) {
        if link.starts_with("https://") {
            continue;
        }
        let (file, heading) = link.split_once('#').map_or((link, None), |(file, heading)| (file, Some(heading)));
        let target: PathBuf = if file.is_empty() { path.clone() } else { folder.join(file) };
        let found = match heading {
            None => target.exists(),
            Some(heading) => std::fs::read_to_string(&target)
                .is_ok_and(|text| prose(&text).lines().any(|l| l.starts_with('#') && anchor(l) == heading)),
        };
        if !found {
            broken.push(format!("{document}: {link}"));
        }
    }
    Ok(broken)
}

#[test]
fn every_link_leads_somewhere() -> Result<()> {
    let mut broken = Vec::new();
    for document in DOCUMENTS {
        broken.extend(broken_links(document)?);
    }
    ensure!(broken.is_empty(), "{}", broken.join("\n"));
    // the list above is the list of documents
    for entry in std::fs::read_dir(root().join("docs"))? {
        let name = format!("docs/{}", entry?.file_name().to_string_lossy());
        ensure!(
            !name.ends_with(".md") || DOCUMENTS.contains(&name.as_str()) || name == "docs/performance.md",
            "{name} is not checked"
        );
    }
    Ok(())
}

/// A code block between two marks of a document.
fn marked<'a>(text: &'a str, name: &str) -> Result<&'a str> {
    let rest = text.split_once(&format!("<!-- {name}:begin -->\n```sql\n")).context("no mark")?.1;
    Ok(rest.split_once(&format!("```\n<!-- {name}:end -->")).context("no end")?.0)
}

#[test]
fn the_format_shows_a_sql_part_as_it_is_written() -> Result<()> {
    let format = read("docs/FORMAT.md")?;
    let writer = CopyWriter::new(&TableName::new("public", "notes"), &["id", "note"]);
    for (name, written) in [("sql-head", writer.head()), ("sql-tail", writer.tail())] {
        let written = std::str::from_utf8(written)?;
        let shown = marked(&format, name)?;
        ensure!(shown == written, "{name} in docs/FORMAT.md is not what is written:\n{written}");
    }
    Ok(())
}

/// Every code of the documented checks, and a few that belong to none of its own name.
#[test]
fn monitoring_tells_whose_every_code_is() -> Result<()> {
    let told = read("docs/monitoring.md")?;
    let (mut check, mut seen) = (String::new(), 0);
    for line in section(&told, "## Checks")?.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let Some(code) = cells.get(1).and_then(|cell| cell.strip_prefix('`')?.strip_suffix('`')) else { continue };
        if !cells[0].is_empty() {
            check = cells[0].to_owned();
        }
        let finding = Finding::error(code, "quota", "");
        let expected = if code == "not-checked" { "quota" } else { &check };
        ensure!(supabackup::check::check_of(&finding) == expected, "{code} belongs to {expected}");
        seen += 1;
    }
    ensure!(seen > 35, "only {seen} codes");
    Ok(())
}

/// The keys of every object in a JSON document.
fn keys(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(key, value)| {
            found.insert(key.clone());
            keys(value, found);
        }),
        Value::Array(values) => values.iter().for_each(|value| keys(value, found)),
        _ => {}
    }
}

/// The names of the fields that a source file declares between two marks.
fn declared(source: &str, from: &str, to: &str) -> Result<BTreeSet<String>> {
    let text = read(source)?;
    let start = text.find(from).with_context(|| format!("{source} has no {from:?}"))?;
    let end = text[start..].find(to).with_context(|| format!("{source} has no {to:?}"))? + start;
    let field = |line: &str| -> Option<String> {
        let (name, of_type) = line.trim().split_once(": ")?;
        let name = name.strip_prefix("pub ").unwrap_or(name);
        let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        (plain && of_type.ends_with(',')).then(|| name.to_owned())
    };
    Ok(text[start..end].lines().filter_map(field).collect())
}

#[test]
fn the_format_describes_every_field_of_a_manifest() -> Result<()> {
    let format = read("docs/FORMAT.md")?;
    let mut found = declared("src/model/manifest.rs", "pub struct Manifest {", "impl Manifest {")?;
    found.extend(declared("src/model/seal.rs", "pub struct Seal {", "impl Seal {")?);
    found.extend(declared("src/model/catalog.rs", "pub struct Column {", "\n}\n")?);
    found.extend(declared("src/model/catalog.rs", "pub struct ForeignKey {", "\n}\n")?);
    found.extend(declared("src/model/snapshot.rs", "pub struct Verification {", "\n}\n")?);
    found.extend(declared("src/model/snapshot.rs", "pub struct Pin {", "\n}\n")?);
    ensure!(found.remove("type_name"), "a column's type is stored under another name: {found:?}");
    for project in std::fs::read_dir(root().join("tests/fixtures/v1"))? {
        for snapshot in std::fs::read_dir(project?.path())? {
            let manifest = std::fs::read(snapshot?.path().join("manifest.json"))?;
            keys(&serde_json::from_slice(&manifest)?, &mut found);
        }
    }
    ensure!(found.len() > 50 && found.contains("superseded") && found.contains("type"), "only {found:?}");
    let untold: Vec<_> = found.iter().filter(|key| !format.contains(&format!("`{key}`"))).collect();
    ensure!(untold.is_empty(), "docs/FORMAT.md does not tell of {untold:?}");
    Ok(())
}

#[test]
fn github_tells_of_every_output_and_of_no_other() -> Result<()> {
    let github = read("docs/github.md")?;
    let table: Vec<(&str, &str)> = section(&github, "## Outputs")?
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.strip_suffix(" |")?.split_once("` | "))
        .collect();
    let outputs = supabackup::model::Output::ALL.map(|output| (output.name(), output.meaning()));
    ensure!(table == outputs, "docs: {table:?}\ncode: {outputs:?}");
    Ok(())
}

/// Every code that a check of the watch gives, as its source writes it.
#[test]
fn monitoring_tells_of_every_check_and_code() -> Result<()> {
    let told = read("docs/monitoring.md")?;
    let mut codes = BTreeSet::new();
    for entry in std::fs::read_dir(root().join("src/check"))? {
        let path = entry?.path();
        if !path.is_file() {
            continue;
        }
        let text = std::fs::read_to_string(&path)?;
        for call in ["Finding::error(", "Finding::warning(", "Finding::info("] {
            let calls = text.split(call).skip(1);
            let first = calls.filter_map(|rest| rest.trim_start().strip_prefix('"')?.split_once('"'));
            codes.extend(first.map(|(code, _)| code.to_owned()));
        }
    }
    ensure!(codes.len() > 25, "only {codes:?}");
    codes.extend(supabackup::check::CHECKS.map(|(name, _)| name.to_owned()));
    let untold: Vec<_> = codes
        .iter()
        .filter(|code| !told.contains(&format!("`{code}`")) && !told.contains(&format!("| {code} |")))
        .collect();
    ensure!(untold.is_empty(), "docs/monitoring.md does not tell of {untold:?}");
    Ok(())
}
