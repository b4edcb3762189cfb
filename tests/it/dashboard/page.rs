//! Two hundred tables in four hundred snapshots: how large the page is, and how much work.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use supabackup::model::{Depth, TableName};

use super::{browse, entry, written};
use crate::prune::{Shelf, hours};

const TABLES: u64 = 200;
const SNAPSHOTS: i64 = 400;
/// Bytes of the page, and elements in it: what makes it slow.
const MOST_BYTES: u64 = 2_000_000;
const MOST_ELEMENTS: u64 = 40_000;
/// Work of the page until all of it is drawn, the best of five times: what it takes on a machine that does nothing
/// else. How long somebody waits on a busy one is no property of the page.
const MOST_SECONDS: f64 = 1.0;

#[tokio::test]
#[expect(clippy::print_stderr, reason = "the figures, for whoever asks with --nocapture")]
async fn two_hundred_tables_in_four_hundred_snapshots_are_there_at_once() -> Result<()> {
    let shelf = Shelf::new().await?;
    for number in (0..SNAPSHOTS).rev() {
        shelf.add_changed(hours(24 * number + 1), Some(Depth::Opened), |manifest| {
            let model = manifest.clone();
            let grown = u64::try_from(SNAPSHOTS - number).unwrap_or(0);
            let table = |n: u64| {
                let name = TableName::new("public", format!("table_number_{n:03}"));
                entry(&model, name, 50 + n * 17 + grown * (n % 9) + (grown * n) % 23)
            };
            manifest.tables = (0..TABLES).filter_map(|n| table(n).ok()).collect();
            manifest.totals.rows = manifest.tables.iter().map(|table| table.rows).sum();
            manifest.totals.tables = TABLES;
        })?;
    }
    let file = written(&shelf, &["--keep-at-most", "1000", "--keep-within", "500d"])?;
    let size = std::fs::metadata(&file)?.len();
    let found = browse(&file, "load")?;
    ensure!(found["bad"] == json!([]), "{}", found["bad"]);
    ensure!(found["sparks"] == TABLES && found["shots"] == SNAPSHOTS && found["lines"] == 2, "{found}");
    ensure!(size < MOST_BYTES, "the page has {size} bytes");
    ensure!(found["elements"].as_u64() < Some(MOST_ELEMENTS), "{found}");
    let seconds = found["seconds"].as_array().into_iter().flatten().filter_map(Value::as_f64);
    let best = seconds.fold(f64::MAX, f64::min);
    eprintln!("{size} bytes, {} elements, {best:.2} s of work, waited {}", found["elements"], found["waited"]);
    ensure!(best > 0.0 && best < MOST_SECONDS, "{found}");
    Ok(())
}
