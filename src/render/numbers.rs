//! Numbers as people read them, the same everywhere.

use chrono::{DateTime, TimeDelta, Utc};

/// `1,234,567`
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 row`, `2 rows`; the word is given in its singular.
pub fn plural(number: u64, word: &str) -> String {
    format!("{} {word}{}", count(number), if number == 1 { "" } else { "s" })
}

/// `12.3 MiB`: three digits at most, in powers of 1,024.
pub fn bytes(size: u64) -> String {
    if size < 1000 {
        return format!("{size} B");
    }
    let mut value = size as f64 / 1024.0;
    for unit in ["KiB", "MiB", "GiB", "TiB"] {
        if value < 99.95 {
            return format!("{value:.1} {unit}");
        }
        if value < 999.5 {
            return format!("{value:.0} {unit}");
        }
        value /= 1024.0;
    }
    format!("{value:.1} PiB")
}

/// `420 ms`, `4.2 s`, `42 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`. A clock that ran backwards shows as `0 ms`.
pub fn duration(time: TimeDelta) -> String {
    let ms = time.num_milliseconds().max(0);
    let s = (ms + 500) / 1000;
    let two = |a: i64, unit: &str, b: i64, small: &str| {
        if b == 0 { format!("{a} {unit}") } else { format!("{a} {unit} {b} {small}") }
    };
    match s {
        _ if ms < 1000 => format!("{ms} ms"),
        _ if ms < 9950 => format!("{:.1} s", ms as f64 / 1000.0),
        0..60 => format!("{s} s"),
        60..3600 => two(s / 60, "min", s % 60, "s"),
        3600..86_400 => two(s / 3600, "h", s % 3600 / 60, "min"),
        _ => two(s / 86_400, "d", s % 86_400 / 3600, "h"),
    }
}

/// How long ago, in one unit: `2 h ago`.
pub fn age(then: DateTime<Utc>, now: DateTime<Utc>) -> String {
    match short_age(then, now) {
        None => "in the future".to_owned(),
        Some(age) => format!("{age} ago"),
    }
}

/// `2 h`; `None` if it is yet to come (a clock was wrong).
pub(super) fn short_age(then: DateTime<Utc>, now: DateTime<Utc>) -> Option<String> {
    let s = (now - then).num_seconds();
    Some(match s {
        ..-60 => return None,
        -60..60 => format!("{} s", s.max(0)),
        60..5400 => format!("{} min", s / 60),
        5400..172_800 => format!("{} h", s / 3600),
        _ => format!("{} d", s / 86_400),
    })
}

/// `2026-11-23 03:15:00 UTC`
pub fn time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// How many times smaller it became: `5.4×`; nothing for nothing.
pub fn ratio(raw: u64, stored: u64) -> String {
    match stored {
        0 => "-".to_owned(),
        _ => format!("{:.1}×", raw as f64 / stored as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped_by_three() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (1_234_567, "1,234,567"),
            (u64::MAX, "18,446,744,073,709,551,615"),
        ] {
            assert_eq!(count(number), text);
        }
        assert_eq!((plural(1, "row"), plural(1200, "row")), ("1 row".to_owned(), "1,200 rows".to_owned()));
    }

    #[test]
    fn sizes_have_three_digits_at_most_and_never_round_up_to_a_thousand() {
        let cases = [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 KiB"),
            (12_900_000, "12.3 MiB"),
            (102_300, "99.9 KiB"),
            (102_399, "100 KiB"),
            (1_023_487, "999 KiB"),
            (1_023_999, "1.0 MiB"),
            (1_048_575, "1.0 MiB"),
            (5 << 40, "5.0 TiB"),
            (u64::MAX, "16384.0 PiB"),
        ];
        for (size, text) in cases {
            assert_eq!(bytes(size), text, "{size}");
        }
    }

    #[test]
    fn durations_and_ages_read_naturally() {
        let cases = [
            (-5, "0 ms"),
            (420, "420 ms"),
            (4200, "4.2 s"),
            (9960, "10 s"),
            (42_000, "42 s"),
            (59_700, "1 min"),
            (200_000, "3 min 20 s"),
            (7_500_000, "2 h 5 min"),
            (273_600_000, "3 d 4 h"),
        ];
        for (ms, text) in cases {
            assert_eq!(duration(TimeDelta::milliseconds(ms)), text, "{ms}");
        }
        let now = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_000);
        for (seconds, text) in [
            (-3600, "in the future"),
            (-5, "0 s ago"),
            (59, "59 s ago"),
            (300, "5 min ago"),
            (7200, "2 h ago"),
            (8_640_000, "100 d ago"),
        ] {
            assert_eq!(age(now - TimeDelta::seconds(seconds), now), text);
        }
        assert_eq!((ratio(54, 10).as_str(), ratio(1, 0).as_str()), ("5.4×", "-"));
    }
}
