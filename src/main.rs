//! The process: arguments, environment and clock in, one run, an exit code out.

use std::any::Any;
use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Arc;

use supabackup::cli::Cli;
use supabackup::clock::Clock;
use supabackup::config::Redactor;
use supabackup::context::{self, Context, Stop, Terminal};
use supabackup::error::{Failure, Outcome};
use supabackup::stdio;

#[expect(clippy::disallowed_methods, reason = "the one place that reads clock and environment")]
fn main() -> ExitCode {
    let clock = Clock::running_from(chrono::Utc::now());
    let vars: Vec<_> = std::env::vars_os().collect();
    let redactor = Arc::new(Redactor::new(&vars));
    report_panics(redactor.clone());
    let cli = match Cli::read(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => return usage(&error, &redactor),
    };
    let terminal = Terminal::read(&vars, cli.no_color());
    let result = catch_unwind(AssertUnwindSafe(|| run(cli, vars, clock, terminal)));
    match result {
        Ok(Ok(outcome)) => ExitCode::from(outcome.exit_code()),
        Ok(Err(error)) => failure(&error, &redactor),
        // the hook has said it
        Err(_panic) => ExitCode::FAILURE,
    }
}

fn run(cli: Cli, vars: Vec<(OsString, OsString)>, clock: Clock, terminal: Terminal) -> anyhow::Result<Outcome> {
    let workers = std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 4);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        // every thread keeps some of the memory that it once needed
        .max_blocking_threads(2 * workers)
        .enable_all()
        .build()?;
    let runner_reads = context::in_actions(&vars);
    let outcome = runtime.block_on(async {
        let (switch, stop) = Stop::new();
        switch.on_signals(leave)?;
        supabackup::run(cli, vars, Context { clock, terminal, stop, runner_reads }).await
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
fn usage(error: &clap::Error, redactor: &Redactor) -> ExitCode {
    if error.use_stderr() {
        say(redactor, &error.to_string());
    } else {
        // nobody is left to hear that this cannot be written
        let _ = error.print();
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

fn failure(error: &anyhow::Error, redactor: &Redactor) -> ExitCode {
    let failure = Failure::of(error);
    let hint = failure.and_then(|failure| failure.hint.as_ref()).map(|hint| format!("hint: {hint}\n"));
    say(redactor, &format!("error: {error:#}\n{}", hint.unwrap_or_default()));
    ExitCode::from(failure.map_or(1, Failure::exit_code))
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
