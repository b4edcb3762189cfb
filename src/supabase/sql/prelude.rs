//! What stands in front of every statement, in the same request and for that request alone.

/// Seconds that a statement may take: less than the services wait (the Management API about 50,
/// postgres-meta 55), so that it is the database that says so.
const STATEMENT_SECONDS: u32 = 40;

/// Settings that decide how values are printed, pinned to what reads back the same everywhere.
const TEXT_SETTINGS: [(&str, &str); 6] = [
    ("datestyle", "ISO, MDY"),
    ("intervalstyle", "postgres"),
    ("timezone", "UTC"),
    ("extra_float_digits", "1"),
    ("bytea_output", "hex"),
    ("xmloption", "content"),
];

/// The value that a setting is pinned to.
pub(crate) fn pinned(name: &str) -> Option<&'static str> {
    TEXT_SETTINGS.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

/// Everything that is pinned for a whole function: as `SET name = 'value'` lines.
pub(crate) fn function_settings() -> String {
    let all = settings().into_iter().filter(|(name, _)| *name != "transaction_read_only");
    all.map(|(name, value)| format!("  SET {name} = '{value}'\n")).collect()
}

/// The statements before a question's own. `SET LOCAL` ends with the request's transaction, so a
/// pooled connection goes back as it came. `schema` is where names in values are looked up: a
/// `regclass` is printed as the Data API prints it, which looks into the table's own schema first.
pub(crate) fn prelude(writes: bool, schema: Option<&str>) -> String {
    let mut out = String::new();
    for (name, value) in settings() {
        if !(writes && name == "transaction_read_only") {
            out.push_str(&format!("SET LOCAL {name} = '{value}';\n"));
        }
    }
    if let Some(schema) = schema {
        let schema = crate::model::quote_identifier(schema);
        out.push_str(&format!("SET LOCAL search_path = {schema}, public, extensions;\n"));
    }
    out
}

/// What stands before a script, which brings its own settings: it may take as long as the service waits.
pub(crate) fn script_prelude() -> String {
    "SET LOCAL statement_timeout = 0;\nSET LOCAL lock_timeout = '10s';\n".to_owned()
}

fn settings() -> Vec<(&'static str, String)> {
    let mut all = vec![
        // whatever is not qualified is the system's own
        ("search_path", String::new()),
        ("statement_timeout", format!("{STATEMENT_SECONDS}s")),
        ("lock_timeout", "10s".to_owned()),
        // a role that row level security holds for gets an error, not fewer rows
        ("row_security", "off".to_owned()),
        // what only reads cannot write, whatever the role may do
        ("transaction_read_only", "on".to_owned()),
        ("standard_conforming_strings", "on".to_owned()),
    ];
    all.extend(TEXT_SETTINGS.map(|(name, value)| (name, value.to_owned())));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_that_reads_cannot_write_and_names_are_the_systems() {
        let reads = prelude(false, None);
        assert!(reads.starts_with("SET LOCAL search_path = '';\nSET LOCAL statement_timeout = '40s';\n"));
        assert!(reads.contains("SET LOCAL transaction_read_only = 'on';\n"));
        assert!(!prelude(true, None).contains("read_only"));
        let page = prelude(false, Some("my \"schema\""));
        assert!(page.ends_with("SET LOCAL search_path = \"my \"\"schema\"\"\", public, extensions;\n"), "{page}");
        assert!(!function_settings().contains("read_only"));
    }
}
