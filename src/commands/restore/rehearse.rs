//! Writes the first rows of every table and takes them back: what the database would say, before
//! anything is written.

use tokio::sync::OnceCell;

use super::apply::Apply;
use super::send::{conflict, may_lift};
use super::trial::Trial;
use super::work::{JsonFields, Work};
use crate::error::Failure;
use crate::format::Batch;
use crate::model::RowRefused;
use crate::supabase::{Conflict, Delete, Load, WriteError};

/// Requests that one table's rehearsal may take to find the rows that are refused.
const MOST_REQUESTS: u32 = 400;

/// Why a row that the database takes counts as refused.
const DROPPED: &str = "it is taken and not stored: a trigger or a rule drops it, or the project has a row whose key is \
                       equal and written otherwise (1.0 and 1.00)";

/// The fewest rows of a batch that is rehearsed. Where the server takes back what does not end in one row,
/// a trigger that drops one of two would leave the other.
pub(super) fn least(work: &Work) -> usize {
    if work.writer.least_rehearsed() > 1 { 3 } else { 1 }
}

/// Batches in a row that wait for other tables, before the rest is taken to do so as well.
const MOST_LIFTED: u32 = 12;

/// What a rehearsal of one table showed.
#[derive(Debug, Default)]
pub(super) struct Rehearsed {
    /// Rows that were tried.
    pub(super) tried: u64,
    /// Every row that is to be written was tried.
    pub(super) is_whole: bool,
    /// Rows that would be added, and are refused.
    pub(super) adds: Vec<RowRefused>,
    /// Rows that would be changed, and are refused.
    pub(super) changes: Vec<RowRefused>,
    /// Rows whose refusal may pass once others are written.
    pub(super) open: u64,
    /// Rows that could not be tried.
    pub(super) untried: u64,
    /// Rows with a value that the Data API writes otherwise than it is stored.
    pub(super) respelled: u64,
    /// Rows that were tried with nothing beside them: what is checked at the end of a statement was not.
    pub(super) lone: u64,
}

impl Apply<'_> {
    /// Rehearses one table.
    pub(super) async fn rehearse(&self, work: &Work) -> Result<Rehearsed, Failure> {
        if work.plan.counts.add + work.plan.counts.change == 0 {
            return Ok(Rehearsed { is_whole: true, ..Rehearsed::default() });
        }
        let Trial { batches, mut seen, is_full, beside, .. } = self.tried_rows(work).await?;
        seen.is_whole = !is_full;
        let mut requests = 0;
        let beside = Beside { rows: &beside, is_taken: OnceCell::new() };
        for (batch, is_change) in batches.iter().flat_map(|pair| [(&pair[0], false), (&pair[1], true)]) {
            let of = Of { work, is_change };
            let refused = self.try_batch(of, batch, &beside, &mut requests, &mut seen).await?;
            if is_change { &mut seen.changes } else { &mut seen.adds }.extend(refused);
        }
        seen.is_whole &= requests < MOST_REQUESTS && seen.untried == 0;
        Ok(seen)
    }

    /// What the rows alone tell, without a table to try them in.
    pub(super) async fn look(&self, work: &Work) -> Result<Rehearsed, Failure> {
        if JsonFields::of(work).are_none() {
            return Ok(Rehearsed { is_whole: true, ..Rehearsed::default() });
        }
        Ok(Rehearsed { is_whole: true, ..self.tried_rows(work).await?.seen })
    }

    async fn tried_rows(&self, work: &Work) -> Result<Trial, Failure> {
        let mut trial = Trial::new(work);
        for part in work.entry.parts_of(work.artifact) {
            trial = self
                .reader
                .rows_of_part(&work.entry, part, trial, |trial, fields| {
                    trial.row(fields);
                    Ok(())
                })
                .await?;
            if trial.is_full && trial.json.are_none() {
                break;
            }
        }
        Ok(trial)
    }

    /// Rehearses what is deleted from one table: the rows that are refused for good.
    pub(super) async fn rehearse_deletes(&self, work: &Work) -> Result<Vec<RowRefused>, Failure> {
        let doomed = work.doomed();
        let at_once = work.writer.delete_rows().max(1);
        let mut todo: Vec<(usize, usize)> =
            (0..doomed.len()).step_by(at_once).map(|from| (from, doomed.len().min(from + at_once))).rev().collect();
        let mut refused = Vec::new();
        for _ in 0..MOST_REQUESTS {
            let Some((from, to)) = todo.pop() else { break };
            let delete = Delete { table: &work.plan.target, rows: &doomed[from..to], rehearse: true };
            match work.writer.delete(&delete).await {
                Ok(_) => {}
                Err(WriteError::Fatal(failure)) => return Err(failure),
                Err(_) if to - from > 1 => {
                    let middle = from + (to - from) / 2;
                    todo.extend([(middle, to), (from, middle)]);
                }
                Err(error) => refused.push(RowRefused { row: work.doomed_name(from), reason: error.to_string() }),
            }
        }
        Ok(refused)
    }

    async fn try_batch(
        &self,
        of: Of<'_>,
        batch: &Batch,
        beside: &Beside<'_>,
        requests: &mut u32,
        seen: &mut Rehearsed,
    ) -> Result<Vec<RowRefused>, Failure> {
        let mut refused = Vec::new();
        let mut alone = Vec::new();
        let mut good = None;
        let mut lifted = 0;
        let mut todo = vec![(0, batch.len())];
        while let Some((from, to)) = todo.pop() {
            if from == to {
                continue;
            }
            if to - from < least(of.work) {
                alone.extend(from..to);
                continue;
            }
            if *requests >= MOST_REQUESTS {
                break;
            }
            *requests += 1;
            match try_rows(of, batch, (from, to)).await? {
                Tried::Taken => {
                    lifted = 0;
                    seen.tried += (to - from) as u64;
                    good = (to - from > 1).then_some(from);
                }
                // trying fewer of them might leave one row over, which would stay
                Tried::Dropped(rows) => {
                    seen.tried += (to - from) as u64;
                    refused.extend(some_of(batch, (from, to), rows, DROPPED));
                    return Ok(refused);
                }
                // not a row's fault, but the table's
                Tried::Refused(code, reason) if code == NO_SUCH_STATE => {
                    let rows = batch.len() - from;
                    seen.tried += rows as u64;
                    refused.extend(some_of(batch, (from, batch.len()), rows as u64, &reason));
                    return Ok(refused);
                }
                // row after row for one reason, which goes away with the tables that come before
                Tried::Refused(code, _) if may_lift(&code) && lifted == MOST_LIFTED => {
                    seen.open += (to - from) as u64;
                    seen.open += todo.drain(..).map(|(from, to)| (to - from) as u64).sum::<u64>();
                }
                tried @ Tried::Refused(..) if to - from == 1 => judge(seen, &mut refused, batch.name(from), tried),
                Tried::Refused(code, _) => {
                    lifted = if may_lift(&code) { lifted + 1 } else { 0 };
                    let middle = from + (to - from) / 2;
                    todo.extend([(middle, to), (from, middle)]);
                }
            }
        }
        self.try_alone(of, batch, &alone, good, beside, requests, seen, &mut refused).await?;
        Ok(refused)
    }

    /// Rows that cannot be tried alone are tried together with two that are known to be taken.
    #[expect(clippy::too_many_arguments, reason = "the state of one rehearsal")]
    async fn try_alone(
        &self,
        of: Of<'_>,
        batch: &Batch,
        rows: &[usize],
        good: Option<usize>,
        beside: &Beside<'_>,
        requests: &mut u32,
        seen: &mut Rehearsed,
        refused: &mut Vec<RowRefused>,
    ) -> Result<(), Failure> {
        for &row in rows {
            if *requests >= MOST_REQUESTS {
                seen.untried += 1;
                continue;
            }
            *requests += 1;
            let mut few = Batch::default();
            if let Some(good) = good {
                few.push_from(batch, good);
                few.push_from(batch, good + 1);
            } else if beside.are_taken(of.work).await? {
                few.push_from(beside.rows, 0);
                few.push_from(beside.rows, 1);
            } else {
                try_twice(of.work, batch, row, seen, refused).await?;
                continue;
            }
            few.push_from(batch, row);
            judge(seen, refused, batch.name(row), try_rows(of, &few, (0, 3)).await?);
        }
        Ok(())
    }
}

/// Rows that the project has as they are in the snapshot: setting them anew changes nothing, so a row can
/// be tried beside them.
struct Beside<'a> {
    rows: &'a Batch,
    is_taken: OnceCell<bool>,
}

/// So many of them: two to try another row beside, and a third to try these two with.
pub(super) const BESIDE: usize = 3;

impl Beside<'_> {
    /// Whether there are any, and the database takes them.
    async fn are_taken(&self, work: &Work) -> Result<bool, Failure> {
        let ask = || async {
            if self.rows.len() < BESIDE {
                return Ok(false);
            }
            let tried = try_with(work, self.rows, (0, BESIDE), Conflict::Update(&work.conflict_key)).await?;
            Ok(matches!(tried, Tried::Taken))
        };
        self.is_taken.get_or_try_init(ask).await.copied()
    }
}

/// Without such rows: the same row two times over. That it collides with itself shows that nothing before
/// the key's index refuses it.
async fn try_twice(
    work: &Work,
    batch: &Batch,
    row: usize,
    seen: &mut Rehearsed,
    refused: &mut Vec<RowRefused>,
) -> Result<(), Failure> {
    let mut pair = Batch::default();
    pair.push_from(batch, row);
    pair.push_from(batch, row);
    let key = &work.conflict_key;
    // with a key, the collision with itself differs from one with another row
    let (conflict, with_itself): (_, &[&str]) = match key.is_empty() {
        true => (Conflict::Refuse, &["23505", "23P01"]),
        false => (Conflict::Update(key), &[TWICE]),
    };
    seen.lone += 1;
    let tried = match try_with(work, &pair, (0, 2), conflict).await? {
        Tried::Refused(code, _) if with_itself.contains(&code.as_str()) => Tried::Taken,
        other => other,
    };
    judge(seen, refused, batch.name(row), tried);
    Ok(())
}

/// `cardinality_violation`: one statement would set a row twice.
const TWICE: &str = "21000";

/// `object_not_in_prerequisite_state`: the table's key is deferrable, and so no row can be found by it.
const NO_SUCH_STATE: &str = "55000";

/// So many rows of a range are refused, and nobody knows which.
fn some_of<'b>(
    batch: &'b Batch,
    (from, to): (usize, usize),
    rows: u64,
    reason: &'b str,
) -> impl Iterator<Item = RowRefused> + use<'b> {
    let row = format!("{rows} of {} rows from {} on", to - from, batch.name(from));
    (0..rows).map(move |_| RowRefused { row: row.clone(), reason: reason.to_owned() })
}

/// What the database says of some rows.
enum Tried {
    Taken,
    /// So many are taken and not stored.
    Dropped(u64),
    /// Code and reason.
    Refused(String, String),
}

async fn try_rows(Of { work, is_change }: Of<'_>, batch: &Batch, range: (usize, usize)) -> Result<Tried, Failure> {
    try_with(work, batch, range, conflict(&work.conflict_key, work.keeps_existing() || !is_change)).await
}

/// What is rehearsed.
#[derive(Clone, Copy)]
struct Of<'a> {
    work: &'a Work,
    /// Rows that are there with other values, and not rows that are not there.
    is_change: bool,
}

async fn try_with(work: &Work, batch: &Batch, range: (usize, usize), conflict: Conflict<'_>) -> Result<Tried, Failure> {
    let (table, columns) = (&work.plan.target, work.plan.columns.as_slice());
    let load = Load { table, columns, conflict, batch, range, rehearse: true };
    Ok(match work.writer.write(&load).await {
        Ok(rows) if rows == (range.1 - range.0) as u64 => Tried::Taken,
        Ok(rows) => Tried::Dropped(((range.1 - range.0) as u64).saturating_sub(rows)),
        Err(WriteError::Fatal(failure)) => return Err(failure),
        Err(WriteError::Refused { code, message }) => Tried::Refused(code, message),
        Err(WriteError::TooMuch(why) | WriteError::Unknown(why)) => Tried::Refused(String::new(), why),
    })
}

/// What a trial says of one row.
fn judge(seen: &mut Rehearsed, refused: &mut Vec<RowRefused>, row: String, tried: Tried) {
    seen.tried += 1;
    let reason = match tried {
        Tried::Taken => return,
        Tried::Dropped(_) => DROPPED.to_owned(),
        Tried::Refused(code, _) if may_lift(&code) => {
            seen.open += 1;
            return;
        }
        Tried::Refused(_, reason) => reason,
    };
    refused.push(RowRefused { row, reason });
}
