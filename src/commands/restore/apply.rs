//! Does what the plan says: adds and changes in the order of foreign keys, then deletes the other way
//! round, and then tries again what had to wait.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use tokio::sync::{Semaphore, mpsc};

use super::send::{Kind, Sender, Tally, refused};
use super::work::{JsonFields, Mark, Marks, Work};
use crate::error::Failure;
use crate::format::{Batch, BatchWriter};
use crate::model::{RowRefused, TableEntry, TableName};
use crate::progress::{Progress, TableProgress};
use crate::snapshot::Reader;
use crate::supabase::{Delete, RowVersion, WriteError};

/// Everything that the work shares.
pub(super) struct Apply<'a> {
    pub(super) reader: &'a Reader<'a>,
    pub(super) connections: usize,
    pub(super) progress: Progress,
    pub(super) keep_going: bool,
    /// Batches that are full and not yet written.
    pub(super) room: Arc<Semaphore>,
}

/// Rounds over rows that wait for each other.
const ROUNDS: usize = 20;

impl Apply<'_> {
    /// Writes everything. `works` are in the order of the plan. One tally for each comes back; a failure
    /// leaves what was written.
    pub(super) async fn run(&self, works: &[Work]) -> Result<Vec<Arc<Tally>>, Failure> {
        let tallies: Vec<Arc<Tally>> = works.iter().map(|_| Arc::default()).collect();
        let mut steps: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (i, work) in works.iter().enumerate() {
            steps.entry(work.plan.step).or_default().push(i);
        }
        for step in steps.values() {
            self.together(step, |i| self.load(&works[i], &tallies[i], Pass::First)).await?;
        }
        let circles: Vec<usize> = (0..works.len()).filter(|&i| !works[i].plan.later.is_empty()).collect();
        self.together(&circles, |i| self.load(&works[i], &tallies[i], Pass::Second)).await?;
        self.wait(works, &tallies, false).await?;
        for step in steps.values().rev() {
            self.together(step, |i| self.delete(&works[i], &tallies[i])).await?;
        }
        self.wait(works, &tallies, true).await?;
        Ok(tallies)
    }

    async fn together<F: Future<Output = Result<(), Failure>>>(
        &self,
        tables: &[usize],
        job: impl Fn(usize) -> F,
    ) -> Result<(), Failure> {
        stream::iter(tables.iter().map(|&i| job(i))).buffer_unordered(self.connections).try_collect().await
    }

    fn sender(&self, work: &Work, tally: &Arc<Tally>) -> Sender {
        Sender {
            writer: Arc::clone(&work.writer),
            table: work.plan.target.clone(),
            columns: work.plan.columns.clone(),
            key: work.conflict_key.clone(),
            keep_existing: work.keeps_existing(),
            keep_going: self.keep_going,
            tally: Arc::clone(tally),
        }
    }

    /// Reads the table's rows from the snapshot and writes those that have to be.
    async fn load(&self, work: &Work, tally: &Arc<Tally>, pass: Pass) -> Result<(), Failure> {
        if work.plan.counts.add + work.plan.counts.change == 0 {
            return Ok(());
        }
        let mut progress = self.progress.table(&work.plan.target, Some(work.plan.counts.add + work.plan.counts.change));
        let mut sender = self.sender(work, tally);
        if pass == Pass::Second {
            // rows that were added without these columns are there now
            sender.keep_existing = false;
        }
        let (queue, batches) = mpsc::channel::<Full>(self.connections.max(2));
        let reading = self.read(work, tally, pass, queue);
        let writing = self.write(sender, batches, &mut progress);
        let (read, written) = tokio::join!(reading, writing);
        progress.read_all();
        // a refusal ends the reading too, and is what there is to say
        written.and(read)
    }

    async fn write(
        &self,
        sender: Sender,
        batches: mpsc::Receiver<Full>,
        progress: &mut TableProgress,
    ) -> Result<(), Failure> {
        let sender = &sender;
        let sent = stream::unfold(batches, async |mut queue| queue.recv().await.map(|full| (full, queue)))
            .map(|full| async move {
                sender.send(&full.batch, full.kind).await?;
                Ok::<_, Failure>((full.batch.len() as u64, full.batch.bytes() as u64))
            })
            .buffer_unordered(self.connections);
        let mut sent = std::pin::pin!(sent);
        while let Some(done) = sent.next().await {
            let (rows, bytes) = done?;
            progress.add(rows, bytes);
        }
        Ok(())
    }

    /// Reads rows on a thread of its own and fills batches with them.
    async fn read(
        &self,
        work: &Work,
        tally: &Arc<Tally>,
        pass: Pass,
        queue: mpsc::Sender<Full>,
    ) -> Result<(), Failure> {
        let mut filler = Filler::new(self, work, tally, pass, queue);
        for part in work.entry.parts_of(work.artifact) {
            filler = self.reader.rows_of_part(&work.entry, part, filler, |filler, fields| filler.row(fields)).await?;
        }
        filler.flush().await
    }

    async fn delete(&self, work: &Work, tally: &Arc<Tally>) -> Result<(), Failure> {
        let doomed = work.doomed();
        if doomed.is_empty() {
            return Ok(());
        }
        let mut progress = self.progress.table(&work.plan.target, Some(doomed.len() as u64));
        progress.phase("deleting");
        let mut todo: Vec<Vec<usize>> = (0..doomed.len())
            .collect::<Vec<_>>()
            .chunks(work.writer.delete_rows())
            .rev()
            .map(<[usize]>::to_vec)
            .collect();
        let mut waiting: Vec<(usize, RowRefused)> = Vec::new();
        let mut held = usize::MAX;
        loop {
            while let Some(rows) = todo.pop() {
                let versions: Vec<RowVersion> = rows.iter().map(|&i| doomed[i]).collect();
                let delete = Delete { table: &work.plan.target, rows: &versions, rehearse: false };
                match work.writer.delete(&delete).await {
                    Ok(deleted) => {
                        tally.deleted.fetch_add(deleted, Ordering::Relaxed);
                        progress.add(rows.len() as u64, 0);
                    }
                    Err(WriteError::Fatal(failure)) => return Err(failure),
                    // whoever compares afterwards finds out
                    Err(WriteError::Unknown(_)) => {
                        tally.unknown.fetch_add(1, Ordering::Relaxed);
                    }
                    Err(WriteError::TooMuch(_) | WriteError::Refused { .. }) if rows.len() > 1 => {
                        let (low, high) = rows.split_at(rows.len() / 2);
                        todo.extend([high.to_vec(), low.to_vec()]);
                    }
                    Err(error) => {
                        let reason = error.to_string();
                        waiting.push((rows[0], RowRefused { row: work.doomed_name(rows[0]), reason }));
                    }
                }
            }
            // a row may have been held by another one that was deleted since
            if waiting.is_empty() || waiting.len() >= held {
                break;
            }
            held = waiting.len();
            todo = waiting.drain(..).map(|(row, _)| vec![row]).collect();
        }
        progress.read_all();
        for (_, refusal) in waiting {
            if !self.keep_going {
                return Err(refused(&work.plan.target, &refusal));
            }
            tally.refuse(refusal);
        }
        Ok(())
    }

    /// Tries rows again that others may have made room for, until nothing moves any more.
    async fn wait(&self, works: &[Work], tallies: &[Arc<Tally>], is_last: bool) -> Result<(), Failure> {
        for _ in 0..ROUNDS {
            let mut before = 0;
            let mut after = 0;
            for (work, tally) in works.iter().zip(tallies) {
                let waiting = tally.take_waiting();
                before += waiting.len();
                let sender = self.sender(work, tally);
                for row in &waiting {
                    sender.send(&row.batch, row.kind).await?;
                }
                after += tally.waits();
            }
            if after == 0 || after == before {
                break;
            }
        }
        if !is_last {
            return Ok(());
        }
        for (work, tally) in works.iter().zip(tallies) {
            for row in tally.take_waiting() {
                if !self.keep_going {
                    return Err(refused(&work.plan.target, &row.refusal));
                }
                tally.refuse(row.refusal);
            }
        }
        Ok(())
    }
}

/// Which time a table's rows are gone through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pass {
    /// Rows that are added, and those that are changed, but for columns that have to come later.
    First,
    /// The same rows whole, where a column had to come later.
    Second,
}

/// A batch that is ready to be sent.
struct Full {
    batch: Batch,
    kind: Kind,
    _room: tokio::sync::OwnedSemaphorePermit,
}

/// Fills batches with the rows of one table.
struct Filler {
    marks: Marks,
    added: BatchWriter,
    whole: BatchWriter,
    pass: Pass,
    /// Fields of columns that come later.
    later: Vec<usize>,
    json: JsonFields,
    table: TableName,
    keep_going: bool,
    tally: Arc<Tally>,
    row: u64,
    /// One for each kind.
    batches: [Batch; 3],
    most_bytes: usize,
    most_rows: usize,
    queue: mpsc::Sender<Full>,
    room: Arc<Semaphore>,
}

impl Filler {
    fn new(apply: &Apply<'_>, work: &Work, tally: &Arc<Tally>, pass: Pass, queue: mpsc::Sender<Full>) -> Self {
        Self {
            marks: work.marks.clone(),
            added: work.batch_writer(!work.plan.later.is_empty()),
            whole: work.batch_writer(false),
            pass,
            later: work.later_fields(),
            json: JsonFields::of(work),
            table: work.plan.target.clone(),
            keep_going: apply.keep_going,
            tally: Arc::clone(tally),
            row: 0,
            batches: Default::default(),
            most_bytes: work.writer.batch_bytes(),
            most_rows: work.writer.batch_rows(),
            queue,
            room: Arc::clone(&apply.room),
        }
    }

    fn row(&mut self, fields: &crate::format::Fields) -> Result<(), Failure> {
        let mark = self.marks.of(self.row);
        self.row += 1;
        if mark != Mark::Nothing
            && let Some(refusal) = self.json.refuses(fields)
        {
            return self.refuse(refusal);
        }
        let has_later = || self.later.iter().any(|&field| fields.get(field).is_some());
        let (kind, writer) = match (mark, self.pass) {
            (Mark::Add, Pass::First) => (Kind::Add, &mut self.added),
            (Mark::Add, Pass::Second) if has_later() => (Kind::Complete, &mut self.whole),
            (Mark::Change, Pass::First) if self.later.is_empty() => (Kind::Change, &mut self.whole),
            (Mark::Change, Pass::Second) => (Kind::Change, &mut self.whole),
            _ => return Ok(()),
        };
        let batch = &mut self.batches[kind as usize];
        writer.push(fields, batch);
        if batch.bytes() >= self.most_bytes || batch.len() >= self.most_rows {
            tokio::runtime::Handle::current().block_on(self.hand_over(kind))?;
        }
        Ok(())
    }

    /// What this way cannot write is not sent: it would be stored as something else.
    fn refuse(&self, refusal: RowRefused) -> Result<(), Failure> {
        if !self.keep_going {
            return Err(refused(&self.table, &refusal));
        }
        if self.pass == Pass::First {
            self.tally.refuse(refusal);
        }
        Ok(())
    }

    async fn hand_over(&mut self, kind: Kind) -> Result<(), Failure> {
        let batch = std::mem::take(&mut self.batches[kind as usize]);
        if batch.is_empty() {
            return Ok(());
        }
        let over = || Failure::failed("reading the snapshot: nobody takes its rows any more");
        let room = Arc::clone(&self.room).acquire_owned().await.map_err(|_| over())?;
        self.queue.send(Full { batch, kind, _room: room }).await.map_err(|_| over())
    }

    async fn flush(mut self) -> Result<(), Failure> {
        for kind in [Kind::Add, Kind::Change, Kind::Complete] {
            self.hand_over(kind).await?;
        }
        Ok(())
    }
}

/// The artifact that a table's rows are read from: COPY text where there is any, it is quicker to read.
pub(super) fn artifact(entry: &TableEntry) -> crate::model::Artifact {
    use crate::model::Artifact;
    if entry.parts_of(Artifact::Sql).next().is_some() { Artifact::Sql } else { Artifact::Json }
}
