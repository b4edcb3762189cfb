//! The project, as its REST API shows it, and as SQL shows it where that can be had: what there is,
//! and its rows as text.
//!
//! Facts about PostgREST that this room is built on, and where they were measured, stand in
//! `docs/decisions.md`.

mod client;
mod health;
mod openapi;
mod probe;
mod rows;
pub mod sql;
mod tables;
mod write;

pub use client::{ApiError, Client};
pub use health::{HealthError, is_paused, project_health};
pub use probe::{Access, Guard, Paging, Probe, RowSource, float_digits, probe};
pub use rows::{Page, Window};
pub use tables::TableReader;
pub use write::{
    Conflict, Delete, Load, NO_REHEARSAL, RestWriter, RowVersion, SqlWriter, Writable, WriteError, Writer,
};
