//! Points in time, told from their text whatever the time zone was that they were printed in.

/// Appends a text that is the same for all ISO texts of one `timestamptz` value, as PostgreSQL prints
/// them with numeric offsets. Other texts are appended as they are.
pub fn write_instant(text: &[u8], out: &mut Vec<u8>) {
    match micros(text) {
        Some(micros) => out.extend_from_slice(format!("@{micros}").as_bytes()),
        None => out.extend_from_slice(text),
    }
}

/// `2024-02-29 13:14:15.123456+05:45`, perhaps with ` BC` behind it: microseconds since 1970 in UTC.
fn micros(text: &[u8]) -> Option<i128> {
    let text = std::str::from_utf8(text).ok()?;
    let (text, is_bc) = text.strip_suffix(" BC").map_or((text, false), |rest| (rest, true));
    let (date, time) = text.split_once(' ')?;
    let mut parts = date.split('-').map(number);
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    if parts.next().is_some() {
        return None;
    }
    let sign = time.find(['+', '-'])?;
    let (time, offset) = (&time[..sign], &time[sign..]);
    let (clock, fraction) = time.split_once('.').unwrap_or((time, ""));
    let fraction = match fraction.len() {
        0 if !time.contains('.') => 0,
        1..=6 => number(fraction)? * 10_i128.pow(6 - u32::try_from(fraction.len()).ok()?),
        _ => return None,
    };
    let offset_seconds = seconds(&offset[1..])? * if offset.starts_with('-') { -1 } else { 1 };
    let year = if is_bc { 1 - year } else { year };
    let seconds = days(year, month, day) * 86_400 + seconds(clock)? - offset_seconds;
    Some(seconds * 1_000_000 + fraction)
}

/// `13`, `13:14` or `13:14:15`.
fn seconds(text: &str) -> Option<i128> {
    let parts: Option<Vec<i128>> = text.split(':').map(number).collect();
    match parts?.as_slice() {
        [h] => Some(h * 3600),
        [h, m] => Some(h * 3600 + m * 60),
        [h, m, s] => Some(h * 3600 + m * 60 + s),
        _ => None,
    }
}

fn number(text: &str) -> Option<i128> {
    let digits = !text.is_empty() && text.len() <= 9 && text.bytes().all(|b| b.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

/// Days since 1970-01-01 in the Gregorian calendar (Howard Hinnant's `days_from_civil`).
fn days(year: i128, month: i128, day: i128) -> i128 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(text: &str) -> String {
        let mut out = Vec::new();
        write_instant(text.as_bytes(), &mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn one_instant_has_one_text_in_every_zone() {
        for same in [
            ["2024-02-29 13:14:15.5+00", "2024-02-29 18:59:15.5+05:45"],
            ["2024-01-01 00:00:00+00", "2023-12-31 19:00:00-05"],
            ["2024-03-01 00:30:00+01", "2024-02-29 23:30:00+00"],
            ["1883-11-18 12:00:00-04:56:02", "1883-11-18 16:56:02+00"],
            ["0001-01-01 00:00:00+00", "0001-12-31 23:00:00-01 BC"],
            ["294276-12-31 23:59:59.999999+00", "294277-01-01 00:59:59.999999+01"],
        ] {
            assert_eq!(instant(same[0]), instant(same[1]));
            assert!(instant(same[0]).starts_with('@'));
        }
        assert_eq!(instant("1970-01-01 00:00:01+00"), "@1000000");
        assert_eq!(instant("2000-03-01 00:00:00+00"), "@951868800000000");
        assert_ne!(instant("2024-02-29 13:14:15.000001+00"), instant("2024-02-29 13:14:15.00001+00"));
    }

    #[test]
    fn what_is_no_such_text_stays_what_it_is() {
        for text in ["infinity", "-infinity", "", "29.02.2024 13:14:15 UTC", "2024-02-29", "2024-02-29 13:14:15", "@7"]
        {
            assert_eq!(instant(text), text);
        }
    }
}
