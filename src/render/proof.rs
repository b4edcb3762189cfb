//! SQL that proves a restore: one statement block that counts and hashes every restored table and
//! puts the result beside what the snapshot holds. Needs nothing installed (PostgreSQL 11 or newer).

use crate::model::{Manifest, ReadAs, TableEntry, TableName, TextSettings, quote_identifier};
use crate::render::text::literal;

/// First and last line of the block: `sed` cuts it out of RECOVERY.md between them.
pub(super) const BEGIN: &str = "-- supabackup check: begin";
/// See [`BEGIN`].
pub(super) const END: &str = "-- supabackup check: end";

/// The whole block.
pub fn proof(manifest: &Manifest) -> String {
    let zone = time_zone(&manifest.settings);
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
"
    );
    // rows read through SQL were printed in UTC, whatever the Data API's zone is
    let is_apart = |table: &&TableEntry| table.read_through.is_some() && zone != UTC;
    let (apart, together): (Vec<&TableEntry>, Vec<&TableEntry>) = manifest.tables.iter().partition(is_apart);
    if apart.is_empty() || !together.is_empty() {
        sql.push_str(&check(&together));
    }
    if !apart.is_empty() {
        sql.push_str(&format!("{UTC}\n{}", check(&apart)));
    }
    sql.push_str(&format!("{END}\n"));
    sql
}

/// The statement that checks these tables.
fn check(tables: &[&TableEntry]) -> String {
    let mut sql = String::from(
        "SELECT name AS \"table\", expected, found, coalesce(found = expected, false) AS ok\nFROM (VALUES\n",
    );
    for (i, table) in tables.iter().enumerate() {
        let comma = if i == 0 { "  " } else { ", " };
        let (row, from) = source(table);
        let expected = format!("{} rows, digest {}", table.rows, table.digest);
        let fields = [table.name.to_string(), expected, row, from, path(table)].map(|text| literal(&text)).join(", ");
        sql.push_str(&format!("{comma}({fields})\n"));
    }
    if tables.is_empty() {
        sql.push_str("  (NULL::text, NULL::text, NULL::text, NULL::text, NULL::text)\n");
    }
    sql.push_str(
        ") AS checks (name, expected, row_text, source, path),
LATERAL pg_temp.supabackup_found(
  'SELECT concat(count(*), '' rows, digest '', coalesce(sum(hashtextextended((' || row_text || ')::text, 0)), 0)) FROM ' || source, path
) AS found
ORDER BY ok, name;
",
    );
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

const UTC: &str = "SET timezone = 'UTC';";

/// `timestamptz` is printed with the session's offset: the check prints it as the snapshot did.
fn time_zone(settings: &TextSettings) -> String {
    if let Some(api) = &settings.api {
        // by its name, a zone knows its summers
        return if api.time_zone == "UTC" {
            UTC.to_owned()
        } else {
            format!("SET timezone = {};", literal(&api.time_zone))
        };
    }
    let offset = settings.time_zone_offset.as_deref();
    let Some(offset) = offset.filter(|o| *o != "+00") else { return UTC.to_owned() };
    let digits = |text: &str| text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
    let valid =
        offset.len() > 1 && offset.starts_with(['+', '-']) && offset[1..].split(':').all(digits) && offset.len() <= 9;
    match (valid, offset.len()) {
        (true, 3) => format!("SET TIME ZONE INTERVAL '{offset}:00' HOUR TO MINUTE;"),
        (true, 6) => format!("SET TIME ZONE INTERVAL '{offset}' HOUR TO MINUTE;"),
        _ => format!("{UTC} -- the project printed timestamptz in another zone: name it here"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::PrintSettings;

    #[test]
    fn the_check_runs_in_the_snapshots_time_zone() {
        let zone = |offset: Option<&str>| {
            time_zone(&TextSettings { time_zone_offset: offset.map(str::to_owned), ..TextSettings::default() })
        };
        assert_eq!(zone(None), "SET timezone = 'UTC';");
        assert_eq!(zone(Some("+00")), "SET timezone = 'UTC';");
        assert_eq!(zone(Some("-03")), "SET TIME ZONE INTERVAL '-03:00' HOUR TO MINUTE;");
        assert_eq!(zone(Some("+05:30")), "SET TIME ZONE INTERVAL '+05:30' HOUR TO MINUTE;");
        for bad in ["+05:30'; DROP TABLE x; --", "+", "x", "é5:30", "+é"] {
            assert!(zone(Some(bad)).starts_with("SET timezone = 'UTC';"), "{bad}");
        }
        let named = |zone: &str| {
            let api = PrintSettings {
                date_style: "ISO, MDY".into(),
                interval_style: "postgres".into(),
                time_zone: zone.into(),
                bytea_output: "hex".into(),
                extra_float_digits: "1".into(),
                lc_monetary: "C".into(),
            };
            time_zone(&TextSettings { api: Some(api), ..TextSettings::default() })
        };
        assert_eq!(named("Europe/Berlin"), "SET timezone = 'Europe/Berlin';");
        assert_eq!(named("UTC"), UTC);
        assert_eq!(named("x'; DROP TABLE x; --"), "SET timezone = 'x''; DROP TABLE x; --';");
    }
}
