//! Text to rows and back, pure: the page that the API sends, the COPY lines and JSON lines that are
//! stored, and the digest that proves they are the same rows. Nothing here interprets a value.

mod append;
mod batch;
mod copy;
mod digest;
mod escaped;
mod insert;
mod instant;
mod json;
mod jsonl;
mod observe;
mod page;
mod record;

pub use batch::{Batch, BatchColumn, BatchWriter, RowForm, row_name};
pub(crate) use copy::quote_literal;
pub use copy::{CopyReader, CopyWriter};
pub use digest::{Digest, key_hash, row_hash};
pub use insert::{InsertWriter, SESSION};
pub use instant::write_instant;
pub use jsonl::{JsonReader, JsonWriter};
pub use observe::{Observer, SeenSettings};
pub use page::{PageRow, Shape, Tid, for_each_row};
pub use record::{Fields, write_record};

/// Why stored or received text is not what it should be, in words for a person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub String);

impl From<&str> for Malformed {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<std::io::Error> for Malformed {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}
