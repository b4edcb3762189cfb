//! What people read of a snapshot, as every command that writes one writes it.

use crate::render;
use crate::snapshot::Books;

/// RECOVERY.md and the reports.
pub(crate) const BOOKS: Books = Books {
    recovery: render::recovery_md,
    cover: render::how_to_open_md,
    report_md: render::backup_report_md,
    report_html: render::backup_report_html,
};
