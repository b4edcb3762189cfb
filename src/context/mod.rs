//! What a run gets from its process: the clock, the terminal, and the request to stop.

mod step;
mod stop;

use std::ffi::OsString;
use std::io::{self, IsTerminal};

use crate::clock::Clock;
use crate::model::StepReport;

pub use step::{Handed, Step};
pub use stop::{Stop, Switch};

/// Handed to every command; read once, by `main`.
#[derive(Debug, Clone)]
pub struct Context {
    /// The time.
    pub clock: Clock,
    /// Where output goes.
    pub terminal: Terminal,
    /// Whether somebody wants the run to end.
    pub stop: Stop,
    /// The step of a workflow that this is: a runner of GitHub Actions reads along, and is told at the end.
    pub step: Option<Step>,
}

/// Where output goes. The default is a plain file: nobody watches, nothing is coloured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Terminal {
    /// Keys come from a terminal.
    pub stdin_is_terminal: bool,
    /// Data goes to a terminal.
    pub stdout_is_terminal: bool,
    /// Talk goes to a terminal.
    pub stderr_is_terminal: bool,
    /// Nobody asked for plain text: colours may go to whichever stream is a terminal.
    pub color: bool,
    /// A runner watches, not a person.
    pub ci: bool,
    /// Only what needs a person is to be said.
    pub quiet: bool,
    /// Columns of the terminal, if there is one.
    pub width: Option<u16>,
    /// Lines of the terminal, if there is one.
    pub height: Option<u16>,
}

impl Context {
    /// What a runner is told at the end, if one reads along; the last report stands.
    pub fn hand_over(&self, report: impl FnOnce() -> StepReport) {
        if let Some(step) = &self.step {
            step.hand_over(report());
        }
    }
}

impl Terminal {
    /// Looks at the process's streams and at `NO_COLOR`, `TERM` and `CI`. Being quiet is a setting, which
    /// is known later.
    pub fn read(vars: &[(OsString, OsString)], no_color: bool) -> Self {
        #[expect(clippy::disallowed_methods, reason = "nothing is written")]
        let (stdout, stderr) = (io::stdout(), io::stderr());
        let (stdout_is_terminal, stderr_is_terminal) = (stdout.is_terminal(), stderr.is_terminal());
        let size = if stdout_is_terminal {
            rustix::termios::tcgetwinsize(stdout)
        } else {
            rustix::termios::tcgetwinsize(stderr)
        };
        let size = size.ok();
        let width = size.map(|size| size.ws_col).filter(|&columns| columns > 0);
        let height = size.map(|size| size.ws_row).filter(|&lines| lines > 0);
        let (color, ci) = wishes(vars, no_color);
        let stdin_is_terminal = io::stdin().is_terminal();
        Self { stdin_is_terminal, stdout_is_terminal, stderr_is_terminal, color, ci, quiet: false, width, height }
    }

    /// Whether stdout may be coloured.
    pub fn color_on_stdout(&self) -> bool {
        self.color && self.stdout_is_terminal
    }

    /// Whether stderr may be coloured.
    pub fn color_on_stderr(&self) -> bool {
        self.color && self.stderr_is_terminal
    }

    /// Whether there is a person who can be asked: one who sees stderr and has keys, and no CI runner.
    pub fn may_ask(&self) -> bool {
        self.stdin_is_terminal && self.is_watched()
    }

    /// Whether a person sees stderr, so that something may move there.
    pub fn is_watched(&self) -> bool {
        self.stderr_is_terminal && !self.ci
    }
}

/// Colour wanted (<https://no-color.org>), and whether this is CI.
fn wishes(vars: &[(OsString, OsString)], no_color: bool) -> (bool, bool) {
    let value = |name: &str| vars.iter().find(|(known, _)| known == name).map(|(_, value)| value.to_string_lossy());
    let is_set = |name: &str| value(name).is_some_and(|value| !value.is_empty());
    let color = !no_color && !is_set("NO_COLOR") && value("TERM").is_none_or(|term| term != "dumb");
    let ci = is_set("CI") && value("CI").is_none_or(|ci| !matches!(ci.as_ref(), "false" | "0"));
    (color, ci)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_and_ci_follow_the_usual_variables() {
        for (variable, value, no_color, expected) in [
            ("TERM", "xterm-256color", false, (true, false)),
            ("TERM", "xterm-256color", true, (false, false)),
            ("TERM", "dumb", false, (false, false)),
            ("NO_COLOR", "1", false, (false, false)),
            ("NO_COLOR", "", false, (true, false)),
            ("CI", "true", false, (true, true)),
            ("CI", "false", false, (true, false)),
            ("CI", "", false, (true, false)),
        ] {
            let vars = [(variable.into(), value.into())];
            assert_eq!(wishes(&vars, no_color), expected, "{variable}={value}");
        }
        assert_eq!(wishes(&[], false), (true, false));
    }

    #[test]
    fn a_file_gets_no_colours_even_if_they_are_wanted() {
        let terminal = Terminal { color: true, stderr_is_terminal: true, ..Terminal::default() };
        assert!(!terminal.color_on_stdout() && terminal.color_on_stderr() && terminal.is_watched());
        assert!(!Terminal { ci: true, ..terminal }.is_watched());
    }

    #[test]
    fn only_a_person_with_keys_and_a_screen_is_asked() {
        let person = Terminal { stdin_is_terminal: true, stderr_is_terminal: true, ..Terminal::default() };
        assert!(person.may_ask());
        assert!(!Terminal { stdin_is_terminal: false, ..person }.may_ask());
        assert!(!Terminal { stderr_is_terminal: false, ..person }.may_ask());
        assert!(!Terminal { ci: true, ..person }.may_ask());
    }
}
