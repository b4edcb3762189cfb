//! The same value may be printed in other words on both sides: what settings decide that, and for
//! which columns.

use super::mapping::{CommonColumn, Mapping};
use crate::model::{Column, Finding, PrintSettings, TableEntry, TableName, TextSettings};

/// The settings that a table's stored rows were printed under, where they are known.
fn printed_under<'a>(entry: &TableEntry, settings: &'a TextSettings) -> Option<&'a PrintSettings> {
    if entry.read_through.is_some() { settings.sql.as_ref() } else { settings.api.as_ref() }
}

/// Makes the comparison independent of settings that differ, where that is exact, and names the columns
/// where it is not. `project`: what its rows are printed under, where that is known.
pub(super) fn settle(
    mapping: &mut Mapping,
    entry: &TableEntry,
    settings: &TextSettings,
    target: &TableName,
    project: Option<&PrintSettings>,
) -> Vec<Finding> {
    let Some((stored, project)) = printed_under(entry, settings).zip(project) else { return Vec::new() };
    let is_iso = |print: &PrintSettings| print.date_style.trim_start().to_ascii_uppercase().starts_with("ISO");
    let both_iso = is_iso(stored) && is_iso(project);
    if both_iso && stored.time_zone != project.time_zone {
        for place in 0..mapping.columns().len() {
            if mapping.columns()[place].type_name == "timestamp with time zone" {
                mapping.compare_by_instant(place);
            }
        }
    }
    let floats = [stored, project].map(PrintSettings::floats_are_exact);
    // within ISO the order of day and month is only read, never printed
    let dates_differ = !both_iso && stored.date_style != project.date_style;
    let named = |prefix: &'static str| move |type_name: &str| type_name.starts_with(prefix);
    let (is_bytea, is_money) = (named("bytea"), named("money"));
    let is_interval = |type_name: &str| type_name.contains("interval");
    let differences: [(&str, bool, Concerns<'_>, [&str; 2]); 6] = [
        ("DateStyle", dates_differ, &is_date, both(stored, project, |p| &p.date_style)),
        ("TimeZone", stored.time_zone != project.time_zone, &is_zoned, both(stored, project, |p| &p.time_zone)),
        (
            "IntervalStyle",
            stored.interval_style != project.interval_style,
            &is_interval,
            both(stored, project, |p| &p.interval_style),
        ),
        (
            "bytea_output",
            stored.bytea_output != project.bytea_output,
            &is_bytea,
            both(stored, project, |p| &p.bytea_output),
        ),
        ("extra_float_digits", floats[0] != floats[1], &is_float, both(stored, project, |p| &p.extra_float_digits)),
        (
            "lc_monetary",
            stored.lc_monetary != project.lc_monetary,
            &is_money,
            both(stored, project, |p| &p.lc_monetary),
        ),
    ];
    let keys: Vec<&str> = mapping.key().collect();
    let mut findings = Vec::new();
    for (setting, differs, concerns, [there, here]) in differences {
        let columns: Vec<&str> = mapping
            .columns()
            .iter()
            .filter(|column| differs && !column.by_instant && concerns(&column.type_name))
            .map(|column| column.name.as_str())
            .collect();
        if columns.is_empty() {
            continue;
        }
        let message = format!(
            "{setting} is {here:?}, and was {there:?} when the snapshot was taken: equal values of {} may count as changed",
            columns.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ")
        );
        // rows that are not recognised would be deleted and added again
        let finding = match columns.iter().any(|name| keys.contains(name)) {
            true => Finding::error("text-forms-differ", target.to_string(), message),
            false => Finding::warning("text-forms-differ", target.to_string(), message),
        };
        findings.push(finding.hint(format!("set {setting} of the project's database to {there:?} for the restore")));
    }
    findings
}

/// Whether a setting decides how values of a type are printed.
type Concerns<'a> = &'a dyn Fn(&str) -> bool;

fn both<'a>(
    stored: &'a PrintSettings,
    project: &'a PrintSettings,
    value: impl Fn(&'a PrintSettings) -> &'a String,
) -> [&'a str; 2] {
    [value(stored), value(project)]
}

fn is_date(type_name: &str) -> bool {
    type_name.starts_with("date")
        || type_name.starts_with("timestamp")
        || (type_name.starts_with("ts") && type_name.contains("range"))
}

fn is_zoned(type_name: &str) -> bool {
    type_name.starts_with("timestamp with time zone") || type_name.starts_with("tstz")
}

fn is_float(type_name: &str) -> bool {
    let element = type_name.trim_end_matches("[]");
    matches!(element, "real" | "double precision")
}

/// Columns of both sides whose types have other names: their texts may differ, and may not fit.
pub(super) fn other_types(mapping: &Mapping, project: &[Column], target: &TableName) -> Vec<Finding> {
    let differs = |column: &&CommonColumn| project[column.in_project].type_name != column.type_name;
    let finding = |column: &CommonColumn| {
        let now = &project[column.in_project].type_name;
        let message = format!("column {:?} was {} and is {now} now", column.name, column.type_name);
        Finding::warning("type-differs", target.to_string(), message)
    };
    mapping.columns().iter().filter(differs).map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ReadAs, Severity, Stability};

    fn print(change: impl FnOnce(&mut PrintSettings)) -> PrintSettings {
        let mut print = PrintSettings {
            date_style: "ISO, MDY".to_owned(),
            interval_style: "postgres".to_owned(),
            time_zone: "UTC".to_owned(),
            bytea_output: "hex".to_owned(),
            extra_float_digits: "1".to_owned(),
            lc_monetary: "C".to_owned(),
        };
        change(&mut print);
        print
    }

    fn settled(change: impl FnOnce(&mut PrintSettings)) -> (Mapping, Vec<Finding>) {
        let types =
            ["uuid", "timestamp with time zone", "tstzrange", "bytea", "double precision[]", "interval", "date"];
        let columns: Vec<Column> = types.iter().map(|name| Column::plain(name, name)).collect();
        let now = chrono::DateTime::UNIX_EPOCH;
        let entry = TableEntry {
            name: TableName::new("s", "t"),
            columns: columns.clone(),
            primary_key: Vec::new(),
            read_as: ReadAs::RecordOut,
            paging: "ctid".to_owned(),
            read_through: None,
            counted_before: None,
            rows: 0,
            counted_after: None,
            digest: "0".to_owned(),
            stability: Stability::Stable { from: now, to: now, passes: 1 },
            children: Vec::new(),
            parts: Vec::new(),
        };
        let mut mapping = Mapping::between(&columns, &columns, &["date".to_owned()], &[]);
        let settings = TextSettings { api: Some(print(|_| {})), ..TextSettings::default() };
        let findings = settle(&mut mapping, &entry, &settings, &entry.name, Some(&print(change)));
        (mapping, findings)
    }

    #[test]
    fn equal_settings_say_nothing() {
        let (mapping, findings) = settled(|_| {});
        assert!(mapping.is_whole() && findings.is_empty());
        assert!(settled(|print| print.date_style = "ISO, DMY".to_owned()).1.is_empty());
        assert!(settled(|print| print.extra_float_digits = "3".to_owned()).1.is_empty());
    }

    #[test]
    fn another_time_zone_is_seen_through_where_that_is_exact() {
        let (mapping, findings) = settled(|print| print.time_zone = "Asia/Kathmandu".to_owned());
        assert!(!mapping.is_whole() && mapping.columns()[1].by_instant);
        assert_eq!(findings.len(), 1);
        assert!(findings[0].message.contains("\"tstzrange\"") && !findings[0].message.contains("zone\""));
    }

    #[test]
    fn other_words_for_values_are_named_and_for_keys_an_error() {
        for (change, column) in [
            (
                Box::new(|p: &mut PrintSettings| p.bytea_output = "escape".to_owned()) as Box<dyn FnOnce(&mut _)>,
                "bytea",
            ),
            (Box::new(|p: &mut PrintSettings| p.extra_float_digits = "0".to_owned()), "double precision[]"),
            (Box::new(|p: &mut PrintSettings| p.interval_style = "iso_8601".to_owned()), "interval"),
        ] {
            let (_, findings) = settled(change);
            assert_eq!((findings.len(), findings[0].severity), (1, Severity::Warning));
            assert!(findings[0].message.contains(&format!("{column:?}")), "{findings:?}");
        }
        let (_, findings) = settled(|print| print.date_style = "German, DMY".to_owned());
        assert_eq!((findings.len(), findings[0].severity), (1, Severity::Error));
    }
}
