//! The end of a step of a workflow: what a command handed over becomes a summary, outputs and annotations.

mod reports;

use crate::config::Redactor;
use crate::context::{Handed, Step};
use crate::model::{Finding, Output, RunFailure, Severity, StepReport};
use crate::notify::actions;
use crate::render;

pub(crate) use reports::{
    of_backup, of_copy, of_doctor, of_plan, of_prune, of_recompress, of_restore, of_restore_plan, of_run, of_verify,
    of_watch,
};

/// Tells the runner how the process ends. What cannot be told is told in the log. `verb`: the command.
pub fn close(step: &Step, verb: &str, code: u8, failure: Option<RunFailure>, redactor: &Redactor) {
    let Handed { mut report, annotates, sums_up } = step.handed();
    let failure = failure.map(|failure| RunFailure {
        message: redactor.clean(&failure.message),
        hint: failure.hint.map(|hint| redactor.clean(&hint)),
    });
    let is_told = failure.is_some() || report.findings.iter().any(|finding| finding.severity > Severity::Info);
    report.findings.extend(unexplained(verb, code).filter(|_| !is_told));
    for finding in &mut report.findings {
        finding.subject = redactor.clean(&finding.subject);
        finding.message = redactor.clean(&finding.message);
        finding.hint = finding.hint.as_deref().map(|hint| redactor.clean(hint));
    }
    let mut untold = Vec::new();
    let sums_up = if sums_up { sum_up(step, verb, &report, failure.as_ref(), redactor) } else { None };
    untold.extend(sums_up.as_ref().and_then(|written| written.as_ref().err()).cloned());
    untold.extend(set_outputs(step, &mut report, code, failure.is_some()).err());
    report.findings.extend(untold);
    let place = if matches!(sums_up, Some(Ok(()))) { "the job's summary" } else { "the log of this step" };
    if annotates {
        let lines = render::annotations(verb, failure.as_ref(), &report.findings, place);
        crate::stdio::command(&lines);
    }
}

/// A step that fails has an annotation that says why.
fn unexplained(verb: &str, code: u8) -> impl Iterator<Item = Finding> {
    let finding = match code {
        3 => Some(Finding::warning(
            "incomplete",
            verb,
            "it is done, but incomplete: the log of this step names what is missing",
        )),
        4 => Some(Finding::error("findings", verb, "what was found is at error level: the log of this step names it")),
        _ => None,
    };
    finding.into_iter()
}

/// Appends the summary. `None`: nobody wants one, or there is nothing to say.
fn sum_up(
    step: &Step,
    verb: &str,
    report: &StepReport,
    failure: Option<&RunFailure>,
    redactor: &Redactor,
) -> Option<Result<(), Finding>> {
    let file = step.summary.as_deref()?;
    let text = match failure {
        Some(failure) if report.summary.is_empty() => render::failure_md(verb, failure),
        _ if report.summary.is_empty() => return None,
        _ => redactor.clean(&report.summary),
    };
    let room = render::SUMMARY_LIMIT.saturating_sub(actions::size_of(file));
    let place =
        report.outputs.get(&Output::Report).map_or("the log of this step, or a report in the store", String::as_str);
    let Some(text) = render::fitted(&text, room, place) else {
        let message = "the summary of this step is full: nothing of this command is in it";
        return Some(Err(Finding::warning("summary-full", verb, message).hint("run it in a step of its own")));
    };
    let hint = "docs/github.md says what the runner's files need";
    let untold = |error: std::io::Error| {
        Finding::warning("summary-not-written", verb, format!("writing the job's summary: {error}")).hint(hint)
    };
    Some(actions::append(file, &text).map_err(untold))
}

fn set_outputs(step: &Step, report: &mut StepReport, code: u8, has_failed: bool) -> Result<(), Finding> {
    let Some(file) = step.output.as_deref() else { return Ok(()) };
    let of = |severity| report.findings.iter().filter(|finding| finding.severity == severity).count();
    let state = match code {
        0 => "done",
        3 => "incomplete",
        4 => "findings",
        _ => "failed",
    };
    let errors = of(Severity::Error) + usize::from(has_failed);
    let numbers = [
        (Output::State, state.to_owned()),
        (Output::ExitCode, code.to_string()),
        (Output::Findings, (report.findings.len() + usize::from(has_failed)).to_string()),
        (Output::Errors, errors.to_string()),
        (Output::Warnings, of(Severity::Warning).to_string()),
    ];
    report.outputs.extend(numbers);
    let untold = |why: String| {
        let finding = Finding::error("outputs-not-set", "the step's outputs", format!("setting them: {why}"));
        finding.hint("docs/github.md says what the runner's files need")
    };
    let word: [u8; 16] = super::random::random().map_err(|error| untold(error.to_string()))?;
    let delimiter = format!("ghadelimiter_{:032x}", u128::from_le_bytes(word));
    actions::append(file, &render::outputs(&report.outputs, &delimiter)).map_err(|error| untold(error.to_string()))
}
