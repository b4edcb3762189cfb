//! The process: arguments, environment and clock in, one run, an exit code out.

use std::any::Any;
use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Arc;

use supabackup::cli::{self, Cli};
use supabackup::clock::Clock;
use supabackup::config::Redactor;
use supabackup::context::{Context, Step, Stop, Terminal};
use supabackup::error::{Failure, Outcome};
use supabackup::model::RunFailure;
use supabackup::stdio;

#[expect(clippy::disallowed_methods, reason = "the one place that reads clock and environment")]
fn main() -> ExitCode {
    let clock = Clock::running_from(chrono::Utc::now());
    let vars: Vec<_> = std::env::vars_os().collect();
    let redactor = Arc::new(Redactor::new(&vars));
    report_panics(redactor.clone());
    let step = Step::read(&vars);
    let cli = match Cli::read(cli::arguments(std::env::args_os(), &vars)) {
        Ok(cli) => cli,
        Err(error) => return usage(&error, step.as_ref(), &redactor),
    };
    let verb = cli.verb();
    let terminal = Terminal::read(&vars, cli.no_color());
    let result = catch_unwind(AssertUnwindSafe(|| run(cli, vars, clock, terminal, step.clone())));
    let (code, failed) = match result {
        Ok(Ok(outcome)) => (outcome.exit_code(), None),
        Ok(Err(error)) => failure(&error, &redactor),
        // the hook has said it
        Err(_panic) => (1, Some(RunFailure { message: "internal error: see the log".to_owned(), hint: None })),
    };
    if let Some(step) = &step {
        supabackup::close_step(step, verb, code, failed, &redactor);
    }
    ExitCode::from(code)
}

fn run(
    cli: Cli,
    vars: Vec<(OsString, OsString)>,
    clock: Clock,
    terminal: Terminal,
    step: Option<Step>,
) -> anyhow::Result<Outcome> {
    let workers = std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 4);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        // every thread keeps some of the memory that it once needed
        .max_blocking_threads(2 * workers)
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(async {
        let (switch, stop) = Stop::new();
        switch.on_signals(leave)?;
        supabackup::run(cli, vars, Context { clock, terminal, stop, step }).await
    });
    // work that nobody waits for any more must not hold up the exit
    runtime.shutdown_background();
    outcome
}

#[expect(clippy::exit, reason = "the second signal means at once")]
fn leave(code: u8) {
    std::process::exit(code.into());
}

/// Help and version go to stdout as clap made them; everything else repeats what was typed.
fn usage(error: &clap::Error, step: Option<&Step>, redactor: &Redactor) -> ExitCode {
    let code = u8::try_from(error.exit_code()).unwrap_or(2);
    if !error.use_stderr() {
        // nobody is left to hear that this cannot be written
        let _ = error.print();
        return ExitCode::from(code);
    }
    let text = error.to_string();
    say(redactor, &text);
    if let Some(step) = step {
        let message = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
        supabackup::close_step(step, "", code, Some(RunFailure { message, hint: None }), redactor);
    }
    ExitCode::from(code)
}

/// Says it; the exit code, and what a runner is told.
fn failure(error: &anyhow::Error, redactor: &Redactor) -> (u8, Option<RunFailure>) {
    let failure = Failure::of(error);
    let hint = failure.and_then(|failure| failure.hint.clone());
    let told = hint.as_ref().map(|hint| format!("hint: {hint}\n")).unwrap_or_default();
    say(redactor, &format!("error: {error:#}\n{told}"));
    (failure.map_or(1, Failure::exit_code), Some(RunFailure { message: format!("{error:#}"), hint }))
}

fn say(redactor: &Redactor, text: &str) {
    stdio::tell(&redactor.clean(text));
}

/// A panic is a bug; its message may hold anything.
fn report_panics(redactor: Arc<Redactor>) {
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map(|place| format!(" ({}:{})", place.file(), place.line())).unwrap_or_default();
        let text = format!("error: internal error: {}{place}\n", message(panic.payload()));
        let hint = concat!("hint: this is a bug; please report it at ", env!("CARGO_PKG_REPOSITORY"), "/issues\n");
        say(&redactor, &format!("{text}{hint}"));
    }));
}

fn message(payload: &dyn Any) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
