//! Lines for whoever looks on, on stderr: stdout holds only data.

use crate::context::Context;

pub(super) use crate::stdio::say;

/// Says what is being done, unless nobody wants to hear it.
pub(super) fn talk(context: &Context, text: &str) {
    if !context.terminal.quiet {
        say(text);
    }
}
