//! The two files of the helper: one that installs it, one that takes it away. The statements inside
//! its functions are those that the other transports send.

use crate::supabase::sql::catalog;
use crate::supabase::sql::prelude::function_settings;
use crate::supabase::sql::question::{USER_TABLE, sequences, set_sequences, settings, tables};

/// Version of the functions: their names, arguments and answers. Another one is refused.
pub(super) const HELPER_VERSION: u32 = 1;

const INSTALL: &str = include_str!("helper/install.sql");
const UNINSTALL: &str = include_str!("helper/uninstall.sql");

/// The quote of the functions' bodies. No statement holds it.
const QUOTE: &str = "$supabackup$";

/// What `supabackup helper-sql` prints. It may be run any number of times.
pub fn install_sql() -> String {
    let body = |statement: String| format!("AS {QUOTE}\n{statement}\n{QUOTE};");
    let catalog = format!("SELECT q.catalog FROM (\n{}\n) AS q(catalog)", catalog::statement());
    [
        ("{tool}", concat!("supabackup ", env!("CARGO_PKG_VERSION")).to_owned()),
        ("{version}", HELPER_VERSION.to_string()),
        ("{settings}", function_settings().trim_end().to_owned()),
        ("{catalog}", body(catalog)),
        ("{tables}", body(tables())),
        ("{text_settings}", body(settings())),
        ("{sequences}", body(sequences("schemas"))),
        ("{set_sequences}", body(set_sequences("positions"))),
        ("{user_table}", USER_TABLE.trim_end().replace('\n', "\n    ")),
    ]
    .iter()
    .fold(INSTALL.to_owned(), |text, (mark, value)| text.replace(mark, value))
}

/// What `supabackup helper-sql --uninstall` prints.
pub fn uninstall_sql() -> String {
    UNINSTALL.replace("{tool}", concat!("supabackup ", env!("CARGO_PKG_VERSION")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mark_is_filled_in_and_no_statement_ends_a_body_early() {
        let text = install_sql();
        for mark in ["{tool}", "{version}", "{settings}", "{catalog}", "{tables}", "{text_settings}", "{sequences}"] {
            assert!(INSTALL.contains(mark) && !text.contains(mark), "{mark}");
        }
        assert!(!text.contains("{set_sequences}") && !text.contains("{user_table}") && !text.contains("{schemas}"));
        // every body opens and closes
        let functions = text.matches("CREATE OR REPLACE FUNCTION ").count();
        let blocks = text.matches("DO $").count();
        assert_eq!(text.matches(QUOTE).count(), 2 * (functions + blocks), "{text}");
        assert_eq!(text.matches("LE SECURITY DEFINER\n").count(), functions);
        assert_eq!(text.matches("  SET search_path = ''\n").count(), functions);
        assert!(!uninstall_sql().contains('{'));
    }

    #[test]
    fn every_function_is_taken_from_everybody_and_given_to_one_role() {
        let text = install_sql();
        assert!(text.contains(
            "REVOKE ALL ON ALL FUNCTIONS IN SCHEMA supabackup FROM PUBLIC, anon, authenticated, service_role;"
        ));
        for line in text.lines().filter(|line| line.trim_start().starts_with("GRANT ")) {
            assert!(line.ends_with("TO service_role;"), "{line}");
        }
    }
}
