//! Text to value, for every kind of setting: sizes, durations, counts, yes and no, lists. Pure.
//! Errors say what was read and what is meant; the caller puts the setting's name in front.

use std::time::Duration;

/// Bytes: `16MiB`, `500 kB`, `1.5GiB`, or a plain number. `kB`, `MB`, … are powers of 1000, `KiB`,
/// `MiB`, … of 1024; case does not matter. A bare `M` is refused: people mean both by it.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    let mistake = || format!("{text:?} is not a size (like 16MiB)");
    let (number, unit) = split_unit(text);
    let factor = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        _ => return Err(mistake()),
    };
    scaled(number, factor).ok_or_else(mistake)
}

/// A time with its unit: `500ms`, `90s`, `15m`, `24h`, `7d`. A bare number is refused.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let mistake = || format!("{text:?} is not a duration (like 90s, 15m or 500ms)");
    let (number, unit) = split_unit(text);
    let milliseconds = match unit.to_ascii_lowercase().as_str() {
        "ms" => 1,
        "s" | "sec" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(mistake()),
    };
    scaled(number, milliseconds).map(Duration::from_millis).ok_or_else(mistake)
}

/// A whole number.
pub(crate) fn count(text: &str) -> Result<i64, String> {
    text.parse().map_err(|_| format!("{text:?} is not a whole number"))
}

/// `1`, `yes`, `on`, `true`, or `0`, `no`, `off`, `false`; case does not matter.
pub(crate) fn boolean(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "y" | "yes" | "on" | "true" => Ok(true),
        "0" | "n" | "no" | "off" | "false" => Ok(false),
        _ => Err(format!("{text:?} is neither yes nor no")),
    }
}

/// Entries between commas, trimmed, empty ones dropped. `\,` is a comma inside an entry; every
/// other backslash stands for itself.
pub(crate) fn list(text: &str) -> Vec<String> {
    let mut entries = vec![String::new()];
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' if characters.next_if_eq(&',').is_some() => push(&mut entries, ','),
            ',' => entries.push(String::new()),
            other => push(&mut entries, other),
        }
    }
    entries.iter().map(|entry| entry.trim().to_owned()).filter(|entry| !entry.is_empty()).collect()
}

/// `16MiB`, `500B`: the largest unit that leaves a whole number.
pub(crate) fn show_size(bytes: u64) -> String {
    for (shift, unit) in [(30, "GiB"), (20, "MiB"), (10, "KiB")] {
        if bytes >= 1 << shift && bytes.trailing_zeros() >= shift {
            return format!("{}{unit}", bytes >> shift);
        }
    }
    format!("{bytes}B")
}

/// `7d`, `10m`, `90s`, `500ms`: the largest unit that leaves a whole number.
pub(crate) fn show_duration(duration: Duration) -> String {
    let milliseconds = duration.as_millis();
    for (factor, unit) in [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")] {
        if milliseconds >= factor && milliseconds.is_multiple_of(factor) {
            return format!("{}{unit}", milliseconds / factor);
        }
    }
    format!("{milliseconds}ms")
}

fn push(entries: &mut [String], character: char) {
    if let Some(last) = entries.last_mut() {
        last.push(character);
    }
}

fn split_unit(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    (number, unit.trim_start())
}

/// `number` times `factor`, in whole numbers: up to nine digits may follow the point, and what is
/// left below one is cut.
fn scaled(number: &str, factor: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if fraction.len() > 9 {
        return None;
    }
    let places = 10_u128.pow(u32::try_from(fraction.len()).ok()?);
    let whole: u64 = whole.parse().ok()?;
    let fraction: u64 = fraction.parse().ok()?;
    let total = (u128::from(whole) * places + u128::from(fraction)) * u128::from(factor) / places;
    u64::try_from(total).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_and_without_unit() {
        for (text, bytes) in [
            ("0", 0),
            ("4096", 4096),
            ("500 kB", 500_000),
            ("500B", 500),
            ("16MiB", 16 << 20),
            ("16 mib", 16 << 20),
            ("1.5GiB", 3 << 29),
            ("0.5KiB", 512),
            ("2GB", 2_000_000_000),
        ] {
            assert_eq!(size(text), Ok(bytes), "{text}");
            assert_eq!(size(&show_size(bytes)), Ok(bytes), "{text} shown as {}", show_size(bytes));
        }
        for text in
            ["", "MiB", "16M", "16 mb x", "-1", "1e3", "1.2.3", "1,5MiB", "99999999999GiB", "٣", ".5MiB", "1.MiB"]
        {
            assert_eq!(size(text), Err(format!("{text:?} is not a size (like 16MiB)")));
        }
    }

    #[test]
    fn durations_need_a_unit() {
        for (text, milliseconds) in [
            ("500ms", 500),
            ("90s", 90_000),
            ("1.5s", 1_500),
            ("15m", 900_000),
            ("15 min", 900_000),
            ("24h", 86_400_000),
            ("30d", 2_592_000_000),
        ] {
            let expected = Duration::from_millis(milliseconds);
            assert_eq!(duration(text), Ok(expected), "{text}");
            assert_eq!(duration(&show_duration(expected)), Ok(expected), "{text}");
        }
        for text in ["", "90", "s", "1h30m", "-5s", "90 seconds", "forever"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn yes_and_no_have_several_spellings() {
        for text in ["1", "yes", "Yes", "on", "TRUE", "y"] {
            assert_eq!(boolean(text), Ok(true), "{text}");
        }
        for text in ["0", "no", "off", "False", "n"] {
            assert_eq!(boolean(text), Ok(false), "{text}");
        }
        assert_eq!(boolean("2"), Err("\"2\" is neither yes nor no".to_owned()));
    }

    #[test]
    fn lists_split_at_commas_that_have_no_backslash() {
        let cases: &[(&str, &[&str])] = &[
            ("", &[]),
            (" , ,", &[]),
            ("a", &["a"]),
            (" a , b,", &["a", "b"]),
            (r"odd\,name,b", &["odd,name", "b"]),
            (r"a\\,b", &[r"a\,b"]),
            (r"a\b,c\", &[r"a\b", r"c\"]),
            ("with space inside,x", &["with space inside", "x"]),
        ];
        for (text, entries) in cases {
            assert_eq!(&list(text), entries, "{text}");
        }
    }
}
