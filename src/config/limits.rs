//! What the watch allows: for all, and for single tables.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use crate::config::Workflow;
use crate::config::reader::Reader;
use crate::config::sources::{Layer, Origin};
use crate::model::{Limits, Retention, TableLimits};

impl Reader {
    /// `tables`: what single tables have for themselves.
    pub(super) fn limits(&mut self, tables: BTreeMap<String, Layer>, retention: &Retention) -> Limits {
        let mut limits = Limits { keep_within: retention.keep_within, ..Limits::default() };
        for (name, span) in [
            ("history", &mut limits.history),
            ("max_age", &mut limits.max_age),
            ("schedule_grace", &mut limits.schedule_grace),
            ("max_unverified", &mut limits.max_unverified),
            ("archive_notice", &mut limits.archive_notice),
            ("max_lag", &mut limits.max_lag),
            ("key_notice", &mut limits.key_notice),
            ("max_idle", &mut limits.max_idle),
            ("max_unrestored", &mut limits.max_unrestored),
            ("forecast_notice", &mut limits.forecast_notice),
        ] {
            let given = self.given_duration(name).and_then(|given| TimeDelta::from_std(given).ok());
            *span = given.unwrap_or(*span);
        }
        for (name, number) in [
            ("max_total_rows", &mut limits.max_total_rows),
            ("max_snapshot_size", &mut limits.max_snapshot_size),
            ("max_database_size", &mut limits.max_database_size),
            ("quota_notice", &mut limits.quota_notice),
            ("min_free", &mut limits.min_free),
            ("unusual_score", &mut limits.unusual_score),
        ] {
            *number = self.given_number(name).unwrap_or(*number);
        }
        let size = self.given("max_database_size");
        limits.is_database_size_given = size.is_some_and(|given| !matches!(given.origin, Origin::Default(_)));
        limits.tables = self.table_limits();
        for (table, own) in tables {
            self.own = own;
            let own = self.table_limits();
            limits.own.insert(table, own);
        }
        self.own = Layer::new();
        limits
    }

    /// Those that hold for all, or for the table whose own ones are looked at.
    fn table_limits(&mut self) -> TableLimits {
        let mut limits = TableLimits::default();
        for (name, number) in [
            ("max_rows", &mut limits.max_rows),
            ("daily_growth", &mut limits.daily_growth),
            ("weekly_growth", &mut limits.weekly_growth),
            ("max_shrink", &mut limits.max_shrink),
            ("min_change", &mut limits.min_change),
            ("min_emptied", &mut limits.min_emptied),
        ] {
            *number = self.given_number(name).unwrap_or(*number);
        }
        limits
    }

    /// The scheduled workflow that calls this program, if one does.
    pub(super) fn workflow(&mut self) -> Option<Workflow> {
        let repository = self.word("github_repository");
        let name = Some(self.word("github_workflow")).filter(|name| !name.is_empty());
        let is_scheduled = self.word("github_event") == "schedule" && !repository.is_empty();
        // OWNER/NAME/.github/workflows/FILE@refs/heads/main
        let reference = self.word("github_workflow_ref");
        let path = reference.split('@').next().unwrap_or_default();
        let file = path.rsplit_once('/').map(|(_, file)| file.to_owned()).filter(|file| !file.is_empty());
        is_scheduled.then_some(Workflow { repository, name, file })
    }
}
