//! The two files of the helper: one that installs it, one that takes it away. The statements inside
//! its functions are those that the other transports send.

use crate::model::TOOL;
use crate::supabase::sql::catalog;
use crate::supabase::sql::prelude::function_settings;
use crate::supabase::sql::question::{
    DELETE, DIGEST, LOAD, USER_TABLE, WRITE_ACCESS, orphans, sequences, set_sequences, settings, tables, tops,
};
use crate::supabase::sql::write::block;

/// Version of the functions: their names, arguments and answers. Another one is refused.
pub(super) const HELPER_VERSION: u32 = 2;

const INSTALL: &str = include_str!("helper/install.sql");
const UNINSTALL: &str = include_str!("helper/uninstall.sql");

/// The quote of the functions' bodies. No statement holds it.
const QUOTE: &str = "$supabackup$";

/// Asks whether the table is the user's.
const OWN_TABLE: &str = "  PERFORM supabackup.user_table(table_schema, table_name);\n";

/// What `supabackup helper-sql` prints; `read_only` leaves out what a restore needs. It may be run any
/// number of times.
pub fn install_sql(read_only: bool) -> String {
    let body = |statement: String| format!("AS {QUOTE}\n{statement}\n{QUOTE};");
    let function = |query: &str| body(block(query, OWN_TABLE, "RETURN answer;"));
    let catalog = format!("SELECT q.catalog FROM (\n{}\n) AS q(catalog)", catalog::statement());
    [
        ("{tool}", TOOL.to_owned()),
        ("{version}", HELPER_VERSION.to_string()),
        ("{settings}", function_settings().trim_end().to_owned()),
        ("{catalog}", body(catalog)),
        ("{tables}", body(tables())),
        ("{text_settings}", body(settings())),
        ("{sequences}", body(sequences("schemas"))),
        ("{set_sequences}", body(set_sequences("positions"))),
        ("{write_access}", function(WRITE_ACCESS)),
        ("{load}", function(LOAD)),
        ("{delete}", function(DELETE)),
        ("{digest}", function(DIGEST)),
        ("{orphans}", body(orphans("tables"))),
        ("{tops}", body(tops("columns"))),
        ("{user_table}", USER_TABLE.trim_end().replace('\n', "\n    ")),
    ]
    .iter()
    .fold(chosen(INSTALL, if read_only { "reading" } else { "writing" }), |text, (mark, value)| {
        text.replace(mark, value)
    })
}

/// The lines of a text that are for everybody, and those between `--[which]` and `--[end]`.
fn chosen(text: &str, which: &str) -> String {
    let mut inside = None;
    let mut out = String::new();
    for line in text.lines() {
        if let Some(mark) = line.strip_prefix("--[").and_then(|rest| rest.strip_suffix(']')) {
            inside = (mark != "end").then_some(mark);
        } else if inside.is_none_or(|mark| mark == which) {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

/// What `supabackup helper-sql --uninstall` prints.
pub fn uninstall_sql() -> String {
    UNINSTALL.replace("{tool}", TOOL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mark_is_filled_in_and_no_statement_ends_a_body_early() {
        for text in [install_sql(false), install_sql(true)] {
            for mark in INSTALL.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(mark, _)| mark) {
                assert!(!text.contains(&format!("{{{mark}}}")), "{mark}");
            }
            for mark in
                ["{schemas}", "{positions}", "{own_table}", "{answer}", "{print_settings}", "{rehearsed}", "--["]
            {
                assert!(!text.contains(mark), "{mark}");
            }
            // every body opens and closes
            let functions = text.matches("CREATE OR REPLACE FUNCTION ").count();
            let blocks = text.matches("DO $").count();
            assert_eq!(text.matches(QUOTE).count(), 2 * (functions + blocks), "{text}");
            assert_eq!(text.matches("LE SECURITY DEFINER\n").count(), functions);
            assert_eq!(text.matches("  SET search_path = ''\n").count(), functions);
        }
        assert!(!uninstall_sql().contains('{'));
    }

    #[test]
    fn the_helper_that_only_reads_has_nothing_that_writes() {
        let text = install_sql(true);
        for word in ["INSERT INTO", "DELETE FROM", "setval", "session_replication_role", "supabackup.load"] {
            assert!(install_sql(false).contains(word) && !text.contains(word), "{word}");
        }
        assert!(text.contains("All of them only read.") && !install_sql(false).contains("All of them only read."));
    }

    #[test]
    fn every_function_is_taken_from_everybody_and_given_to_one_role() {
        let text = install_sql(false);
        assert!(text.contains(
            "REVOKE ALL ON ALL FUNCTIONS IN SCHEMA supabackup FROM PUBLIC, anon, authenticated, service_role;"
        ));
        for line in text.lines().filter(|line| line.trim_start().starts_with("GRANT ")) {
            assert!(line.ends_with("TO service_role;"), "{line}");
        }
    }
}
