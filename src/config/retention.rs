//! The rules of retention: a profile, and what is set beside it.

use chrono::TimeDelta;

use crate::config::reader::Reader;
use crate::model::{Profile, Recompress, Retention};

impl Reader {
    /// What is compressed again.
    pub(super) fn recompress(&mut self) -> Recompress {
        let span = |given| TimeDelta::from_std(given).unwrap_or(TimeDelta::MAX);
        Recompress {
            after: span(self.duration("recompress_after")),
            level: self.number("recompress_level"),
            budget: span(self.duration("recompress_budget")),
        }
    }

    /// The profile's rules, each replaced by what was given for it.
    pub(super) fn retention(&mut self) -> Retention {
        let word = self.word("retention");
        let mut rules = word.parse().map_or_else(|_| Retention::default(), Profile::retention);
        for (name, span) in [
            ("keep_within", &mut rules.keep_within),
            ("keep_incomplete", &mut rules.keep_incomplete),
            ("keep_safety", &mut rules.keep_safety),
            ("freeze_after", &mut rules.freeze_after),
        ] {
            let given = self.given_duration(name).and_then(|given| TimeDelta::from_std(given).ok());
            *span = given.unwrap_or(*span);
        }
        for (name, count) in [
            ("keep_at_most", &mut rules.keep_at_most),
            ("keep_hourly", &mut rules.hourly),
            ("keep_daily", &mut rules.daily),
            ("keep_weekly", &mut rules.weekly),
            ("keep_monthly", &mut rules.monthly),
            ("keep_yearly", &mut rules.yearly),
            ("keep_floor", &mut rules.floor),
        ] {
            *count = self.given_number(name).unwrap_or(*count);
        }
        for (name, percent) in [("freeze_rows", &mut rules.freeze_rows), ("freeze_tables", &mut rules.freeze_tables)] {
            *percent = self.given_number(name).unwrap_or(*percent);
        }
        rules
    }
}
