//! Lines for whoever looks on, on stderr: stdout holds only data.

use std::io::Write as _;

use crate::context::Context;

/// Says what is being done, unless nobody wants to hear it.
pub(super) fn talk(context: &Context, text: &str) {
    if !context.terminal.quiet {
        say(text);
    }
}

/// Says what everybody has to hear.
pub(super) fn say(text: &str) {
    // nobody may be left to hear it
    let _ = writeln!(std::io::stderr().lock(), "{}", text.replace(char::is_control, " "));
}
