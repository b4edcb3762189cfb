//! Which snapshots stay and which go: facts in, a plan with reasons out. Pure, and told in words in
//! `docs/retention.md`.
//!
//! Only a **good** snapshot counts: complete, read back whole by a verification, and no safety
//! snapshot. The newest good one, the floor and every pin stay whatever the settings say; and where
//! something about a project looks wrong, the whole project is frozen.
//!
//! Of each hour, day, week, month and year the **newest** good snapshot stands for it. So the plan is
//! stable: while time passes and snapshots come, one that was not the newest of its month never
//! becomes it, and planning again after the plan was applied removes nothing.

mod choose;
mod facts;
mod freeze;
mod period;
mod plan;
mod reason;
mod report;
mod settings;

pub use facts::{Proof, SnapshotFacts};
pub use freeze::Freeze;
pub use period::Period;
pub use plan::{Decision, Leftover, ProjectPlan, PrunePlan};
pub use reason::{Reason, span};
pub use report::{PruneReport, Removed};
pub use settings::{Profile, Retention};

#[cfg(test)]
mod tests;
