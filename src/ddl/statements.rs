//! A script's statements, one by one: to see which of them another script has too.

/// The statements of a script without comments and empty lines between them, each with its semicolon. Knows
/// strings, quoted names, dollar quotes and comments.
pub fn statements(script: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = script;
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            return found;
        }
        if let Some(comment) = rest.strip_prefix("--") {
            rest = comment.split_once('\n').map_or("", |(_, after)| after);
            continue;
        }
        let (statement, after) = rest.split_at(end(rest));
        found.push(statement.trim_end().to_owned());
        rest = after;
    }
}

/// Where the first statement ends: behind its semicolon, or at the end.
fn end(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at = match byte {
            b';' => return at + 1,
            b'\'' | b'"' => quoted(text, at),
            b'-' if text[at..].starts_with("--") => text[at..].find('\n').map_or(text.len(), |n| at + n),
            b'/' if text[at..].starts_with("/*") => text[at..].find("*/").map_or(text.len(), |n| at + n + 2),
            b'$' => dollar(text, at),
            _ => at + 1,
        };
    }
    text.len()
}

/// Behind a string or a quoted name. In `E'…'` a backslash hides the quote that follows it.
fn quoted(text: &str, start: usize) -> usize {
    let bytes = text.as_bytes();
    let quote = bytes.get(start).copied().unwrap_or_default();
    let before = |n: usize| start.checked_sub(n).and_then(|at| bytes.get(at)).copied();
    let is_word = |byte: Option<u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_');
    let escapes = quote == b'\'' && matches!(before(1), Some(b'E' | b'e')) && !is_word(before(2));
    let mut at = start + 1;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' if escapes => at += 2,
            // a doubled quote begins at once what looks like the next string
            _ if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

/// Behind a dollar-quoted string, or behind the dollar that begins none.
fn dollar(text: &str, start: usize) -> usize {
    let tail = &text[start + 1..];
    let Some(length) = tail.find('$') else { return start + 1 };
    let tag = &tail[..length];
    let is_tag = tag.chars().all(|c| c.is_alphanumeric() || c == '_') && !tag.starts_with(|c: char| c.is_ascii_digit());
    let follows_word = text[..start].ends_with(|c: char| c.is_alphanumeric() || c == '_');
    if !is_tag || follows_word {
        return start + 1;
    }
    let mark = &text[start..start + length + 2];
    let body = start + mark.len();
    text[body..].find(mark).map_or(text.len(), |n| body + n + mark.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_semicolon_inside_of_anything_ends_nothing() {
        let pieces = [
            "CREATE TABLE \"a;b\" (c text DEFAULT 'x;''y');",
            "CREATE FUNCTION f() RETURNS void AS $body$ BEGIN; $x$;$x$ -- it's\n END; $body$ LANGUAGE sql;",
            "SELECT E'\\';', 'é\\'; ",
            "SELECT a$b, $1 /* ; ' */ ;",
            "COMMENT ON TABLE t IS $$;$$;",
            "last",
        ];
        let script = format!("-- head; it's\n\n{}\n-- between\n", pieces.map(str::trim_end).join("\n\n  "));
        assert_eq!(statements(&script)[..5], pieces.map(str::trim_end)[..5]);
        assert!(statements("").is_empty() && statements("-- only\n").is_empty());
        // what never ends is one statement
        for open in ["SELECT 'a;", "SELECT $$;", "SELECT \"a;", "SELECT /* ;", "SELECT E'\\"] {
            assert_eq!(statements(open), [open]);
        }
    }
}
