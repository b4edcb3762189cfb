//! One module per verb: open the edges, call the engine, say what came of it.

pub mod backup;
mod books;
mod channel;
mod choice;
mod clean;
mod connect;
pub mod copy;
pub mod dashboard;
pub mod doctor;
mod drill;
pub mod helper_sql;
mod lease;
pub mod list;
pub mod monitor;
pub mod pin;
pub mod prune;
mod random;
mod read;
pub mod recompress;
pub mod restore;
pub mod run;
pub mod schema;
pub mod sql;
pub mod step;
mod talk;
mod tell;
pub mod verify;
