//! A chart that GitHub draws: a line over days, as Mermaid. It holds numbers and words of ours, and no name.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use crate::render::text::block;

/// Days that are shown.
const DAYS: i64 = 30;

/// One value for each of the last days, as a block for Markdown; nothing where there are fewer than two days. A day
/// without a value keeps that of the day before. `points` in any order; the last of a day counts.
pub(super) fn chart_md(title: &str, unit: &str, points: &[(DateTime<Utc>, u64)]) -> String {
    let mut points = points.to_vec();
    points.sort_by_key(|(at, _)| *at);
    let (Some(last), Some(first)) = (points.last().map(|(at, _)| at.date_naive()), points.first()) else {
        return String::new();
    };
    let begin = first.0.date_naive().max(last - TimeDelta::days(DAYS - 1));
    let values = daily(&points, begin, last);
    if values.len() < 2 {
        return String::new();
    }
    let most = values.iter().copied().max().unwrap_or(0).max(1);
    let shown: Vec<String> = values.iter().map(u64::to_string).collect();
    let days = values.len() - 1;
    let text = format!(
        "xychart-beta\n    title \"{title}\"\n    x-axis \"days before {last}\" -{days} --> 0\n    \
         y-axis \"{unit}\" 0 --> {}\n    line [{}]\n",
        most + most / 10 + 1,
        shown.join(", ")
    );
    block("mermaid", &text)
}

fn daily(points: &[(DateTime<Utc>, u64)], begin: NaiveDate, last: NaiveDate) -> Vec<u64> {
    let mut values = Vec::new();
    let mut points = points.iter().peekable();
    let mut value = 0;
    for day in begin.iter_days().take_while(|day| *day <= last) {
        while let Some((_, number)) = points.next_if(|(at, _)| at.date_naive() <= day) {
            value = *number;
        }
        values.push(value);
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(number: i64) -> DateTime<Utc> {
        DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_000 + number)
    }

    #[test]
    fn a_day_has_its_last_value_or_that_of_the_day_before() {
        let points = [(day(0), 5), (day(3) + TimeDelta::hours(6), 9), (day(3), 7), (day(1), 6)];
        assert_eq!(
            chart_md("Rows", "rows", &points),
            "```mermaid\nxychart-beta\n    title \"Rows\"\n    x-axis \"days before 2024-10-07\" -3 --> 0\n    \
             y-axis \"rows\" 0 --> 10\n    line [5, 6, 6, 9]\n```\n"
        );
        assert_eq!(chart_md("Rows", "rows", &points[..1]), "");
        assert_eq!(chart_md("Rows", "rows", &[]), "");
        let many: Vec<_> = (0..400).map(|n| (day(n), 0)).collect();
        let chart = chart_md("Rows", "rows", &many);
        assert!(chart.contains("-29 --> 0") && chart.contains("0 --> 2\n"), "{chart}");
        assert_eq!(chart.matches(", ").count(), 29);
    }
}
