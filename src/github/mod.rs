//! What speaks to GitHub's API: for stores and for notifications, which do not know each other. A
//! client with time limits and bounded patience, errors that say what to do, and the questions about
//! a repository that more than one room asks.

mod client;
mod patience;
mod refusal;
mod repository;
mod settings;
mod transport;

pub use client::{Ask, Github};
pub use refusal::{GithubError, Reason};
pub use repository::Repository;
pub use settings::{Runner, Settings};
