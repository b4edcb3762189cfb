//! Reading a table of the project, whatever is done with its rows: windows, pages in key order, and
//! whose rows they are.

mod error;
mod keys;
mod owners;
mod steps;
mod task;
mod window;

pub(crate) use error::TableError;
pub(crate) use keys::{KeyPages, whole_page};
pub(crate) use owners::{Owners, Unread, own_rows};
pub(crate) use steps::{Steps, fits_one_page};
pub(crate) use task::{Task, first};
pub(crate) use window::{DAMAGED_TRIES, read_window};

/// How many threads go through rows at once.
pub(crate) fn hands() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from).clamp(1, 4)
}
