//! Settings that decide how values look as text, told from the values themselves: over REST nothing
//! else shows them.

use crate::model::{Column, TextSettings};

/// What the values seen so far tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeenSettings {
    date_iso: Option<bool>,
    interval_postgres: Option<bool>,
    offset: Option<Option<String>>,
    float_exact: bool,
}

/// What to look for in which column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    Nothing,
    Date,
    Zoned,
    Interval,
    Float4,
    Float8,
    /// A composite, perhaps: what looks like a date in it is taken for one.
    Unknown,
}

/// Looks at the rows of one table.
#[derive(Debug, Clone)]
pub struct Observer {
    /// What to look for, and whether the values are lists of it (arrays, ranges).
    columns: Vec<(Look, bool)>,
    any: bool,
}

impl Observer {
    /// An observer for rows with these columns.
    pub fn new(columns: &[Column]) -> Self {
        let look = |c: &Column| {
            let (element, list) = c.type_name.strip_suffix("[]").map_or((c.type_name.as_str(), false), |e| (e, true));
            match element {
                "date" | "timestamp without time zone" => (Look::Date, list),
                "timestamp with time zone" => (Look::Zoned, list),
                "daterange" | "tsrange" | "datemultirange" | "tsmultirange" => (Look::Date, true),
                "tstzrange" | "tstzmultirange" => (Look::Zoned, true),
                "interval" => (Look::Interval, list),
                "real" => (Look::Float4, list),
                "double precision" => (Look::Float8, list),
                _ if c.may_hold_floats() => (Look::Unknown, true),
                _ => (Look::Nothing, false),
            }
        };
        let columns: Vec<(Look, bool)> = columns.iter().map(look).collect();
        Self { any: columns.iter().any(|&(l, _)| l != Look::Nothing), columns }
    }

    /// Whether rows of this table tell anything.
    pub fn is_useful(&self) -> bool {
        self.any
    }

    /// Looks at one row.
    pub fn row<'a>(&self, fields: impl Iterator<Item = Option<&'a [u8]>>, seen: &mut SeenSettings) {
        for (&(look, list), field) in self.columns.iter().zip(fields) {
            let Some(text) = field.filter(|_| look != Look::Nothing).and_then(|f| std::str::from_utf8(f).ok()) else {
                continue;
            };
            if list {
                // elements of arrays and bounds of ranges, without brackets and quotes
                let bare = |part: &'a str| part.trim_matches(['[', ']', '(', ')', '{', '}', '"', ' ']);
                let told = |part: &&str| !matches!(*part, "" | "NULL" | "empty");
                text.split(',').map(bare).filter(told).for_each(|part| seen.value(look, part));
            } else {
                seen.value(look, text);
            }
        }
    }
}

impl SeenSettings {
    fn value(&mut self, look: Look, text: &str) {
        match look {
            Look::Nothing => {}
            Look::Interval => self.interval(text),
            Look::Date | Look::Zoned if text.ends_with("infinity") => {}
            Look::Date => self.date(text),
            Look::Zoned => {
                self.date(text);
                self.zone(text);
            }
            Look::Unknown if looks_like_date(text) => self.date(text),
            Look::Unknown => {}
            Look::Float4 => self.float(text, 6),
            Look::Float8 => self.float(text, 15),
        }
    }

    /// More digits than the rounded form ever has prove that nothing is rounded. Fewer prove nothing.
    fn float(&mut self, text: &str, rounded: usize) {
        let digits = text.split(['e', 'E']).next().unwrap_or_default().bytes().filter(u8::is_ascii_digit);
        let digits: Vec<u8> = digits.skip_while(|&d| d == b'0').collect();
        self.float_exact |= digits.iter().rposition(|&d| d != b'0').map_or(0, |last| last + 1) > rounded;
    }

    fn date(&mut self, text: &str) {
        // ISO: a year of at least four digits, then -MM-DD
        let mut parts = text.split([' ', 'T']).next().unwrap_or_default().split('-');
        let digits = |part: Option<&str>, least: usize, most: usize| {
            part.is_some_and(|p| (least..=most).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_digit()))
        };
        let iso = digits(parts.next(), 4, 7)
            && digits(parts.next(), 2, 2)
            && digits(parts.next(), 2, 2)
            && parts.next().is_none();
        self.date_iso = Some(self.date_iso.unwrap_or(true) && iso);
    }

    fn zone(&mut self, text: &str) {
        let text = text.strip_suffix(" BC").unwrap_or(text);
        let offset = text.rfind(['+', '-']).map(|at| text[at..].to_owned()).unwrap_or_default();
        self.offset = Some(match self.offset.take() {
            None => Some(offset),
            Some(Some(old)) if old == offset => Some(old),
            Some(_) => None,
        });
    }

    fn interval(&mut self, text: &str) {
        // `postgres` style: `1 year 2 mons 3 days 04:05:06`; never starts with P or @, and every
        // number without a colon has a unit behind it
        let words: Vec<&str> = text.split(' ').collect();
        let number = |w: &str| w.trim_start_matches(['+', '-']).bytes().next().is_some_and(|b| b.is_ascii_digit());
        let postgres = words.iter().enumerate().all(|(i, w)| {
            if w.contains(':') {
                number(w) && i + 1 == words.len()
            } else if i % 2 == 0 {
                number(w) && words.get(i + 1).is_some_and(|u| !number(u))
            } else {
                ["year", "mon", "day"].iter().any(|unit| w.trim_end_matches('s') == *unit)
            }
        });
        self.interval_postgres = Some(self.interval_postgres.unwrap_or(true) && postgres);
    }

    /// Takes over what another table's rows told.
    pub fn merge(&mut self, other: &Self) {
        let both = |a: Option<bool>, b: Option<bool>| match (a, b) {
            (Some(a), Some(b)) => Some(a && b),
            (a, b) => a.or(b),
        };
        self.float_exact |= other.float_exact;
        self.date_iso = both(self.date_iso, other.date_iso);
        self.interval_postgres = both(self.interval_postgres, other.interval_postgres);
        self.offset = match (self.offset.take(), other.offset.clone()) {
            (Some(a), Some(b)) if a != b => Some(None),
            (a, b) => a.or(b),
        };
    }

    /// Whether a value proves that floating-point numbers keep their digits.
    pub fn floats_are_exact(&self) -> bool {
        self.float_exact
    }

    /// The words for the manifest. `floats_exact` comes from a probe of the server.
    pub fn settings(&self, floats_exact: Option<bool>) -> TextSettings {
        let word = |flag: Option<bool>, yes: &str, no: &str| flag.map(|f| if f { yes } else { no }.to_owned());
        TextSettings {
            float_digits: word(floats_exact, "exact", "cut"),
            date_style: word(self.date_iso, "ISO", "other"),
            interval_style: word(self.interval_postgres, "postgres", "other"),
            time_zone_offset: self.offset.clone().flatten(),
            ..TextSettings::default()
        }
    }
}

/// `2024-02-29…`, `29.02.2024…`, `02/29/2024…`, `02-29-2024…`
fn looks_like_date(text: &str) -> bool {
    let date = text.split([' ', 'T']).next().unwrap_or_default();
    let parts: Vec<&str> = date.split(['-', '/', '.']).collect();
    let digits = parts.iter().all(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()));
    digits && parts.len() == 3 && parts.iter().any(|p| p.len() == 4) && parts.iter().all(|p| p.len() <= 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(dates: &[&str], intervals: &[&str]) -> TextSettings {
        let mut seen = SeenSettings::default();
        dates.iter().for_each(|d| {
            seen.date(d);
            seen.zone(d);
        });
        intervals.iter().for_each(|i| seen.interval(i));
        seen.settings(None)
    }

    #[test]
    fn arrays_and_ranges_tell_too() {
        let told = |type_name: &str, value: &str| {
            let column = Column::plain("c", type_name);
            let mut seen = SeenSettings::default();
            Observer::new(&[column]).row([Some(value.as_bytes())].into_iter(), &mut seen);
            seen
        };
        let date = |type_name: &str, value: &str| told(type_name, value).settings(None).date_style;
        assert_eq!(date("daterange", "[01/02/2026,02/03/2026)").as_deref(), Some("other"));
        assert_eq!(date("daterange", "[2026-02-01,2026-03-02)").as_deref(), Some("ISO"));
        assert_eq!(date("daterange", "empty"), None);
        assert_eq!(
            date("tstzmultirange", "{[\"2024-01-01 00:00:00+00\",\"2024-01-02 00:00:00+00\")}").as_deref(),
            Some("ISO")
        );
        assert_eq!(date("date[]", "{2024-01-01,NULL,infinity}").as_deref(), Some("ISO"));
        assert_eq!(date("timestamp without time zone[]", "{\"Mon Jan 01 00:00:00 2024\"}").as_deref(), Some("other"));
        assert_eq!(told("interval[]", "{1-2}").settings(None).interval_style.as_deref(), Some("other"));
        assert!(told("double precision", "0.30000000000000004").floats_are_exact());
        assert!(!told("double precision", "0.3").floats_are_exact());
        assert!(!told("double precision", "1.23456789012345e+300").floats_are_exact());
        assert!(told("real[]", "{1.5,3.4028235e+38}").floats_are_exact());
    }

    #[test]
    fn styles_are_told_from_values() {
        let iso = settings(
            &["2024-02-29 13:14:15.123456+00", "0044-03-15 00:00:00+00 BC", "294276-12-31 23:59:59.999999+00"],
            &[],
        );
        assert_eq!((iso.date_style.as_deref(), iso.time_zone_offset.as_deref()), (Some("ISO"), Some("+00")));
        assert_eq!(settings(&["29.02.2024 13:14:15 UTC"], &[]).date_style.as_deref(), Some("other"));
        assert_eq!(settings(&["02/29/2024"], &[]).date_style.as_deref(), Some("other"));
        assert_eq!(settings(&["2024-02-29 13:14:15+05:45", "2024-02-29 13:14:15+01"], &[]).time_zone_offset, None);
        let style = |text: &str| settings(&[], &[text]).interval_style;
        for postgres in [
            "1 year 2 mons 3 days 04:05:06.789",
            "-1 years -2 mons +3 days -04:05:06",
            "00:00:00",
            "1 mon",
            "-178000000 years",
        ] {
            assert_eq!(style(postgres).as_deref(), Some("postgres"), "{postgres}");
        }
        for other in ["P1Y2M3DT4H5M6S", "@ 1 year 2 mons", "1-2", "+1-2 +3 +4:05:06", "3 4:05:06"] {
            assert_eq!(style(other).as_deref(), Some("other"), "{other}");
        }
    }
}
