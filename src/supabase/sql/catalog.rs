//! The statement that describes the whole database.

/// One SELECT that gives one row with one text column, `catalog`: a JSON document.
pub(crate) fn statement() -> String {
    "SELECT '{}'::text AS catalog".to_owned()
}
