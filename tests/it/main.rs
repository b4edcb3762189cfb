//! Stories end to end: the real binary against a real PostgreSQL behind a real PostgREST.

mod architecture;
mod compat;
mod coverage;
mod docs;
mod doctor;
mod faults;
mod judge;
mod kills;
mod reading;
mod recovery;
mod render;
mod sample;
mod schema_changes;
mod secrets;
mod sql_channel;
mod stack_sql;
mod store;
mod support;
mod torture;
mod verify;
mod writers;
