//! What the stories need: a local Supabase, the real binary in a scrubbed environment, and a way to
//! compare two databases row by row.

pub(crate) mod compare;
pub(crate) mod github;
pub(crate) mod honest;
pub(crate) mod parts;
pub(crate) mod run;
pub(crate) mod runner;
pub(crate) mod screen;
pub(crate) mod stack;

pub(crate) use compare::restore_sql;
pub(crate) use github::GitHub;
pub(crate) use run::Run;
pub(crate) use screen::Screen;
pub(crate) use stack::Stack;
