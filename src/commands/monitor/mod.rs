//! `monitor`: observe → judge → tell → show, once or again and again.

mod catalog;
mod health;
mod live;
mod observe;
mod schedule;

use super::clean::Cleaner;
use super::tell::Teller;
use crate::check::{CHECKS, check_of, judge};
use crate::cli::MonitorArgs;
use crate::commands::dashboard;
use crate::commands::step::of_watch;
use crate::config::Config;
use crate::context::Context;
use crate::error::{Failure, Outcome};
use crate::model::{Severity, WatchReport, looks};
use crate::render::{self, Palette};

pub(crate) use catalog::tables as columns_of;
pub(crate) use observe::{Watched, observe};

/// Runs the command.
pub async fn run(args: &MonitorArgs, config: &Config, context: &Context) -> anyhow::Result<Outcome> {
    if let Some(file) = &config.dashboard {
        dashboard::prepare(file)?;
    }
    let mut teller = Teller::new(config, args.watch.is_some())?;
    let Some(every) = args.watch else {
        return tokio::select! {
            outcome = once(args, config, context, &mut teller) => outcome,
            signal = context.stop.wait() => Err(Failure::failed(format!("stopped by {signal}")).into()),
        };
    };
    let mut last = Outcome::Done;
    loop {
        tokio::select! {
            outcome = once(args, config, context, &mut teller) => last = outcome?,
            _ = context.stop.wait() => return Ok(last),
        }
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            _ = context.stop.wait() => return Ok(last),
        }
    }
}

/// One look.
async fn once(args: &MonitorArgs, config: &Config, context: &Context, teller: &mut Teller) -> anyhow::Result<Outcome> {
    let watched = Watched::choose(args.project.as_deref(), config).await?;
    let now = context.clock.now();
    let mut album = config.dashboard.as_ref().map(|_| dashboard::album(config, now));
    let seen = observe(&watched, config, now, album.as_mut()).await;
    let mut report = judge(&seen, &config.limits);
    clean(&mut report, config);
    if let (Some(album), Some(file)) = (album, &config.dashboard) {
        let page = dashboard::page(album, &seen, report.clone(), config);
        if let Err(error) = dashboard::write(file, &render::dashboard_html(&page)) {
            report.add(dashboard::unwritten(file, &error.to_string()));
        }
    }
    tell(args, &mut report, context, teller).await;
    context.hand_over(|| of_watch(&report, config, context));
    if args.json {
        render::print(&render::watch_json(&report)?)?;
    } else {
        show(args, &report, context)?;
    }
    Ok(match report.worst {
        Some(Severity::Error) => Outcome::Findings,
        _ => Outcome::Done,
    })
}

/// Tells whoever is to be told. That somebody could not be is one more finding.
async fn tell(args: &MonitorArgs, report: &mut WatchReport, context: &Context, teller: &mut Teller) {
    let checks = CHECKS.map(|(name, _)| name);
    let looks = looks(report, &checks, |finding| check_of(finding).to_owned());
    let not_told = match args.dry_run {
        true => teller.rehearse(&report.project, "monitor", looks, context).await,
        false => teller.tell(&report.project, "monitor", looks, context).await,
    };
    report.worst = report.worst.max(not_told.iter().map(|finding| finding.severity).max());
    report.findings.extend(not_told);
    report.findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
}

fn show(args: &MonitorArgs, report: &WatchReport, context: &Context) -> anyhow::Result<()> {
    let terminal = &context.terminal;
    let palette = Palette::new(terminal.color_on_stdout());
    let width = terminal.width.filter(|_| terminal.stdout_is_terminal).map_or(render::WATCH_WIDTH, usize::from);
    let text = render::watch_human(report, terminal.quiet, width, palette);
    if args.watch.is_some() && terminal.stdout_is_terminal {
        // from the top of an empty screen
        render::print(&format!("\x1b[H\x1b[2J\x1b[3J{text}"))?;
    } else {
        render::print(&text)?;
    }
    Ok(())
}

/// Servers repeat what they were sent: no secret gets out that way.
pub(crate) fn clean(report: &mut WatchReport, config: &Config) {
    let cleaner = Cleaner::new(config);
    report.findings.iter_mut().for_each(|finding| cleaner.finding(finding));
}
