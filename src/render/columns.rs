//! Text fitted into the columns of a terminal. Foreign text is made harmless on the way.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::render::text::clean;

/// Columns that a text takes.
pub(super) fn columns(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// One harmless line of at most so many columns, cut with `…`.
pub fn flat(text: &str, most: usize) -> String {
    let text = clean(text);
    if columns(&text) <= most {
        return text;
    }
    let mut out = String::new();
    let mut used = 1; // the mark of the cut
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > most {
            break;
        }
        out.push(c);
    }
    out.push('…');
    out
}

/// A text padded with spaces to so many columns.
pub(super) fn left(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(columns(text))))
}

/// A text with spaces before it, to so many columns.
pub(super) fn right(text: &str, width: usize) -> String {
    format!("{}{text}", " ".repeat(width.saturating_sub(columns(text))))
}

/// Lines of at most so many columns, broken between words; a word that is longer is broken too. The
/// first line begins with `first`, the others with as many spaces.
pub(super) fn wrapped(first: &str, text: &str, width: usize) -> String {
    let indent = " ".repeat(columns(first));
    let room = width.saturating_sub(indent.len()).max(20);
    let mut lines = vec![String::new()];
    for word in clean(text).split(' ').filter(|word| !word.is_empty()) {
        for piece in pieces(word, room) {
            let Some(line) = lines.last_mut() else { continue };
            if line.is_empty() {
                line.push_str(piece);
            } else if columns(line) + 1 + columns(piece) <= room {
                line.push(' ');
                line.push_str(piece);
            } else {
                lines.push(piece.to_owned());
            }
        }
    }
    let mut out = String::new();
    for (i, line) in lines.iter().enumerate() {
        out.push_str(if i == 0 { first } else { &indent });
        out.push_str(line);
        out.push('\n');
    }
    out
}

/// Like `wrapped`, from the first column on.
pub fn paragraph(text: &str, width: usize) -> String {
    wrapped("", text, width)
}

/// A word in pieces of at most so many columns.
fn pieces(word: &str, most: usize) -> Vec<&str> {
    let mut found = Vec::new();
    let (mut start, mut used) = (0, 0);
    for (at, c) in word.char_indices() {
        let width = c.width().unwrap_or(0);
        if used + width > most {
            found.push(&word[start..at]);
            (start, used) = (at, 0);
        }
        used += width;
    }
    found.push(&word[start..]);
    found
}

/// Names in one line, those that are too many only counted.
pub(super) fn listed<T: AsRef<str>>(names: &[T]) -> String {
    const MOST: usize = 12;
    let shown: Vec<&str> = names.iter().take(MOST).map(AsRef::as_ref).collect();
    match names.len().saturating_sub(MOST) {
        0 => shown.join(", "),
        more => format!("{}, … and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_wider_than_asked() {
        assert_eq!((flat("abcdef", 6).as_str(), flat("abcdef", 5).as_str()), ("abcdef", "abcd…"));
        assert_eq!(flat("日本語の表", 6), "日本…");
        assert_eq!(flat("a\nb", 9), "a\\nb");
        assert_eq!((left("日", 4).as_str(), right("日", 4).as_str()), ("日  ", "  日"));
        let text = format!("one two three {} 日本語 \u{1b}[2J end", "x".repeat(50));
        for width in [24, 30, 80] {
            let lines = wrapped("  - ", &text, width);
            assert!(lines.lines().all(|line| columns(line) <= width), "{lines}");
            assert!(lines.starts_with("  - one two three") && lines.ends_with("end\n"), "{lines}");
        }
        assert_eq!(wrapped("- ", "aaaa bbbb cccc dddd eeee", 22), "- aaaa bbbb cccc dddd\n  eeee\n");
        assert_eq!(paragraph("", 10), "\n");
        assert_eq!(listed(&["a", "b"]), "a, b");
        assert!(listed(&["a"; 20]).ends_with("a, … and 8 more"));
    }
}
