//! Arguments of the commands that move and press what is stored.

use clap::{ArgAction, Args};

use super::seal::{OpenArgs, SealArgs};
use crate::cli::SnapshotChoice;
use crate::config::{Flags, help};

/// Arguments of `copy`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  supabackup copy latest --to s3://my-bucket/team
  supabackup copy --all --store s3://eu/team --to 's3://us/team?region=us-east-1'
  supabackup copy latest --to /mnt/usb --recipient age1… --identity-file key.txt

Every file is checked on its way, and the manifest comes last: a copy that was cut off is no snapshot, and the next one
goes on from there.

Exits 0 if everything that was asked for is there, 3 if --all left something out (it is named), 1 if it failed.")]
pub struct CopyArgs {
    /// The snapshot's id, or `latest`
    #[arg(value_name = "SNAPSHOT", required_unless_present = "all")]
    pub snapshot: Option<SnapshotChoice>,
    /// Every verified snapshot
    #[arg(long, conflicts_with = "snapshot")]
    pub all: bool,
    #[arg(long = "to", value_name = "STORE", action = ArgAction::Append, help = help("copy_to"))]
    to: Vec<String>,
    /// Copy a snapshot that is incomplete, or that was not verified
    #[arg(long)]
    pub accept_incomplete: bool,
    /// Only snapshots of this project: its folder's name in the store
    #[arg(long, value_name = "NAME")]
    pub project: Option<String>,
    /// Print what was done as one JSON document on stdout
    #[arg(long)]
    pub json: bool,
    /// Seal the copies to the recipients that are configured; given with --recipient by itself
    #[arg(long, help_heading = "Encryption")]
    pub reseal: bool,
    /// Open sealed snapshots, and store the copies without encryption
    #[arg(long, help_heading = "Encryption", conflicts_with_all = ["reseal", "recipients", "recipients_files", "seal_manifest"])]
    pub unseal: bool,
    #[command(flatten)]
    seal: SealArgs,
    #[command(flatten)]
    open: OpenArgs,
}

impl CopyArgs {
    /// Whether the copies are to be sealed anew.
    pub fn is_reseal(&self) -> bool {
        self.reseal || self.seal.is_given()
    }

    pub(super) fn fill(&self, flags: &mut Flags) {
        flags.set("copy_to", &self.to);
        self.seal.fill(flags);
        self.open.fill(flags);
    }
}

/// Arguments of `recompress`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  supabackup recompress --dry-run       say what it would save
  supabackup recompress --recompress-after 30d --recompress-budget 2h

A snapshot that was compressed again has an id of its own, with the same moment in it; the old id still finds it. Sealed
snapshots, and those in gzip, are left as they are.

Exits 0 if all is well, 4 if something is wrong with a snapshot, 1 if the store could not be read.")]
pub struct RecompressArgs {
    /// Only try it out, and change nothing
    #[arg(long, short = 'n')]
    pub dry_run: bool,
    /// Only this project: its folder's name in the store [default: all]
    #[arg(long, value_name = "NAME")]
    pub project: Option<String>,
    /// Print what was done as one JSON document on stdout
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    press: PressArgs,
}

impl RecompressArgs {
    pub(super) fn fill(&self, flags: &mut Flags) {
        self.press.fill(flags);
    }
}

/// How older snapshots are compressed again.
#[derive(Debug, Args)]
pub(super) struct PressArgs {
    #[arg(long, value_name = "DURATION", help = help("recompress_after"))]
    recompress_after: Option<String>,
    #[arg(long, value_name = "LEVEL", help = help("recompress_level"))]
    recompress_level: Option<String>,
    #[arg(long, value_name = "DURATION", help = help("recompress_budget"))]
    recompress_budget: Option<String>,
}

impl PressArgs {
    pub(super) fn fill(&self, flags: &mut Flags) {
        flags.set("recompress_after", &self.recompress_after);
        flags.set("recompress_level", &self.recompress_level);
        flags.set("recompress_budget", &self.recompress_budget);
    }
}
