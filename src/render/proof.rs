//! SQL that proves a restore: one statement block that counts and hashes every restored table and
//! puts the result beside what the snapshot holds. Needs nothing installed (PostgreSQL 11 or newer).

use crate::model::{Manifest, ReadAs, TableEntry, TableName, quote_identifier};
use crate::render::text::literal;

/// First and last line of the block: `sed` cuts it out of RECOVERY.md between them.
pub(super) const BEGIN: &str = "-- supabackup check: begin";
/// See [`BEGIN`].
pub(super) const END: &str = "-- supabackup check: end";

/// The whole block.
pub(super) fn proof(manifest: &Manifest) -> String {
    let zone = time_zone(manifest.settings.time_zone_offset.as_deref());
    let mut sql = format!(
        "{BEGIN}
SET datestyle = 'ISO, MDY';
SET intervalstyle = 'postgres';
SET extra_float_digits = 1;
SET bytea_output = 'hex';
{zone}
SET row_security = off;
SET statement_timeout = 0;
CREATE OR REPLACE FUNCTION pg_temp.supabackup_found(query text, path text) RETURNS text LANGUAGE plpgsql AS $supabackup$
DECLARE found text;
BEGIN
  PERFORM set_config('search_path', path, true);
  EXECUTE query INTO found;
  RETURN found;
EXCEPTION WHEN OTHERS THEN
  RETURN SQLERRM;
END $supabackup$;
SELECT name AS \"table\", expected, found, coalesce(found = expected, false) AS ok
FROM (VALUES
"
    );
    for (i, table) in manifest.tables.iter().enumerate() {
        let comma = if i == 0 { "  " } else { ", " };
        let (row, from) = source(table);
        let expected = format!("{} rows, digest {}", table.rows, table.digest);
        let fields = [table.name.to_string(), expected, row, from, path(table)].map(|text| literal(&text)).join(", ");
        sql.push_str(&format!("{comma}({fields})\n"));
    }
    if manifest.tables.is_empty() {
        sql.push_str("  (NULL::text, NULL::text, NULL::text, NULL::text, NULL::text)\n");
    }
    sql.push_str(&format!(
        ") AS checks (name, expected, row_text, source, path),
LATERAL pg_temp.supabackup_found(
  'SELECT concat(count(*), '' rows, digest '', coalesce(sum(hashtextextended((' || row_text || ')::text, 0)), 0)) FROM ' || source, path
) AS found
ORDER BY ok, name;
{END}
"
    ));
    sql
}

/// The search path that the rows were printed under: names of tables inside values (`regclass`)
/// depend on it.
fn path(table: &TableEntry) -> String {
    format!("{}, public, extensions", quote_identifier(&table.name.schema))
}

/// The row as an expression, and where it comes from.
fn source(table: &TableEntry) -> (String, String) {
    let mut alias = "supabackup_row".to_owned();
    // A column of this name would be found before the row is.
    while table.columns.iter().any(|c| c.name == alias) {
        alias.push('_');
    }
    let row = match table.read_as {
        ReadAs::RecordOut | ReadAs::Concat => alias.clone(),
        ReadAs::Columns => {
            let columns = table.columns.iter().map(|c| format!("{alias}.{}", quote_identifier(&c.name)));
            format!("ROW({})", columns.collect::<Vec<_>>().join(", "))
        }
    };
    let mut from = format!("{} AS {alias}", table.name.quoted());
    if !table.children.is_empty() {
        let oid = |child: &TableName| format!("to_regclass({})", literal(&child.quoted()));
        let children: Vec<String> = table.children.iter().map(oid).collect();
        from.push_str(&format!(
            " WHERE coalesce({alias}.tableoid <> ALL (array_remove(ARRAY[{}], NULL)::oid[]), true)",
            children.join(", ")
        ));
    }
    (row, from)
}

/// `timestamptz` is printed with the session's offset: the check prints it as the snapshot did.
fn time_zone(offset: Option<&str>) -> String {
    let Some(offset) = offset.filter(|o| *o != "+00") else { return "SET timezone = 'UTC';".to_owned() };
    let digits = |text: &str| text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
    let valid =
        offset.len() > 1 && offset.starts_with(['+', '-']) && offset[1..].split(':').all(digits) && offset.len() <= 9;
    match (valid, offset.len()) {
        (true, 3) => format!("SET TIME ZONE INTERVAL '{offset}:00' HOUR TO MINUTE;"),
        (true, 6) => format!("SET TIME ZONE INTERVAL '{offset}' HOUR TO MINUTE;"),
        _ => "SET timezone = 'UTC'; -- the project printed timestamptz in another zone: name it here".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_runs_in_the_snapshots_time_zone() {
        assert_eq!(time_zone(None), "SET timezone = 'UTC';");
        assert_eq!(time_zone(Some("+00")), "SET timezone = 'UTC';");
        assert_eq!(time_zone(Some("-03")), "SET TIME ZONE INTERVAL '-03:00' HOUR TO MINUTE;");
        assert_eq!(time_zone(Some("+05:30")), "SET TIME ZONE INTERVAL '+05:30' HOUR TO MINUTE;");
        for bad in ["+05:30'; DROP TABLE x; --", "+", "x", "é5:30", "+é"] {
            assert!(time_zone(Some(bad)).starts_with("SET timezone = 'UTC';"), "{bad}");
        }
    }
}
