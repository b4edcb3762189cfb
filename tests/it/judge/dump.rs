//! `pg_dump` as the judge: what it prints of two databases, entry by entry, in any order.

use std::collections::BTreeMap;
use std::process::Command;

use anyhow::{Result, ensure};

use crate::support::Stack;

/// How often each entry of the dump is there. Order between entries does not count, nor does that of
/// the grants of one object.
fn entries(stack: &Stack, url: &str) -> Result<BTreeMap<String, usize>> {
    let output = Command::new(stack.get("STACK_PG_DUMP")).args(["--schema-only", "-d", url]).output()?;
    ensure!(output.status.success(), "pg_dump: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout)?;
    // newer ones guard their scripts with a random word
    let text: Vec<&str> =
        text.lines().filter(|l| !l.starts_with("\\restrict ") && !l.starts_with("\\unrestrict ")).collect();
    let text = text.join("\n");
    let mut entries = BTreeMap::new();
    for entry in text.split("\n--\n-- Name: ") {
        let mut lines: Vec<&str> = entry.trim().lines().collect();
        if lines.first().is_some_and(|head| head.contains("ACL;")) {
            lines.sort_unstable();
        }
        *entries.entry(lines.join("\n")).or_default() += 1;
    }
    Ok(entries)
}

/// Fails with what differs, if anything does. Returns how many entries were compared.
pub(super) fn same_definitions(source: &Stack, copy: &Stack) -> Result<usize> {
    let (of_source, of_copy) =
        (entries(source, source.get("STACK_DATABASE_URL"))?, entries(copy, copy.get("STACK_DATABASE_URL"))?);
    let lacks = |a: &BTreeMap<String, usize>, b: &BTreeMap<String, usize>| -> Vec<String> {
        a.iter().filter(|(entry, n)| b.get(*entry) != Some(n)).map(|(entry, _)| entry.clone()).collect()
    };
    let (lost, new) = (lacks(&of_source, &of_copy), lacks(&of_copy, &of_source));
    ensure!(
        lost.is_empty() && new.is_empty(),
        "only in the project:\n{}\n\nonly in the copy:\n{}",
        lost.join("\n…\n"),
        new.join("\n…\n")
    );
    Ok(of_source.values().sum())
}
