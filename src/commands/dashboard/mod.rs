//! `dashboard`: observe → judge → one page. `run` and `monitor` write the same one.

mod album;
mod write;

use chrono::{DateTime, Utc};

use crate::check::judge;
use crate::cli::DashboardArgs;
use crate::commands::monitor::{Watched, clean, observe};
use crate::commands::talk::talk;
use crate::config::Config;
use crate::context::Context;
use crate::error::{Failure, Outcome};
use crate::model::{Dashboard, Finding, Observation, PrunePlan, TOOL, WatchReport};
use crate::render;

pub(crate) use album::Album;
pub(crate) use write::{prepare, write};

/// Where the page goes that nobody named a file for.
const FILE: &str = "dashboard.html";

/// Runs the command. What is found does not change how it ends: on a bad day the page is to be published as well.
pub async fn run(args: &DashboardArgs, config: &Config, context: &Context) -> anyhow::Result<Outcome> {
    let watched = Watched::choose(args.project.as_deref(), config).await?;
    let named = config.dashboard.clone().unwrap_or_else(|| FILE.into());
    let file = (!args.is_for_stdout()).then_some(named);
    if let Some(file) = &file {
        prepare(file)?;
    }
    let page = look(&watched, config, context.clock.now()).await;
    let html = render::dashboard_html(&page);
    let Some(file) = file else {
        render::print(&html)?;
        return Ok(Outcome::Done);
    };
    write(&file, &html).map_err(|error| not_written(&file, &error))?;
    talk(context, &format!("{} is written: {}", file.display(), render::watch_verdict(&page.watch)));
    Ok(Outcome::Done)
}

fn not_written(file: &std::path::Path, error: &std::io::Error) -> Failure {
    Failure::failed(format!("writing the dashboard {}: {error}", file.display()))
        .hint("make room, or name another file")
}

/// Looks at project and stores for the page alone.
async fn look(watched: &Watched<'_>, config: &Config, now: DateTime<Utc>) -> Dashboard {
    let mut album = album(config, now);
    let seen = observe(watched, config, now, Some(&mut album)).await;
    let mut report = judge(&seen, &config.limits);
    clean(&mut report, config);
    page(album, &seen, report, config)
}

/// An album that reaches as far back as the page does: never less far than the watch.
pub(crate) fn album(config: &Config, now: DateTime<Utc>) -> Album {
    let history = config.dashboard_history.max(config.limits.history);
    Album::since(now.checked_sub_signed(history).unwrap_or(DateTime::<Utc>::MIN_UTC))
}

/// Puts together what was seen and what is said of it.
pub(crate) fn page(mut album: Album, seen: &Observation, watch: WatchReport, config: &Config) -> Dashboard {
    let unseen = seen.history.as_ref().err().cloned();
    if unseen.is_some() {
        album.cleared();
    }
    let mut plan = PrunePlan::new(std::mem::take(&mut album.facts), &config.retention, seen.now);
    Dashboard {
        tool: TOOL.to_owned(),
        watch,
        limits: config.limits.clone(),
        since: album.reaches(),
        older: album.older,
        shots: album.shots,
        good: album.good,
        tables: album.tables,
        schema: album.schema,
        retention: config.retention.clone(),
        plan: plan.projects.pop(),
        stores: seen.stores.clone(),
        unseen,
        sealed: seen.history.as_ref().ok().and_then(|history| history.sealed.clone()),
    }
}

/// The page of a run, after it: what the watch sees now, and what the run has to say. What keeps it from being
/// written is the finding.
pub(crate) async fn after_run(config: &Config, context: &Context, told: Vec<Finding>) -> Option<Finding> {
    let file = config.dashboard.as_ref()?;
    let made = tokio::select! {
        made = made_after_run(config, context.clock.now(), told) => made,
        signal = context.stop.wait() => Err(Failure::failed(format!("stopped by {signal}"))),
    };
    let written = made
        .map_err(|failure| failure.message)
        .and_then(|page| write(file, &render::dashboard_html(&page)).map_err(|error| error.to_string()));
    written.err().map(|why| unwritten(file, &why))
}

async fn made_after_run(config: &Config, now: DateTime<Utc>, told: Vec<Finding>) -> Result<Dashboard, Failure> {
    let watched = Watched::choose(None, config).await?;
    let mut page = look(&watched, config, now).await;
    let known = std::mem::take(&mut page.watch.findings);
    let is_new =
        |finding: &Finding| !told.iter().any(|told| told.code == finding.code && told.subject == finding.subject);
    let known = known.into_iter().filter(is_new).collect::<Vec<_>>();
    page.watch.findings = told;
    page.watch.findings.extend(known);
    page.watch.findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    clean(&mut page.watch, config);
    Ok(page)
}

/// A page that was to be written, and was not.
pub(crate) fn unwritten(file: &std::path::Path, why: &str) -> Finding {
    let finding = Finding::error("dashboard-not-written", file.display().to_string(), why);
    finding.hint("make room, or name another file with --dashboard; the snapshots are not affected")
}
