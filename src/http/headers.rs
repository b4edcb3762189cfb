//! What response headers say about when to ask again.

use std::time::Duration;

use reqwest::header::HeaderMap;

/// `Retry-After` in seconds or as an HTTP date (RFC 9110 §10.2.3), else `X-RateLimit-Reset`.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let Some(value) = text(headers, "retry-after") else { return rate_limit_reset(headers) };
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = chrono::DateTime::parse_from_rfc2822(value).ok()?;
    (at - date(headers)?).to_std().ok()
}

/// How long until `X-RateLimit-Reset`. No standard says what its number is, so its size does: seconds
/// up to two minutes, milliseconds above that, and a point in time where it is large enough for one.
pub(crate) fn rate_limit_reset(headers: &HeaderMap) -> Option<Duration> {
    let number: u64 = text(headers, "x-ratelimit-reset")?.parse().ok()?;
    match number {
        0..=120 => Some(Duration::from_secs(number)),
        121..1_000_000_000 => Some(Duration::from_millis(number)),
        _ => {
            let milliseconds = if number < 100_000_000_000 { number * 1000 } else { number };
            let now = u64::try_from(date(headers)?.timestamp_millis()).ok()?;
            Some(Duration::from_millis(milliseconds.saturating_sub(now)))
        }
    }
}

/// `X-RateLimit-Remaining`: how many requests the server still takes before the reset.
pub(crate) fn rate_limit_remaining(headers: &HeaderMap) -> Option<u32> {
    text(headers, "x-ratelimit-remaining")?.parse().ok()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim)
}

/// The server's clock.
fn date(headers: &HeaderMap) -> Option<chrono::DateTime<chrono::FixedOffset>> {
    chrono::DateTime::parse_from_rfc2822(text(headers, "date")?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(k, v)| (reqwest::header::HeaderName::from_static(k), reqwest::header::HeaderValue::from_static(v)))
            .collect()
    }

    #[test]
    fn retry_after_is_read_in_both_forms() {
        assert_eq!(retry_after(&headers(&[("retry-after", "7")])), Some(Duration::from_secs(7)));
        let dates =
            headers(&[("retry-after", "Mon, 23 Nov 2026 10:00:30 GMT"), ("date", "Mon, 23 Nov 2026 10:00:00 GMT")]);
        assert_eq!(retry_after(&dates), Some(Duration::from_secs(30)));
        assert_eq!(retry_after(&headers(&[("x-ratelimit-reset", "12")])), Some(Duration::from_secs(12)));
        assert_eq!(retry_after(&headers(&[])), None);
    }

    #[test]
    fn the_reset_of_a_rate_limit_is_read_in_every_unit() {
        let date = ("date", "Mon, 23 Nov 2026 10:00:00 GMT");
        for (reset, milliseconds) in [
            ("60", 60_000),
            ("0", 0),
            ("45000", 45_000),
            ("1795428030", 30_000),
            ("1795428030500", 30_500),
            ("1795427000", 0),
        ] {
            let headers = headers(&[("x-ratelimit-reset", reset), date]);
            assert_eq!(rate_limit_reset(&headers), Some(Duration::from_millis(milliseconds)), "{reset}");
        }
        assert_eq!(rate_limit_reset(&headers(&[("x-ratelimit-reset", "soon")])), None);
        assert_eq!(rate_limit_remaining(&headers(&[("x-ratelimit-remaining", " 7 ")])), Some(7));
    }
}
