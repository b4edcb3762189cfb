//! Foreign keys: whether they hold, before and after.

use std::collections::HashMap;

use super::planned::Planned;
use crate::model::{Finding, SchemaStep, TableName, TableReport};
use crate::render::plural;
use crate::supabase::sql::Orphans;

/// How many rows break each foreign key, by table and name; `None`: nobody could tell.
pub(super) type Broken = Option<HashMap<(TableName, String), u64>>;

/// Rows that break a foreign key of a restored table before anything is written.
pub(super) async fn broken_before(planned: &Planned) -> Broken {
    if planned.plan.schema == SchemaStep::Create {
        return Some(HashMap::new());
    }
    // it only serves to say more of what is asked again afterwards, and is found then
    let found = orphans(planned).await?.ok()?;
    Some(found.into_iter().filter_map(|o| Some(((o.table(), o.constraint.clone()), o.rows?))).collect())
}

async fn orphans(planned: &Planned) -> Option<anyhow::Result<Vec<Orphans>>> {
    let sql = planned.site.sql.as_ref()?;
    let tables: Vec<_> = planned.works.iter().map(|work| work.plan.target.clone()).collect();
    Some(sql.tables.channel().orphans(&tables).await.map_err(|error| error.failure().into()))
}

/// Foreign keys of restored tables that do not hold. `is_undo`: the snapshot was taken before another restore,
/// which this one takes back.
pub(super) async fn foreign_keys(
    planned: &Planned,
    before: &Broken,
    is_undo: bool,
    reports: &mut [TableReport],
) -> anyhow::Result<Vec<Finding>> {
    let Some(found) = orphans(planned).await else {
        let checked = "the database checked foreign keys with every row that was written";
        return Ok(vec![Finding::info("foreign-keys", "foreign keys", checked)]);
    };
    for orphan in found? {
        let (table, key) = (orphan.table(), &orphan.constraint);
        let subject = table.to_string();
        let finding = match (orphan.rows, orphan.validated) {
            (Some(rows), true) => {
                let was = before.as_ref().map(|all| all.get(&(table.clone(), key.clone())).copied().unwrap_or(0));
                let message = format!("{} the foreign key {key}{}", breaking(rows), since(rows, was));
                Finding::error("foreign-key", &subject, message).hint(if is_undo { OF_UNDO } else { OF_RESTORE })
            }
            (Some(rows), false) => {
                let message = format!("{} the foreign key {key}, which is not valid", breaking(rows));
                Finding::info("foreign-key", &subject, message)
            }
            (None, _) => {
                let message = format!("the foreign key {key} was not looked at: it is over spans of time");
                Finding::info("foreign-key", &subject, message)
            }
        };
        if let Some(report) = reports.iter_mut().find(|report| report.target == table) {
            report.findings.push(finding);
        }
    }
    Ok(Vec::new())
}

const OF_RESTORE: &str = "restore the table that it refers to as well, from the same snapshot; rows that broke it before this restore count too";
const OF_UNDO: &str = "the tables are again as they were before the restore that this takes back: these rows broke it \
                       then too, unless the table that it refers to has lost rows since";

fn breaking(rows: u64) -> String {
    format!("{} {}", plural(rows, "row"), if rows == 1 { "breaks" } else { "break" })
}

/// How many did so before the restore.
fn since(rows: u64, before: Option<u64>) -> String {
    match before {
        None => String::new(),
        Some(0) => ", and none did before this restore".to_owned(),
        Some(before) if before == rows => ", and as many did before this restore".to_owned(),
        Some(before) => format!(", and {} did before this restore", crate::render::count(before)),
    }
}
