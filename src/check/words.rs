//! Numbers inside sentences.

use chrono::TimeDelta;

/// `1,234,567`
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 row`, `2 rows`
pub(super) fn rows(number: u64) -> String {
    format!("{} row{}", count(number), if number == 1 { "" } else { "s" })
}

/// `500 MB`: powers of 1,000, as plans and settings count.
pub(super) fn bytes(size: u64) -> String {
    let value = size as f64;
    match size {
        0..1_000 => format!("{size} B"),
        1_000..1_000_000 => format!("{:.1} kB", value / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", value / 1e6),
        _ => format!("{:.1} GB", value / 1e9),
    }
}

/// `36 h`, `5 days`
pub(super) fn span(time: TimeDelta) -> String {
    match time.num_hours() {
        0 => format!("{} min", time.num_minutes().max(0)),
        hours @ 1..=72 => format!("{hours} h"),
        hours => format!("{} days", hours / 24),
    }
}
