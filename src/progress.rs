//! What a run shows while it works: on a terminal one live bar per table and below them one for all, one
//! plain line every few seconds elsewhere. Nothing here decides anything.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{
    HumanCount, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressState, ProgressStyle,
};

use crate::model::TableName;
use crate::stdio::{harmless, say};

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// One live bar per table in flight, and one for all of them.
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
    /// All tables together; only where there are several.
    overall: Option<ProgressBar>,
    began: Mutex<Instant>,
    verb: Mutex<&'static str>,
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
        let bars = MultiProgress::with_draw_target(target);
        let overall = (mode == Mode::Bars && tables > 1).then(|| bars.add(overall_bar(tables, expected_rows)));
        let state = Arc::new(State {
            mode,
            bars,
            overall,
            began: Mutex::new(Instant::now()),
            verb: Mutex::new("reading"),
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

    /// A new pass over so many tables with so many rows: what is done with them is `comparing`, `writing`,
    /// `checking`. Counts, rate and time left start anew. Tables of the pass before must be done.
    pub fn begin(&self, verb: &'static str, tables: u64, expected_rows: u64) {
        let state = &self.state;
        *lock(&state.began) = Instant::now();
        *lock(&state.verb) = verb;
        *lock(&state.current) = (String::new(), verb);
        for (number, value) in [
            (&state.tables, tables),
            (&state.expected, expected_rows),
            (&state.done, 0),
            (&state.rows, 0),
            (&state.bytes, 0),
        ] {
            number.store(value, Ordering::Relaxed);
        }
        if let Some(bar) = &state.overall {
            bar.reset();
            bar.set_length(expected_rows);
        }
        state.show_overall();
    }

    /// Progress of one table.
    pub fn table(&self, name: &TableName, expected: Option<u64>) -> TableProgress {
        let bar = (self.state.mode == Mode::Bars).then(|| {
            let bar = expected.map_or_else(ProgressBar::no_length, ProgressBar::new);
            let bar = match &self.state.overall {
                Some(overall) => self.state.bars.insert_before(overall, bar),
                None => self.state.bars.add(bar),
            };
            let template = "{prefix:24!} {bar:16} {human_pos}/{human_len} rows {rate:>11} {msg:>10} {eta}";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.with_key("rate", rate).progress_chars("█▉░"));
            }
            bar.set_prefix(harmless(&shorten(&name.to_string())).into_owned());
            bar
        });
        TableProgress { state: Arc::clone(&self.state), bar, name: name.to_string(), rows: 0, bytes: 0 }
    }

    /// Ends all output.
    pub fn finish(&self) {
        self.state.over.store(true, Ordering::Relaxed);
        if let Some(bar) = &self.state.overall {
            bar.finish_and_clear();
        }
        let _ = self.state.bars.clear();
    }
}

/// Rows a second, without fractions: `12,345/s`.
fn rate(state: &ProgressState, line: &mut dyn std::fmt::Write) {
    // a line that cannot be written is not shown
    let _ = write!(line, "{}/s", HumanCount(state.per_sec().round() as u64));
}

fn overall_bar(tables: u64, expected_rows: u64) -> ProgressBar {
    // hidden until it has its place among the others; dropped in the middle of a run that fails, it must
    // not stay on the screen
    let bar = ProgressBar::with_draw_target(Some(expected_rows), ProgressDrawTarget::hidden())
        .with_finish(ProgressFinish::AndClear);
    let template = "{prefix:24!} {bar:16} {human_pos}/{human_len} rows {rate:>11} {eta}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.with_key("rate", rate).progress_chars("█▉░"));
    }
    bar.set_prefix(format!("0 of {tables} tables"));
    bar
}

fn lock<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

fn shorten(name: &str) -> String {
    if name.chars().count() <= 24 { name.to_owned() } else { name.chars().take(23).chain(['…']).collect() }
}

impl State {
    /// Brings the bar of all tables up to date.
    fn show_overall(&self) {
        let Some(bar) = &self.overall else { return };
        let load = |n: &AtomicU64| n.load(Ordering::Relaxed);
        let (rows, verb) = (load(&self.rows), *lock(&self.verb));
        if bar.length().is_some_and(|n| n < rows) {
            bar.set_length(rows);
        }
        bar.set_position(rows);
        let verb = if verb == "reading" { String::new() } else { format!("{verb} ") };
        bar.set_prefix(format!("{verb}{} of {} tables", load(&self.done), load(&self.tables)));
    }

    fn line(&self) {
        let load = |n: &AtomicU64| n.load(Ordering::Relaxed);
        let (rows, expected) = (load(&self.rows), load(&self.expected));
        let seconds = lock(&self.began).elapsed().as_secs_f64().max(0.001);
        let rate = rows as f64 / seconds;
        let (table, phase) = lock(&self.current).clone();
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
        say(&text);
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
    /// Rows that were read (or compared, written, checked), and the bytes of their pages.
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
            let verb = *lock(&self.state.verb);
            self.name_current(verb);
        }
        self.state.show_overall();
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

    /// The table's rows are all read (or compared, written, checked).
    pub fn read_all(&self) {
        self.state.done.fetch_add(1, Ordering::Relaxed);
        self.state.show_overall();
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
        *lock(&self.state.current) = (self.name.clone(), phase);
    }
}
