//! The way to the server: name, connection, encryption, answers, clock.

use std::net::IpAddr;
use std::time::Duration;

use chrono::TimeDelta;

use super::{some_of, unwell};
use crate::commands::doctor::observe::{Dns, Reach, Reply, Sample};
use crate::model::Finding;
use crate::render::{duration, plural};

/// A clock that is wrong by more than this is worth a word.
const SKEW: TimeDelta = TimeDelta::seconds(60);
/// By more than this, keys and certificates count as expired, or as not yet valid.
const MOST_SKEW: TimeDelta = TimeDelta::minutes(10);

/// Whether something answers that may be the project's API.
pub(crate) fn is_reached(reach: &Reach) -> bool {
    good_replies(reach).next().is_some()
}

/// Everything about the way to the server.
pub(crate) fn reach(reach: &Reach) -> Vec<Finding> {
    let mut findings = vec![address(reach)];
    findings.extend(name(reach));
    match &reach.samples {
        Err(reason) => findings.push(
            Finding::error("tls-setup", "connection", format!("HTTPS cannot be set up on this machine: {reason}"))
                .hint("check SSL_CERT_FILE and SSL_CERT_DIR, if they are set"),
        ),
        Ok(samples) => {
            let any_reply = samples.iter().any(|sample| sample.reply.is_ok());
            findings.extend(connection(reach, samples, any_reply));
            findings.extend(answers(reach, samples));
            findings.extend(clock(samples));
        }
    }
    findings
}

fn good_replies(reach: &Reach) -> impl Iterator<Item = (&Sample, &Reply)> {
    let replies = reach.samples.iter().flatten().filter_map(|s| Some((s, s.reply.as_ref().ok()?)));
    replies.filter(|(_, reply)| unwell(reply, &reach.url).is_none())
}

fn address(reach: &Reach) -> Finding {
    let is = format!("the project is {} at {}", reach.name, reach.url);
    let is_local = match &reach.dns {
        Dns::Address(ip) => kind(ip) != "public",
        Dns::Found(ips) => ips.iter().all(|ip| kind(ip) != "public"),
        Dns::Failed(_) => true,
    };
    match (reach.https, is_local) {
        (true, _) => Finding::info("url", "url", is),
        (false, true) => Finding::info("url", "url", format!("{is}, without encryption")),
        (false, false) => Finding::warning(
            "url-unencrypted",
            "url",
            format!("{is}: key and rows travel unencrypted through a public network"),
        )
        .hint("use https:// if the server offers it"),
    }
}

fn kind(ip: &IpAddr) -> &'static str {
    let (loopback, private) = match ip.to_canonical() {
        IpAddr::V4(ip) => (ip.is_loopback(), ip.is_private() || ip.is_link_local()),
        IpAddr::V6(ip) => (ip.is_loopback(), ip.is_unique_local() || ip.is_unicast_link_local()),
    };
    match (loopback, private) {
        (true, _) => "this machine",
        (_, true) => "private",
        _ => "public",
    }
}

fn name(reach: &Reach) -> Option<Finding> {
    let host = &reach.host;
    match &reach.dns {
        Dns::Address(_) => None,
        Dns::Found(ips) => {
            let mut kinds: Vec<&str> = ips.iter().map(kind).collect();
            kinds.sort_unstable();
            kinds.dedup();
            let families = match (ips.iter().any(IpAddr::is_ipv4), ips.iter().any(IpAddr::is_ipv6)) {
                (true, true) => "IPv4 and IPv6",
                (true, false) => "IPv4",
                _ => "IPv6",
            };
            let text = format!("the name {host} stands for {} ({}, {families})", some_of(ips, 2), some_of(&kinds, 3));
            Some(Finding::info("dns", "dns", text))
        }
        Dns::Failed(reason) if is_reached(reach) => Some(Finding::info(
            "dns-proxy",
            "dns",
            format!(
                "this machine cannot look up {host} ({reason}); requests get through all the same, so a proxy does it"
            ),
        )),
        Dns::Failed(reason) if reason.contains("Temporary failure") || reason.contains("no answer within") => Some(
            Finding::error("dns-unavailable", "dns", format!("the name {host} cannot be looked up: {reason}"))
                .hint("check this machine's network and DNS; where a proxy is needed, set HTTPS_PROXY"),
        ),
        Dns::Failed(reason) => {
            let hint = match host.strip_suffix(".supabase.co") {
                Some(_) => {
                    "is the project ref right, or was the project removed? Project Settings, General shows the ref"
                }
                None => "check the URL; where a proxy is needed, set HTTPS_PROXY",
            };
            Some(
                Finding::error("dns-no-such-host", "dns", format!("there is no such host: {host} ({reason})"))
                    .hint(hint),
            )
        }
    }
}

fn connection(reach: &Reach, samples: &[Sample], any_reply: bool) -> Option<Finding> {
    let place = format!("{} port {}", reach.host, reach.port);
    let broken = samples.iter().find_map(|sample| sample.reply.as_ref().err());
    let error = |code: &str, text: String, hint: &str| Some(Finding::error(code, "connection", text).hint(hint));
    match &reach.tcp {
        _ if any_reply => {
            let how = if reach.https { "an encrypted connection (TLS)" } else { "a connection" };
            let by = if matches!(reach.tcp, Some(Ok(()))) { "" } else { ", through a proxy" };
            Some(Finding::info("connection", "connection", format!("{how} to {place} can be made{by}")))
        }
        // the look-up has said it
        None => None,
        Some(Err(reason)) => {
            let hint = match reason.contains("refused") {
                true => "nothing listens there: check the URL and its port, and whether the server runs",
                false => "a firewall may be in the way; where a proxy is needed, set HTTPS_PROXY",
            };
            error("no-connection", format!("no connection to {place} can be made: {reason}"), hint)
        }
        Some(Ok(())) => {
            let reason = broken.map(|broken| broken.reason.as_str()).unwrap_or_default();
            Some(encryption(reach, reason).unwrap_or_else(|| {
                let hint = match reach.https {
                    true => "check what listens there; where a proxy is needed, set HTTPS_PROXY",
                    false => "check what listens there; should the URL begin with https://?",
                };
                let text = format!("the server at {place} takes connections and gives no answer: {reason}");
                Finding::error("no-answer", "connection", text).hint(hint)
            }))
        }
    }
}

/// What went wrong with TLS, if it was TLS.
fn encryption(reach: &Reach, reason: &str) -> Option<Finding> {
    let place = format!("{} port {}", reach.host, reach.port);
    let lower = reason.to_lowercase();
    let error = |code: &str, text: String, hint: &str| Some(Finding::error(code, "connection", text).hint(hint));
    if !reach.https {
        None
    } else if lower.contains("unknownissuer") || lower.contains("unknown issuer") || lower.contains("unknownca") {
        error(
            "tls-unknown-ca",
            format!("the certificate of {place} is signed by an authority that this machine does not know"),
            "name a PEM file with that authority's certificate in SSL_CERT_FILE (or check the one named there); it is \
             added to the authorities that are built in",
        )
    } else if lower.contains("expired") || lower.contains("notvalidyet") || lower.contains("not valid yet") {
        error(
            "tls-expired",
            format!("the certificate of {place} is not valid now: {reason}"),
            "check this machine's clock; if it is right, the server's certificate has to be renewed",
        )
    } else if lower.contains("not valid for name") || lower.contains("notvalidforname") {
        error(
            "tls-other-name",
            format!("the certificate of {place} belongs to another name: {reason}"),
            "check the URL; a proxy that opens TLS needs its own authority in SSL_CERT_FILE",
        )
    } else if lower.contains("certificate") {
        error(
            "tls-certificate",
            format!("the certificate of {place} is refused: {reason}"),
            "check who issued it; an authority of your own goes into a PEM file that SSL_CERT_FILE names",
        )
    } else if ["handshake", "corrupt message", "invalid message", "tls", "alert"].iter().any(|w| lower.contains(w)) {
        error(
            "tls-handshake",
            format!("no encrypted connection to {place} can be agreed on: {reason}"),
            "is this the port for https://? an authority of your own would be named in SSL_CERT_FILE",
        )
    } else {
        None
    }
}

fn answers(reach: &Reach, samples: &[Sample]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut times: Vec<Duration> = good_replies(reach).map(|(sample, _)| sample.took).collect();
    times.sort_unstable();
    let Some(median) = times.get(times.len() / 2) else {
        let bad = samples.iter().rev().find_map(|sample| unwell(sample.reply.as_ref().ok()?, &reach.url));
        findings.extend(bad);
        return findings;
    };
    let took = match median.as_millis() {
        0 => "less than 1 ms".to_owned(),
        _ => duration(TimeDelta::from_std(*median).unwrap_or_default()),
    };
    let of = if times.len() > 1 { format!(" (median of {})", times.len()) } else { String::new() };
    findings.push(Finding::info("latency", "project", format!("the API answers in {took}{of}")));
    let failed: Vec<String> = samples
        .iter()
        .filter_map(|sample| match &sample.reply {
            Err(broken) => Some(broken.reason.clone()),
            Ok(reply) => unwell(reply, &reach.url).map(|finding| finding.message),
        })
        .collect();
    if let Some(reason) = failed.last() {
        let share = format!("{} of {}", failed.len(), plural(samples.len() as u64, "request"));
        findings.push(
            Finding::warning("unsteady", "project", format!("{share} got no good answer: {reason}"))
                .hint("a backup tries again by itself; if this lasts, raise --retries"),
        );
    }
    findings
}

fn clock(samples: &[Sample]) -> Option<Finding> {
    let replies = samples.iter().filter_map(|s| Some((s, s.reply.as_ref().ok()?.date?)));
    let Some((sample, theirs)) = replies.min_by_key(|(sample, _)| sample.took) else {
        let any = samples.iter().any(|sample| sample.reply.is_ok());
        return any.then(|| {
            Finding::info("clock", "clock", "the server does not say what time it is, so the clock was not compared")
        });
    };
    // the header has whole seconds, cut off
    let half = TimeDelta::from_std(sample.took / 2).unwrap_or_default();
    let skew = sample.at - half - (theirs + TimeDelta::milliseconds(500));
    let way = if skew > TimeDelta::zero() { "ahead of" } else { "behind" };
    let text = format!("this machine's clock is {} {way} the server's", duration(skew.abs()));
    let hint = "set this machine's clock (it should be kept by NTP); snapshots are named by it";
    Some(if skew.abs() > MOST_SKEW {
        let text = format!("{text}: keys and certificates count as expired, or as not yet valid");
        Finding::error("clock-wrong", "clock", text).hint(hint)
    } else if skew.abs() > SKEW {
        Finding::warning("clock-skewed", "clock", text).hint(hint)
    } else {
        Finding::info("clock", "clock", "this machine's clock agrees with the server's")
    })
}
