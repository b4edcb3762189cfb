//! The two streams, and the only place that writes to them: stdout holds data and results, stderr what is said
//! meanwhile.
//!
//! A runner of GitHub Actions reads both and takes some lines for commands: one that begins with `::name::`, and one
//! that holds `##[name]` anywhere. Names of tables, messages of servers and notes come from others, so everything
//! for people, and every JSON document, is made [`harmless`] on its way out. It is so everywhere: a container that is
//! started in a step does not know that a runner reads along. Scripts may not be changed; see [`Script`].

use std::borrow::Cow;
use std::io::{self, BufWriter, ErrorKind, Write};

/// Writes data to standard output. That nobody reads it to its end (`| head`) is no error.
pub fn print(text: &str) -> io::Result<()> {
    let mut out = stdout().lock();
    match out.write_all(harmless(text).as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// One line for whoever looks on.
pub fn say(line: &str) {
    tell(&format!("{}\n", line.replace(char::is_control, " ")));
}

/// Whole lines for whoever looks on.
pub fn tell(text: &str) {
    // nobody may be left to hear it
    let _ = show(text);
}

/// Like [`tell`], where it matters whether it is seen.
pub fn show(text: &str) -> io::Result<()> {
    let mut err = stderr().lock();
    err.write_all(harmless(text).as_bytes()).and_then(|()| err.flush())
}

/// Commands for a runner, one a line, as `render` makes them. They go where nobody expects data.
pub fn command(lines: &[String]) {
    if !lines.is_empty() {
        // nobody may be left to hear it
        let _ = stderr().lock().write_all((lines.join("\n") + "\n").as_bytes());
    }
}

/// The text without any line that a runner takes for a command. What would be one shows its first character as an
/// escape; in a JSON document that is the same character still (only strings hold `#`, and no line begins with `::`).
pub fn harmless(text: &str) -> Cow<'_, str> {
    if !text.contains("##[") && !text.contains("::") {
        return Cow::Borrowed(text);
    }
    let text = text.replace("##[", "#\\u0023[");
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive(['\n', '\r']) {
        let rest = line.trim_start_matches(is_passed_over);
        out.push_str(&line[..line.len() - rest.len()]);
        match rest.strip_prefix("::") {
            Some(rest) => out.extend(["\\u003a:", rest]),
            None => out.push_str(rest),
        }
    }
    Cow::Owned(out)
}

/// White space, which a runner trims, and what is not seen, which comparing texts by culture leaves out.
fn is_passed_over(c: char) -> bool {
    let is_unseen = matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    c.is_whitespace() || c.is_control() || is_unseen
}

/// A SQL script on standard output, byte for byte what it is.
///
/// Where a runner may read along, it begins and ends with a comment: the first tells the runner to take no commands
/// until it reads a word that nobody can guess, and the second is that word. (In this one form a command may stand
/// anywhere in a line.) Both are on the stream of the script, for between two streams a runner keeps no order. A
/// script that breaks off has no second comment, which `psql` could take for a row: then the rest of the step has no
/// commands.
#[derive(Debug)]
pub struct Script {
    out: BufWriter<io::Stdout>,
    word: Option<String>,
    begun: bool,
}

impl Script {
    /// Nothing is written before the script's first byte.
    pub fn new(runner_reads: bool) -> io::Result<Self> {
        let word = if runner_reads { Some(word()?) } else { None };
        Ok(Self { out: BufWriter::with_capacity(256 << 10, stdout()), word, begun: false })
    }

    /// The script is whole.
    pub fn end(mut self) -> io::Result<()> {
        if let Some(word) = self.word.as_ref().filter(|_| self.begun) {
            writeln!(self.out, "-- ##[{word}]")?;
        }
        self.out.flush()
    }
}

impl Write for Script {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.begun {
            self.begun = true;
            if let Some(word) = &self.word {
                writeln!(self.out, "-- ##[stop-commands]{word}")?;
            }
        }
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// 128 bits that nobody can guess.
fn word() -> io::Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| io::Error::other(format!("reading random bytes: {error}")))?;
    Ok(format!("{:032x}", u128::from_le_bytes(bytes)))
}

#[expect(clippy::disallowed_methods, reason = "the one place that writes to it")]
fn stdout() -> io::Stdout {
    io::stdout()
}

#[expect(clippy::disallowed_methods, reason = "the one place that writes to it")]
fn stderr() -> io::Stderr {
    io::stderr()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_runner_takes_for_a_command_is_broken_and_all_else_stays() {
        for (text, expected) in [
            ("public.orders: 12 rows\n", "public.orders: 12 rows\n"),
            ("'a'::regclass, 10::int and a::b::c\n", "'a'::regclass, 10::int and a::b::c\n"),
            ("::error::x\n", "\\u003a:error::x\n"),
            ("a\n  ::error::x\nb", "a\n  \\u003a:error::x\nb"),
            ("a\r\u{a0}::error::x", "a\r\u{a0}\\u003a:error::x"),
            ("\u{feff}\u{1}::error::x", "\u{feff}\u{1}\\u003a:error::x"),
            ("a ##[add-mask]x ###[y]", "a #\\u0023[add-mask]x ##\\u0023[y]"),
        ] {
            assert_eq!(harmless(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_json_document_means_the_same() -> Result<(), serde_json::Error> {
        for name in ["##[error]x", "\\##[error]x", "a\"##[x] \\\\##[y]", "::error::x", "\n::error::x"] {
            let document = serde_json::json!({ name: [name, { "deeper": name }], "####[": 1 });
            let printed = serde_json::to_string_pretty(&document)?;
            assert_eq!(serde_json::from_str::<serde_json::Value>(&harmless(&printed))?, document);
        }
        Ok(())
    }
}
