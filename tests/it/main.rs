//! Stories end to end: the real binary against a real PostgreSQL behind a real PostgREST.

mod support;
mod torture;
mod writers;
