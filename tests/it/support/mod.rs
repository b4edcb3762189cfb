//! What the stories need: a local Supabase, the real binary in a scrubbed environment, and a way to
//! compare two databases row by row.

pub mod compare;
pub mod run;
pub mod stack;

pub use compare::{Rows, json_rows, restore_sql, rows_of};
pub use run::{Ran, Run};
pub use stack::Stack;
