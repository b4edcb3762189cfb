//! What a restore says and asks.

use std::sync::atomic::Ordering;

use bytes::Bytes;

use super::Job;
use crate::ask;
use crate::cli::RestoreArgs;
use crate::commands::step::{of_restore, of_restore_plan};
pub(super) use crate::commands::talk::{say, talk};
use crate::config::{Config, ProjectConfig};
use crate::context::Context;
use crate::error::{Failure, Outcome};
use crate::model::{
    Finding, RestoreMode, RestorePlan, RestoreReport, Seal, Severity, SnapshotId, SnapshotSummary, TableName,
};
use crate::render::{self, Palette};
use crate::snapshot::{RESTORED, SnapshotKeys, list_snapshots, sealing_like, store_text};
use crate::stdio::tell;
use crate::store::{Store, StoreUrl};

/// Columns of whatever the preview and the report are shown on.
fn width(context: &Context) -> usize {
    context.terminal.width.map_or(80, usize::from)
}

/// Whether a person is asked what was not said.
pub(super) fn asks(args: &RestoreArgs, context: &Context) -> bool {
    context.terminal.may_ask() && args.confirm().is_none() && !args.prints_script()
}

/// The snapshot that a person picks.
pub(super) async fn ask_snapshot(
    args: &RestoreArgs,
    project: &ProjectConfig,
    context: &Context,
    store: &dyn Store,
) -> anyhow::Result<SnapshotKeys> {
    let all = list_snapshots(store, args.project()).await?;
    // what was taken before a restore is found by its name, not in a list of backups
    let all: Vec<SnapshotSummary> = all.into_iter().filter(|s| s.safety_of.is_none()).collect();
    let (own, now) = (project.name.clone(), context.clock.now());
    let known = all.clone();
    let id = ask::aside(context, move |ask| ask::pick_snapshot(ask, &all, Some(&own), now)).await?;
    let project = known.iter().find(|s| s.id == id).map(|s| s.project.clone()).unwrap_or_default();
    Ok(SnapshotKeys::new(&project, id))
}

impl Job<'_> {
    async fn ask<T: Send + 'static>(
        &self,
        questions: impl FnOnce(&mut dyn ask::Ask) -> Result<T, ask::Unanswered> + Send + 'static,
    ) -> Result<T, Failure> {
        self.is_asking.store(true, Ordering::SeqCst);
        let answer = ask::aside(self.context, questions).await;
        self.is_asking.store(false, Ordering::SeqCst);
        answer
    }

    /// The tables that a person picks.
    pub(super) async fn pick_tables(&self, tables: Vec<(TableName, u64)>) -> Result<Vec<TableName>, Failure> {
        self.ask(move |ask| ask::pick_tables(ask, &tables)).await
    }

    /// The mode that a person picks.
    pub(super) async fn pick_mode(&self) -> Result<RestoreMode, Failure> {
        self.ask(ask::pick_mode).await
    }

    /// Whether the project's name was given where nobody can be asked for it: said at once, and not after
    /// minutes of comparing.
    pub(super) fn confirmed(&self, from: &str) -> Result<(), Failure> {
        let name = &self.project.name;
        let hint = || format!("--confirm {name} writes into this project; --dry-run shows what would happen");
        match self.args.confirm() {
            _ if self.args.dry_run || self.args.prints_script() => Ok(()),
            Some(typed) => ask::not_this_project(typed, name, from)
                .map_err(|why| Failure::usage(format!("--confirm: {why}; nothing was written")).hint(hint())),
            None if asks(self.args, self.context) => Ok(()),
            None => {
                let message = "a restore needs to be confirmed, and nobody can be asked; nothing was written";
                Err(Failure::usage(message).hint(hint()))
            }
        }
    }

    /// Nothing is written before the project's name was given.
    pub(super) async fn confirm(&self, plan: &RestorePlan) -> Result<(), Failure> {
        self.confirmed(&plan.from.name)?;
        if !asks(self.args, self.context) {
            return Ok(());
        }
        let plan = plan.clone();
        self.ask(move |ask| ask::confirm(ask, &plan)).await
    }

    /// Shows the preview: as data where that is what was asked for, else as talk.
    pub(super) fn show_plan(&self, plan: &RestorePlan) -> anyhow::Result<()> {
        if self.args.dry_run {
            let shown = || render::restore_plan_human(plan, self.context.clock.now(), 100, Palette::default());
            self.context.hand_over(|| of_restore_plan(plan, &shown()));
        }
        if self.args.json {
            if self.args.dry_run {
                render::print(&render::restore_plan_json(plan)?)?;
            }
            return Ok(());
        }
        let (now, terminal) = (self.context.clock.now(), self.context.terminal);
        if self.args.dry_run {
            let palette = Palette::new(terminal.color_on_stdout());
            render::print(&render::restore_plan_human(plan, now, width(self.context), palette))?;
        } else if !terminal.quiet {
            let palette = Palette::new(terminal.color_on_stderr());
            let text = render::restore_plan_human(plan, now, width(self.context), palette);
            tell(&text);
        }
        Ok(())
    }

    /// Leaves the report beside the snapshot and shows it.
    pub(super) async fn show_report(&self, mut report: RestoreReport, seal: Option<&Seal>) -> anyhow::Result<Outcome> {
        self.store_report(&mut report, seal).await;
        self.context.hand_over(|| of_restore(&report));
        if self.args.json {
            render::print(&render::restore_report_json(&report)?)?;
        } else if !self.context.terminal.quiet || !report.complete {
            let palette = Palette::new(self.context.terminal.color_on_stdout());
            render::print(&render::restore_report_human(&report, width(self.context), palette))?;
        }
        let is_quiet = self.context.terminal.quiet && report.complete;
        for gone in report.findings.iter().filter(|f| is_quiet && f.code == GONE_WITH_OTHERS) {
            say(&format!("{}: {}", gone.subject, gone.message));
        }
        for table in &report.plan.tables {
            for left in table.left_out.iter().filter(|left| left.loses) {
                say(&format!("{}: the values of {} were not restored: {}", table.target, left.column, left.reason));
            }
        }
        Ok(if report.complete { Outcome::Done } else { Outcome::Incomplete })
    }

    async fn store_report(&self, report: &mut RestoreReport, seal: Option<&Seal>) {
        let stem = format!("{RESTORED}/{}-{}", report.finished.format("%Y%m%dT%H%M%SZ"), self.project.name);
        let json = render::restore_report_json(report).unwrap_or_default().into_bytes();
        let texts = [
            ("md", render::restore_report_md(report).into_bytes()),
            ("html", render::restore_report_html(report).into_bytes()),
            ("json", json),
        ];
        for (ending, text) in texts {
            let stored = async {
                let Some(seal) = seal else {
                    let key = self.keys.at(&format!("{stem}.{ending}"))?;
                    return Ok::<_, anyhow::Error>(self.store.put(&key, Bytes::from(text)).await?);
                };
                // it names keys of rows, and values that were refused: as secret as the rows
                let sealing = sealing_like(seal);
                let sealing = sealing.ok_or_else(|| anyhow::anyhow!("the manifest names a recipient that is none"))?;
                let name = format!("{stem}.{ending}.zst");
                store_text(self.store, self.keys, &name, &text, LEVEL, Some(&sealing)).await?;
                Ok(())
            };
            if let Err(error) = stored.await {
                report.findings.push(
                    Finding::warning("report-not-stored", "report", error.to_string())
                        .hint("what it says is shown here too; the restore itself is not affected"),
                );
                return;
            }
        }
        let sealed = if seal.is_some() { ", sealed" } else { "" };
        talk(self.context, &format!("report: {}/{stem}.md, .html and .json{sealed}", self.keys.folder()));
    }
}

/// What a person has to hear though nothing failed.
pub(super) const GONE_WITH_OTHERS: &str = "followers-deleted";

/// Of the sealed report.
const LEVEL: i32 = 3;

/// How a run ends that only shows its plan.
pub(super) fn of_plan(plan: &RestorePlan) -> Outcome {
    let is_left_out = |finding: &Finding| LEFT_OUT.contains(&finding.code.as_str());
    match (plan.is_blocked(), plan.all_findings().any(is_left_out)) {
        (true, _) => Outcome::Findings,
        (false, true) => Outcome::Incomplete,
        (false, false) => Outcome::Done,
    }
}

const DAMAGED: &str = "damaged";

/// What a finding is called that keeps something from being restored.
const LEFT_OUT: [&str; 10] = [
    DAMAGED,
    "rows-refused",
    "identity-always",
    "not-shown",
    "not-writable",
    "table-missing",
    "not-readable",
    "circle",
    "row-too-large",
    "key-gone",
];

/// With --keep-going the rest is restored without what cannot be; with --accept-incomplete, without what
/// is damaged.
pub(super) fn go_without(plan: &mut RestorePlan, args: &RestoreArgs) {
    let is_accepted = |code: &str| match code {
        DAMAGED => args.accept_incomplete(),
        code => args.keep_going() && LEFT_OUT.contains(&code),
    };
    let findings = plan.tables.iter_mut().flat_map(|table| &mut table.findings);
    for finding in findings.filter(|f| f.severity == Severity::Error && is_accepted(&f.code)) {
        finding.severity = Severity::Warning;
    }
}

/// What keeps the restore from starting.
pub(super) fn startable(plan: &RestorePlan) -> Result<(), Failure> {
    let Some(finding) = plan.all_findings().find(|finding| finding.severity == Severity::Error) else { return Ok(()) };
    let more = match LEFT_OUT.contains(&finding.code.as_str()) {
        true => "; --keep-going restores everything else",
        false => "",
    };
    let hint = finding.hint.as_deref().unwrap_or("see `supabackup restore --dry-run`");
    let more = if hint.contains("--keep-going") { "" } else { more };
    Err(Failure::failed(format!("{}: {}; nothing was written", finding.subject, finding.message))
        .hint(format!("{hint}{more}")))
}

/// The command that puts the affected tables back as they were.
pub(super) fn undo_command(id: &SnapshotId, project: &str, config: &Config) -> String {
    let store = match &config.store {
        StoreUrl::Directory(path) if ["backups", "./backups"].contains(&path.to_str().unwrap_or_default()) => {
            String::new()
        }
        // it is wanted later, maybe from elsewhere
        StoreUrl::Directory(path) => {
            let whole = std::path::absolute(path).unwrap_or_else(|_| path.clone());
            format!(" --store {}", quoted(&whole.display().to_string()))
        }
        store => format!(" --store {}", quoted(&store.to_string())),
    };
    format!("supabackup restore {id} --mode clear --confirm {project}{store}")
}

/// A word for a shell.
fn quoted(text: &str) -> String {
    let plain = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-+@:".contains(c));
    if plain { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}
