//! Questions to a person, on stderr: what to restore, how, and whether it is really meant.
//!
//! The flow knows nothing of terminals: it asks through [`Ask`]. [`aside()`] brings a real one, and
//! gives the terminal back as it was, however the questions end. Whether there is a person at all is for
//! the caller to find out first: [`crate::context::Terminal::may_ask`].

mod confirm;
mod pick;
mod prompts;

use std::io;
use std::time::Duration;

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::context::Context;
use crate::error::Failure;
use crate::stdio;

pub use confirm::{confirm, not_this_project};
pub use pick::{pick_mode, pick_snapshot, pick_tables};

/// Somebody who answers.
pub trait Ask {
    /// Columns of the screen.
    fn width(&self) -> usize;

    /// Shows lines that need no answer.
    fn say(&mut self, text: &str) -> Result<(), Unanswered>;

    /// One of the entries, by its index. There is at least one.
    fn one_of(&mut self, question: &str, entries: &[Entry]) -> Result<usize, Unanswered>;

    /// Some of the entries, by their indexes, none twice; all are chosen at first. There is at least one.
    fn some_of(&mut self, question: &str, entries: &[Entry]) -> Result<Vec<usize>, Unanswered>;

    /// A line of text, without the spaces around it.
    fn line(&mut self, question: &str) -> Result<String, Unanswered>;
}

/// One line of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What is shown, cut to the screen.
    pub label: String,
    /// What the filter looks into.
    pub whole: String,
    /// What is shown once it is chosen.
    pub short: String,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unanswered {
    /// The person left: Ctrl-C or Esc.
    Left,
    /// There is nothing to choose from: why.
    Nothing(String),
    /// Three times another project was named.
    NotConfirmed,
    /// The terminal does not do what it should.
    Broken(String),
}

impl From<Unanswered> for Failure {
    fn from(reason: Unanswered) -> Self {
        match reason {
            Unanswered::Left => Self::failed("left at a question: nothing was written"),
            Unanswered::Nothing(why) => Self::failed(format!("{why}: nothing was written")),
            Unanswered::NotConfirmed => Self::failed("the project was not confirmed: nothing was written"),
            Unanswered::Broken(why) => Self::failed(format!("asking on the terminal: {why}: nothing was written"))
                .hint("without questions: name snapshot, tables and --mode, and the project's ref with --confirm"),
        }
    }
}

/// Asks on the terminal, beside the runtime, until all is answered or the run is to stop. Nothing may have
/// been written before: that is what a person who leaves is told.
pub async fn aside<T: Send + 'static>(
    context: &Context,
    questions: impl FnOnce(&mut dyn Ask) -> Result<T, Unanswered> + Send + 'static,
) -> Result<T, Failure> {
    let mut borrowed = Borrowed::new();
    let terminal = context.terminal;
    let asking = tokio::task::spawn_blocking(move || questions(&mut prompts::Prompts::new(&terminal)));
    tokio::select! {
        answer = asking => {
            borrowed.given_back = true;
            if matches!(answer, Ok(Err(Unanswered::Left))) {
                // the question still stands where the next line goes
                stdio::tell(CLEARED);
            }
            match answer {
                Ok(answer) => answer.map_err(Failure::from),
                Err(panic) => Err(Unanswered::Broken(panic.to_string()).into()),
            }
        }
        signal = context.stop.wait() => {
            // a question that is just being drawn would draw over what is said now
            tokio::time::sleep(FRAME).await;
            Err(Failure::failed(format!("stopped by {signal}: nothing was written")))
        }
    }
}

/// Within this a question is drawn.
const FRAME: Duration = Duration::from_millis(50);

/// The terminal as it was before the first question. A thread that waits for a key cannot be ended, so
/// whoever stops waiting for it restores the terminal in its place.
struct Borrowed {
    before: Option<Termios>,
    given_back: bool,
}

impl Borrowed {
    fn new() -> Self {
        Self { before: tcgetattr(io::stdin()).ok(), given_back: false }
    }
}

/// Nothing from the beginning of this line on.
const CLEARED: &str = "\r\x1b[J";

/// Below the question, the rest of it cleared, no bracketed paste, a cursor to be seen.
const AFTER: &str = "\r\n\x1b[J\x1b[?2004l\x1b[?25h";

impl Drop for Borrowed {
    fn drop(&mut self) {
        if self.given_back {
            return;
        }
        if let Some(before) = &self.before {
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, before);
        }
        stdio::tell(AFTER);
    }
}

#[cfg(test)]
mod tests;
