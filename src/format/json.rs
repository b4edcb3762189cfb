//! The little JSON that the hot path needs: skip a value without building it, unescape a string,
//! write a string. Values are kept as the bytes that were sent (RFC 8259 for the grammar).

use memchr::memchr2;

use crate::format::append::Appender;

/// Skips white space.
#[inline]
pub(crate) fn skip_space(text: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\r' | b'\t') = text.get(at) {
        at += 1;
    }
    at
}

/// The position after `byte`, which must come next (white space aside).
#[inline]
pub(crate) fn expect(text: &[u8], at: usize, byte: u8) -> Result<usize, &'static str> {
    let at = skip_space(text, at);
    if text.get(at) == Some(&byte) { Ok(at + 1) } else { Err("the JSON text is broken off or damaged") }
}

/// The position after the string whose opening quote stands just before `at`.
pub(crate) fn skip_string(text: &[u8], mut at: usize) -> Result<usize, &'static str> {
    loop {
        let Some(run) = text.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) else {
            return Err("a JSON string does not end");
        };
        at += run;
        if text[at] == b'"' {
            return Ok(at + 1);
        }
        at += 2;
    }
}

/// The position after the value that starts at `at`. Containers are skipped by their brackets.
pub(crate) fn skip_value(text: &[u8], at: usize) -> Result<usize, &'static str> {
    let mut at = skip_space(text, at);
    let mut depth = 0_usize;
    loop {
        match text.get(at) {
            None => return Err("a JSON value does not end"),
            Some(b'"') => at = skip_string(text, at + 1)?,
            Some(b'{' | b'[') => {
                depth += 1;
                at += 1;
                continue;
            }
            Some(b'}' | b']') if depth > 0 => {
                depth -= 1;
                at += 1;
            }
            Some(b',' | b':' | b' ' | b'\n' | b'\r' | b'\t') if depth > 0 => {
                at += 1;
                continue;
            }
            Some(b'-' | b'+' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z') => {
                while let Some(b'-' | b'+' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z') = text.get(at) {
                    at += 1;
                }
            }
            Some(_) => return Err("the JSON text is damaged"),
        }
        if depth == 0 {
            return Ok(at);
        }
    }
}

/// Appends the string whose opening quote stands just before `at`, and returns the position after
/// its closing quote.
pub(crate) fn unescape(text: &[u8], mut at: usize, out: &mut Vec<u8>) -> Result<usize, &'static str> {
    let mut out = Appender::new(out);
    loop {
        at = out.run(text, at).ok_or("a JSON string does not end")?;
        if text[at] == b'"' {
            out.finish();
            return Ok(at + 1);
        }
        // Escapes come in clusters (a quote inside jsonb inside a record is `\"\"`), so they are
        // taken in a loop of their own before the next run is copied.
        while text.get(at) == Some(&b'\\') {
            if text.get(at..at + 4) == Some(b"\\\"\\\"") {
                out.push(b'"');
                out.push(b'"');
                at += 4;
                continue;
            }
            let plain = match text.get(at + 1) {
                Some(&b @ (b'"' | b'\\' | b'/')) => b,
                Some(b'n') => b'\n',
                Some(b't') => b'\t',
                Some(b'r') => b'\r',
                Some(b'b') => 8,
                Some(b'f') => 12,
                Some(b'u') => {
                    at = unescape_unicode(text, at, &mut out)?;
                    continue;
                }
                _ => return Err("a JSON string holds an unknown escape"),
            };
            out.push(plain);
            at += 2;
        }
    }
}

#[cold]
fn unescape_unicode(text: &[u8], at: usize, out: &mut Appender<'_>) -> Result<usize, &'static str> {
    let unit = |at: usize| -> Result<u32, &'static str> {
        let digits =
            text.get(at..at + 6).filter(|d| d.starts_with(b"\\u")).ok_or("a JSON string is broken off in an escape")?;
        let digits = std::str::from_utf8(&digits[2..]).map_err(|_| "a JSON escape is damaged")?;
        u32::from_str_radix(digits, 16).map_err(|_| "a JSON escape is damaged")
    };
    let first = unit(at)?;
    let (code, end) = if (0xd800..0xdc00).contains(&first) {
        let second = unit(at + 6)?;
        if !(0xdc00..0xe000).contains(&second) {
            return Err("a JSON string holds half a surrogate pair");
        }
        (0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00), at + 12)
    } else {
        (first, at + 6)
    };
    let c = char::from_u32(code).ok_or("a JSON string holds half a surrogate pair")?;
    c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| out.push(byte));
    Ok(end)
}

const ONES: u64 = u64::MAX / 255;
const HIGHS: u64 = ONES << 7;

/// Nonzero if a byte of `word` is below 0x20 or equals `\` (or `"` with `quote`): may also be
/// nonzero for bytes above 0x7f, which the caller then looks at one by one.
#[inline]
fn suspicious(word: u64, quote: bool) -> u64 {
    let below = word.wrapping_sub(ONES * 0x20);
    let slash = (word ^ (ONES * 0x5c)).wrapping_sub(ONES);
    let mut found = below | slash;
    if quote {
        found |= (word ^ (ONES * 0x22)).wrapping_sub(ONES);
    }
    found & !word & HIGHS
}

/// The position of the first control character, backslash, or (with `quote`) quote from `at` on.
#[inline]
pub(crate) fn find_special(text: &[u8], mut at: usize, quote: bool) -> Option<usize> {
    let special = |b: u8| b < 0x20 || b == b'\\' || (quote && b == b'"');
    while let Some(chunk) = text.get(at..at + 8).and_then(|c| <[u8; 8]>::try_from(c).ok()) {
        let found = suspicious(u64::from_le_bytes(chunk), quote);
        if found != 0 {
            // borrows can only set bits above a true hit, so the lowest one is exact
            return Some(at + (found.trailing_zeros() / 8) as usize);
        }
        at += 8;
    }
    text[at..].iter().position(|&b| special(b)).map(|i| at + i)
}

/// Appends `text` as a JSON string.
pub(crate) fn write_string(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let mut from = 0;
    while let Some(at) = find_special(text, from, true) {
        out.extend_from_slice(&text[from..at]);
        match text[at] {
            b @ (b'"' | b'\\') => out.extend_from_slice(&[b'\\', b]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                out.extend_from_slice(b"\\u00");
                out.push(HEX[usize::from(b >> 4)]);
                out.push(HEX[usize::from(b & 15)]);
            }
        }
        from = at + 1;
    }
    out.extend_from_slice(&text[from..]);
    out.push(b'"');
}

/// Whether `text` is exactly one JSON number.
pub(crate) fn is_number(text: &[u8]) -> bool {
    let digits = |mut at: usize| {
        let from = at;
        while text.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        (at > from).then_some(at)
    };
    let at = usize::from(text.first() == Some(&b'-'));
    let Some(mut end) = digits(at) else { return false };
    if text[at] == b'0' && end > at + 1 {
        return false;
    }
    if text.get(end) == Some(&b'.') {
        match digits(end + 1) {
            Some(after) => end = after,
            None => return false,
        }
    }
    if let Some(b'e' | b'E') = text.get(end) {
        let sign = usize::from(matches!(text.get(end + 1), Some(b'+' | b'-')));
        match digits(end + 1 + sign) {
            Some(after) => end = after,
            None => return false,
        }
    }
    end == text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_from_everything_else() {
        for yes in ["0", "-0", "12", "-1.50", "1e+15", "5e-324", "12345678901234567890.10", "1E400"] {
            assert!(is_number(yes.as_bytes()), "{yes}");
        }
        for no in ["", "-", "01", "1.", ".5", "NaN", "Infinity", "1e", "1 ", "+1", "0x1", "1.2.3"] {
            assert!(!is_number(no.as_bytes()), "{no}");
        }
    }

    #[test]
    fn values_are_skipped_whole_and_damage_is_seen() {
        for text in [r#"{"a":[1,{"b":"}]\""}]}"#, "null", "-1.5e3", r#""x\\""#, "[[],{}]"] {
            assert_eq!(skip_value(format!("{text},").as_bytes(), 0), Ok(text.len()), "{text}");
        }
        for text in ["", "[1,2", "\"abc", "{\"a\":", "\"a\\"] {
            assert!(skip_value(text.as_bytes(), 0).is_err(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn strings_survive_the_way_there_and_back(text in "[\\PC\\x00-\\x20\"\\\\\u{7f}\u{80}é]{0,40}") {
            let mut written = Vec::new();
            write_string(text.as_bytes(), &mut written);
            let reference: String = serde_json::from_slice(&written).map_err(|e| proptest::test_runner::TestCaseError::fail(e.to_string()))?;
            proptest::prop_assert_eq!(&reference, &text);
            for source in [written, serde_json::to_vec(&text).unwrap_or_default()] {
                let mut back = Vec::new();
                let end = unescape(&source, 1, &mut back).map_err(proptest::test_runner::TestCaseError::fail)?;
                proptest::prop_assert_eq!(end, source.len());
                proptest::prop_assert_eq!(back, text.as_bytes());
            }
        }

        #[test]
        fn the_fast_search_finds_what_the_slow_one_finds(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..40), quote: bool) {
            let slow = bytes.iter().position(|&b| b < 0x20 || b == b'\\' || (quote && b == b'"'));
            proptest::prop_assert_eq!(find_special(&bytes, 0, quote), slow);
        }
    }
}
