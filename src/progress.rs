//! What a run shows while it works: one live bar per table on a terminal, one plain line every few
//! seconds elsewhere. Nothing here decides anything.

use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::model::TableName;

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// One live bar per table in flight.
    Bars,
    /// A plain line every few seconds.
    Lines,
    /// Nothing.
    Silent,
}

/// Time between two plain lines.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Progress of a whole run.
#[derive(Debug, Clone)]
pub struct Progress {
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    mode: Mode,
    bars: MultiProgress,
    began: Instant,
    tables: AtomicU64,
    done: AtomicU64,
    expected: AtomicU64,
    rows: AtomicU64,
    bytes: AtomicU64,
    over: AtomicBool,
    current: Mutex<(String, &'static str)>,
}

impl Progress {
    /// Progress over so many tables with so many rows.
    pub fn new(mode: Mode, tables: u64, expected_rows: u64) -> Self {
        let target =
            if mode == Mode::Bars { ProgressDrawTarget::stderr_with_hz(8) } else { ProgressDrawTarget::hidden() };
        let state = Arc::new(State {
            mode,
            bars: MultiProgress::with_draw_target(target),
            began: Instant::now(),
            tables: AtomicU64::new(tables),
            done: AtomicU64::new(0),
            expected: AtomicU64::new(expected_rows),
            rows: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            over: AtomicBool::new(false),
            current: Mutex::new((String::new(), "reading")),
        });
        if mode == Mode::Lines {
            let state = Arc::clone(&state);
            tokio::spawn(async move {
                loop {
                    tokio::time::sleep(LINE_EVERY).await;
                    if state.over.load(Ordering::Relaxed) {
                        break;
                    }
                    state.line();
                }
            });
        }
        Self { state }
    }

    /// Progress of one table.
    pub fn table(&self, name: &TableName, expected: Option<u64>) -> TableProgress {
        let bar = (self.state.mode == Mode::Bars).then(|| {
            let bar = self.state.bars.add(expected.map_or_else(ProgressBar::no_length, ProgressBar::new));
            let template = "{prefix:24!} {bar:16} {human_pos}/{human_len} rows {per_sec:>12} {msg:>10} {eta}";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars("█▉░"));
            }
            bar.set_prefix(shorten(&name.to_string()));
            bar
        });
        TableProgress { state: Arc::clone(&self.state), bar, name: name.to_string(), rows: 0, bytes: 0 }
    }

    /// Ends all output.
    pub fn finish(&self) {
        self.state.over.store(true, Ordering::Relaxed);
        let _ = self.state.bars.clear();
    }
}

fn shorten(name: &str) -> String {
    if name.chars().count() <= 24 { name.to_owned() } else { name.chars().take(23).chain(['…']).collect() }
}

impl State {
    fn line(&self) {
        let load = |n: &AtomicU64| n.load(Ordering::Relaxed);
        let (rows, expected) = (load(&self.rows), load(&self.expected));
        let seconds = self.began.elapsed().as_secs_f64().max(0.001);
        let rate = rows as f64 / seconds;
        let (table, phase) = self.current.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let left = if rate > 0.0 && expected > rows {
            format!(", about {:.0} s left", (expected - rows) as f64 / rate)
        } else {
            String::new()
        };
        let text = format!(
            "{phase} {table}: {} of {} tables, {rows} of {expected} rows, {rate:.0} rows/s, {:.1} MiB{left}",
            load(&self.done),
            load(&self.tables),
            load(&self.bytes) as f64 / 1_048_576.0
        );
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }
}

/// Progress of one table. Dropping it removes its bar.
#[derive(Debug)]
pub struct TableProgress {
    state: Arc<State>,
    bar: Option<ProgressBar>,
    name: String,
    rows: u64,
    bytes: u64,
}

impl TableProgress {
    /// Rows that were read, and the bytes of their pages.
    pub fn add(&mut self, rows: u64, bytes: u64) {
        self.rows += rows;
        self.bytes += bytes;
        self.state.rows.fetch_add(rows, Ordering::Relaxed);
        self.state.bytes.fetch_add(bytes, Ordering::Relaxed);
        if let Some(bar) = &self.bar {
            if bar.length().is_some_and(|n| n < self.rows) {
                bar.set_length(self.rows);
            }
            bar.set_position(self.rows);
            bar.set_message(format!("{:.1} MiB", self.bytes as f64 / 1_048_576.0));
        } else {
            self.name_current("reading");
        }
    }

    /// What is being done now: `checking`, `reading again`.
    pub fn phase(&self, phase: &'static str) {
        if let Some(bar) = &self.bar {
            bar.set_position(0);
            bar.set_message(phase);
        } else {
            self.name_current(phase);
        }
    }

    /// Rows that were looked at again.
    pub fn checked(&self, rows: u64) {
        if let Some(bar) = &self.bar {
            bar.inc(rows);
        }
    }

    /// The table's rows are all read.
    pub fn read_all(&self) {
        self.state.done.fetch_add(1, Ordering::Relaxed);
        self.hide();
    }

    /// Takes the bar off the screen.
    pub fn hide(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
            self.state.bars.remove(bar);
        }
    }

    fn name_current(&self, phase: &'static str) {
        *self.state.current.lock().unwrap_or_else(PoisonError::into_inner) = (self.name.clone(), phase);
    }
}
