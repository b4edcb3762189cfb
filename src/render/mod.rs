//! Reports as text: for a terminal, for programs, for job summaries, for a browser, and for whoever
//! has to restore without this program. Takes values, returns strings; what writes is [`print()`], which is from `stdio`.
//!
//! Nothing here trusts a name: tables, columns and server messages come from the project, and none
//! of them may forge a line, a cell, a tag or a statement.

mod actions;
mod chart;
mod columns;
mod copy;
mod dashboard;
mod doctor;
mod drill;
mod facts;
mod html;
mod human;
mod issue;
mod json;
mod list;
mod markdown;
mod numbers;
mod proof;
mod prune;
mod recompress;
mod recovery;
mod restore;
mod run;
mod sealed;
mod step;
mod text;
mod watch;

pub use actions::{SUMMARY_LIMIT, annotations, failure_md, fitted, outputs, plan_md};
pub use columns::{flat, paragraph};
pub use copy::{copy_human, replica_html, replica_human, replica_line, replica_md};
pub use dashboard::dashboard_html;
pub use doctor::{checkup_json, checkup_line, checkup_verdict};
pub use drill::drill_human;
pub use html::backup_report_html;
pub use human::{Palette, snapshot_human, verified_human, verified_summary};
pub use issue::{IssueContext, is_same_issue_text, issue_body, issue_comment, issue_title};
pub use json::{
    copy_json, drill_json, list_json, prune_json, prune_stores_json, recompress_json, replica_json, restore_plan_json,
    restore_report_json, run_json, snapshot_json, verified_json, watch_json,
};
pub use list::list_human;
pub use markdown::backup_report_md;
pub use numbers::{age, bytes, count, duration, plural, ratio, time};
pub use proof::proof;
pub use prune::{prune_human, prune_stores_human};
pub use recompress::{recompress_human, recompress_line, recompress_md, seconds};
pub use recovery::recovery_md;
pub use restore::{
    last_word, mode_line, not_offered, restore_plan_human, restore_report_html, restore_report_human,
    restore_report_md, restore_summary_md, snapshot_choices, table_choices,
};
pub use run::{run_html, run_human, run_md};
pub use sealed::how_to_open_md;
pub use step::{checkup_md, copy_md, prune_md, recompressed_md, verified_md, watch_md};
pub use watch::{WATCH_WIDTH, watch_human, watch_verdict};

pub use crate::stdio::print;
