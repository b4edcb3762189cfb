//! To somebody who watches: tells the world outside what a command came to. An edge: it knows no project and no
//! store. What cannot be told is given back, never passed over.

pub mod actions;
mod channel;
mod heartbeat;
mod issues;
mod post;

pub use channel::{Channel, ChannelKind};
pub use heartbeat::{Beat, Heartbeat};
pub use issues::{IssueChange, Issues, Opened};
