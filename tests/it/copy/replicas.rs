//! A further store that is kept complete.

use anyhow::{Result, ensure};
use supabackup::commands::copy::replicate;
use supabackup::model::{Profile, ReplicaReport, Retention};
use supabackup::render::{Palette, replica_human, replica_line, replica_md};
use supabackup::store::{DirStore, StoreUrl, open};

use crate::prune::cut_off::Dying;
use crate::prune::{Shelf, hours};
use crate::support::Run;
use crate::support::run::snapshots;

async fn keep(shelf: &Shelf, to: &dyn supabackup::store::Store, rules: &Retention) -> Result<ReplicaReport> {
    Ok(replicate(&DirStore::new(shelf.root()), to, None, rules, shelf.now).await?)
}

#[tokio::test]
async fn a_replica_gets_what_it_lacks_and_would_keep_newest_first() -> Result<()> {
    let (shelf, there) = (Shelf::new().await?, tempfile::tempdir()?);
    let rules = Profile::Development.retention();
    // of those of the last week, and older ones that its rules would not keep
    let daily = shelf.daily(12)?;
    shelf.incomplete(hours(5))?;
    shelf.add(hours(4), None)?;
    let target = DirStore::new(there.path());
    let report = keep(&shelf, &target, &rules).await?;
    let copied: Vec<_> = report.copied.iter().map(|one| one.id.clone()).collect();
    ensure!(copied == daily[..7] && report.spared == 5 && report.is_complete(), "{report:#?}");
    ensure!(report.behind().is_none() && report.findings.is_empty());
    Run::new(&["verify", "--all"]).store(there.path()).expect(0)?;
    // its own rules remove nothing of it
    let pruned = Run::new(&["prune", "--retention", "development"]).store(there.path()).expect(0)?;
    ensure!(pruned.stdout.ends_with("nothing is to be removed\n"), "{}", pruned.stdout);

    let again = keep(&shelf, &target, &rules).await?;
    ensure!(again.copied.is_empty() && again.there == 7 && again.spared == 5, "{again:#?}");
    ensure!(
        replica_line(&again)
            .ends_with("is complete: 0 snapshots copied, 7 there already, 5 not needed by its retention")
    );
    Ok(())
}

#[tokio::test]
async fn after_an_outage_a_replica_catches_up_and_says_how_far_it_was_behind() -> Result<()> {
    let (shelf, there) = (Shelf::new().await?, tempfile::tempdir()?);
    let rules = Retention::default();
    let daily = shelf.daily(5)?;
    // dies in the middle of the second one
    let dying = Dying::new(there.path(), 20);
    let report = keep(&shelf, &dying, &rules).await?;
    let behind = report.behind().ok_or_else(|| anyhow::anyhow!("not behind"))?;
    ensure!(report.copied.len() == 1 && report.copied[0].id == daily[0], "{report:#?}");
    ensure!(
        behind.snapshots == 4 && behind.newest == daily[1].started() && behind.seconds == 86_400 + 600,
        "{behind:?}"
    );
    let text = replica_human(&report, Palette::default());
    ensure!(
        text.contains("is behind by 4 snapshots, the newest of them taken 24 h ago") && text.contains("power cut"),
        "{text}"
    );
    ensure!(replica_md(&report).contains("lacks `"), "{}", replica_md(&report));

    // it cannot be reached at all: nobody knows what it holds
    let away = open(&"file:///proc/1/no/such/place".parse::<StoreUrl>().map_err(anyhow::Error::msg)?);
    let report = keep(&shelf, away.as_ref(), &rules).await?;
    ensure!(!report.is_complete(), "{report:#?}");

    let report = keep(&shelf, &DirStore::new(there.path()), &rules).await?;
    ensure!(report.copied.len() == 4 && report.there == 1 && report.copied[0].kept > 0, "{report:#?}");
    ensure!(report.is_complete() && snapshots(there.path())?.len() == 5);
    Run::new(&["verify", "--all"]).store(there.path()).expect(0)?;

    // a snapshot that is damaged here is told, and does not keep the others from being safe
    let (fresh, damaged) = (shelf.good(hours(1))?, shelf.good(hours(2))?);
    std::fs::remove_file(shelf.folder(&damaged).join("report.md"))?;
    let report = keep(&shelf, &DirStore::new(there.path()), &rules).await?;
    ensure!(report.copied.len() == 1 && report.copied[0].id == fresh, "{report:#?}");
    ensure!(report.findings.len() == 1 && report.lacking.len() == 1 && report.lacking[0].id == damaged, "{report:#?}");
    Ok(())
}
