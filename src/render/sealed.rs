//! What RECOVERY.md says of sealed files: how they open with `age` alone.

use crate::model::{Manifest, Seal};
use crate::render::text::{block, code};
use crate::render::time;

/// How files of a snapshot are read by hand.
#[derive(Debug, Clone, Copy)]
pub(super) struct ByHand {
    /// The command that prints what compressed files hold.
    pub(super) cat: &'static str,
    /// What the names of compressed files end in.
    pub(super) end: &'static str,
    /// The name of the book itself, once it can be read.
    pub(super) book: &'static str,
}

/// Reading by hand: with `zstd`, or with the function that [`opening`] defines.
pub(super) fn by_hand(manifest: &Manifest) -> ByHand {
    let gzip = manifest.is_gzip();
    match &manifest.sealed {
        None => ByHand { cat: opener(manifest), end: if gzip { ".gz" } else { ".zst" }, book: "RECOVERY.md" },
        Some(seal) => ByHand {
            cat: "unseal",
            end: if gzip { ".gz.age" } else { ".zst.age" },
            book: if seal.manifest.is_none() { "RECOVERY.md" } else { "RECOVERY.full.md" },
        },
    }
}

/// What decompresses.
fn opener(manifest: &Manifest) -> &'static str {
    if manifest.is_gzip() { "gzip -dc" } else { "zstd -dc" }
}

/// The program that decompresses.
pub(super) fn program(manifest: &Manifest) -> &'static str {
    if manifest.is_gzip() { "`gzip`" } else { "`zstd`" }
}

/// How sealed files are opened; nothing of a plain snapshot.
pub(super) fn opening(manifest: &Manifest) -> String {
    let Some(seal) = &manifest.sealed else { return String::new() };
    let mut out = String::from(
        "\n## Open the sealed files\n\nEvery file whose name ends in `.age` is sealed. The program `age` (1.1 or newer, or `rage`) opens \
         it with the private key that belongs to any one of these:\n\n",
    );
    for to in seal.openers() {
        out.push_str(&format!("- {}\n", code(&to, false)));
    }
    out.push_str(
        "\nA private key is an identity file of age (`AGE-SECRET-KEY-…`) or an SSH private key. Name the file that holds it, and \
         define how a sealed file is read; all commands below need both:\n\n",
    );
    out.push_str(&block(
        "bash",
        &format!(
            "export AGE_KEY=\"$HOME/age-key.txt\"\n\
             unseal() {{ local file; for file in \"$@\"; do age -d -i \"$AGE_KEY\" \"$file\" || return 1; done | {}; }}",
            opener(manifest)
        ),
    ));
    out.push_str(&with_passphrase(seal));
    out
}

fn with_passphrase(seal: &Seal) -> String {
    let Some(passphrase) = &seal.passphrase else { return String::new() };
    let shell = super::text::shell(&passphrase.identity);
    format!(
        "\nWith the passphrase, make that file first: `age` asks for the passphrase, once. Delete the file when you are done.\n\n{}",
        block("bash", &format!("(umask 077; age -d -o \"$AGE_KEY\" {shell})"))
    )
}

/// `RECOVERY.md` of a snapshot that hides the names of tables: how to open the other one.
pub fn how_to_open_md(manifest: &Manifest) -> String {
    let mut out = format!(
        "# Restore {} from {}\n\nSnapshot {}.\n\nThis snapshot is sealed, and the names of its tables are too. How to restore it is told in \
         a sealed file. You need `psql`, `age`, {} and `sha256sum`; nothing of supabackup. Run the commands in the folder that \
         holds this file, in `bash`.\n\n{}\n## Check the files\n\nEvery line must end in `OK`:\n\n{}",
        code(&manifest.project.name, false),
        time(manifest.started),
        code(manifest.snapshot.as_str(), false),
        program(manifest),
        block("bash", "set -o pipefail"),
        block("bash", "sha256sum -c SHA256SUMS")
    );
    out.push_str(&opening(manifest));
    out.push_str("\n## Read on\n\n");
    let end = by_hand(manifest).end;
    out.push_str(&block("bash", &format!("unseal RECOVERY.full.md{end} > RECOVERY.full.md")));
    out.push_str("\n`RECOVERY.full.md` has everything else.\n");
    out
}
