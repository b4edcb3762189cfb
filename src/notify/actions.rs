//! The files in which a runner of GitHub Actions wants what a step has to say.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

/// How much is in it already: every command of a step appends to the same one.
pub fn size_of(file: &Path) -> u64 {
    std::fs::metadata(file).map_or(0, |found| found.len())
}

/// Appends whole lines in one write, on a line of their own.
pub fn append(file: &Path, text: &str) -> io::Result<()> {
    let apart = if size_of(file) > 0 { "\n" } else { "" };
    let mut open = OpenOptions::new().create(true).append(true).open(file)?;
    open.write_all(format!("{apart}{text}").as_bytes())?;
    open.flush()
}
