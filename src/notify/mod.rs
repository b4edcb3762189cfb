//! To somebody who watches: tells the world outside what a run came to. An edge: it knows no project and no
//! store. What cannot be told is given back, never passed over.

pub mod actions;
mod heartbeat;

pub use heartbeat::{Beat, Heartbeat};
