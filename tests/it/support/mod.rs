//! What the stories need: a local Supabase, the real binary in a scrubbed environment, and a way to
//! compare two databases row by row.

pub mod compare;
pub mod run;
pub mod stack;

pub use compare::restore_sql;
pub use run::Run;
pub use stack::Stack;
