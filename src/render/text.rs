//! Foreign text made harmless for the place it goes to.

use crate::render::count;

/// Longest reason, in characters, that is shown whole in a document.
pub(super) const REASON: usize = 600;

/// One line without control characters or direction marks: they are shown as escapes.
pub(super) fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            out.extend(c.escape_debug());
        } else if invisible(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// Characters that are not seen, or that turn around what is seen.
fn invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// [`clean`], and cut to `longest` characters.
pub(super) fn shorten(text: &str, longest: usize) -> String {
    let text = clean(text);
    if text.chars().count() <= longest {
        return text;
    }
    text.chars().take(longest.saturating_sub(1)).chain(['…']).collect()
}

/// Plain text in Markdown, also in a cell of a table: every mark is escaped. What GitHub looks for in the finished
/// page (`@name`, `#12`, `GH-12`) is broken by a character that is not seen, and addresses do not become links.
pub(super) fn markdown(text: &str) -> String {
    let text = clean(text);
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        let (before, after) = (&text[..at], &text[at + c.len_utf8()..]);
        let ends =
            |word: &str| before.get(at.saturating_sub(word.len())..).is_some_and(|end| end.eq_ignore_ascii_case(word));
        let is_number = after.starts_with(|c: char| c.is_ascii_digit());
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '@' => out.push_str("&#64;&#8203;"),
            '#' if is_number => out.push_str("\\#&#8203;"),
            '-' if is_number && ends("GH") => out.push_str("&#8203;-"),
            '/' if ends(":") && after.starts_with('/') => out.push_str("\\/"),
            '.' if ends("www") => out.push_str("\\."),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '#' | '+' | '!' | '|' | '~' | '$' => {
                out.extend(['\\', c])
            }
            _ => out.push(c),
        }
    }
    out
}

/// A code span in Markdown. In a cell, `|` must be escaped even in code; elsewhere it must not.
pub(super) fn code(text: &str, in_cell: bool) -> String {
    let text = clean(text);
    let fence = "`".repeat(longest_run(&text) + 1);
    let text = if in_cell { text.replace('|', "\\|") } else { text };
    let space = if text.starts_with('`') || text.ends_with('`') || text.is_empty() { " " } else { "" };
    format!("{fence}{space}{text}{space}{fence}")
}

/// A block of code in Markdown that its content cannot end.
pub(super) fn block(language: &str, content: &str) -> String {
    let fence = "`".repeat(longest_run(content).max(2) + 1);
    format!("{fence}{language}\n{content}{}{fence}\n", if content.ends_with('\n') { "" } else { "\n" })
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// Lines for as many items as fit into so many bytes, and one that says how many did not.
pub(super) fn within<T>(budget: usize, items: &[T], line: impl Fn(&T) -> String) -> String {
    within_of("`manifest.json`", budget, items, line)
}

/// [`within`], with the place that names all items.
pub(super) fn within_of<T>(whole: &str, budget: usize, items: &[T], line: impl Fn(&T) -> String) -> String {
    let mut out = String::new();
    for (i, item) in items.iter().enumerate() {
        let text = line(item);
        if out.len() + text.len() > budget {
            out.push_str(&format!("\n… and {} more; {whole} names all of them.\n", count((items.len() - i) as u64)));
            break;
        }
        out.push_str(&text);
    }
    out
}

/// A SQL string literal on one line, whatever `standard_conforming_strings` says.
pub(super) fn literal(text: &str) -> String {
    let hidden = |c: char| c.is_control() || invisible(c);
    let escapes = text.chars().any(|c| c == '\\' || hidden(c));
    let mut out = String::from(if escapes { "E'" } else { "'" });
    for c in text.chars() {
        match c {
            '\'' => out.push_str("''"),
            '\\' => out.push_str("\\\\"),
            c if hidden(c) => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('\'');
    out
}

/// A word for a POSIX shell.
pub(super) fn shell(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-/=".contains(&b);
    if !text.is_empty() && text.bytes().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_cannot_leave_its_place() {
        assert_eq!(clean("a\nb\u{1b}[31m\u{202e}x é"), "a\\nb\\u{1b}[31m\\u{202e}x é");
        assert_eq!(shorten("abcdef", 4), "abc…");
        assert_eq!(markdown("<b>|x|*y*_z_ [a](b) &"), "&lt;b&gt;\\|x\\|\\*y\\*\\_z\\_ \\[a\\]\\(b\\) &amp;");
        assert_eq!(markdown("@me x#1 # GH-1 a-1"), "&#64;&#8203;me x\\#&#8203;1 \\# GH&#8203;-1 a-1");
        assert_eq!(markdown("https://a www.b x/y"), "https:\\//a www\\.b x/y");
        assert_eq!(code("a|b", true), "`a\\|b`");
        assert_eq!(code("a|b", false), "`a|b`");
        assert_eq!(code("`x``y", false), "``` `x``y ```");
        assert_eq!(block("sql", "SELECT '````';"), "`````sql\nSELECT '````';\n`````\n");
        assert_eq!(literal("o'clock"), "'o''clock'");
        assert_eq!(literal("a\\b\n"), "E'a\\\\b\\u000A'");
        assert_eq!(shell("a/b-1.zst"), "a/b-1.zst");
        assert_eq!(shell("it's"), r"'it'\''s'");
    }
}
