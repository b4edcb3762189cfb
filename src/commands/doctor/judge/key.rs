//! The key: whether it can serve, and what the server's refusal means.

use chrono::TimeDelta;

use super::unwell;
use crate::commands::doctor::observe::{KeySeen, Reply};
use crate::config::KeyKind;
use crate::model::Finding;

/// A key that expires sooner than this is worth a word.
const SOON: TimeDelta = TimeDelta::days(30);

const WHERE: &str = "copy the secret key (sb_secret_…) anew from the dashboard: Project Settings, API Keys";

/// Whether the server lets the key in.
pub(crate) fn is_accepted(key: &KeySeen) -> bool {
    // the schema that was asked for does not exist: past the key, this is refused with 406
    matches!(&key.reply, Some(Ok(reply)) if matches!(reply.status, 200..=299 | 406))
}

/// Why nothing can be asked with this key; `None` if it can.
pub(crate) fn why_not(reached: bool, key: &KeySeen) -> Option<&'static str> {
    match (&key.refused, reached) {
        _ if is_accepted(key) => None,
        (_, false) => Some("the API cannot be reached"),
        (Some(_), _) => Some("the key cannot serve"),
        (None, _) => Some("the API does not let the key in"),
    }
}

/// Everything about the key.
pub(crate) fn key(key: &KeySeen) -> Vec<Finding> {
    let mut findings = Vec::new();
    match (&key.refused, &key.reply) {
        (Some(failure), _) => {
            let why = failure.message.strip_prefix("checking the secret key: ").unwrap_or(&failure.message);
            let finding = Finding::error("key-refused", "key", format!("the key cannot serve: {why}"));
            findings.push(match &failure.hint {
                Some(hint) => finding.hint(hint.clone()),
                None => finding,
            });
        }
        (None, None) => {
            findings.push(Finding::info("key-kind", "key", format!("the key is a {}", described(&key.kind))));
            findings.push(super::not_checked("key", "whether the API accepts it was", "the API cannot be reached"));
        }
        (None, Some(Err(reason))) => {
            findings.push(Finding::error("no-answer", "key", format!("the API gave no answer to the key: {reason}")));
        }
        (None, Some(Ok(_))) if is_accepted(key) => findings.push(accepted(key)),
        (None, Some(Ok(reply))) => {
            findings.push(unwell(reply, "the project's URL").unwrap_or_else(|| refusal(&key.kind, reply)));
        }
    }
    findings.extend(key.refused.is_none().then(|| expiry(key)).flatten());
    findings
}

fn described(kind: &KeyKind) -> String {
    match kind {
        KeyKind::Secret => "secret key (sb_secret_…)".to_owned(),
        KeyKind::LegacyJwt { role: Some(role), expires: Some(at), .. } => {
            format!("legacy {role} key, valid until {}", at.format("%Y-%m-%d"))
        }
        KeyKind::LegacyJwt { role: Some(role), .. } => format!("legacy {role} key without expiry"),
        other => other.to_string(),
    }
}

fn accepted(key: &KeySeen) -> Finding {
    let is = format!("the key is a {}, and the API accepts it", described(&key.kind));
    match &key.kind {
        KeyKind::Unknown => Finding::warning(
            "key-unknown-kind",
            "key",
            format!("{is}; its form does not tell whether it reads every row"),
        )
        .hint("make sure that it acts as service_role: any other role sees only what row-level security lets it see"),
        KeyKind::LegacyJwt { .. } if key.hosted => {
            Finding::warning("key-legacy", "key", format!("{is}; Supabase retires these keys by the end of 2026")).hint(
                "use a secret key (sb_secret_…) instead; the dashboard makes one under Project Settings, API Keys",
            )
        }
        _ => Finding::info("key", "key", is),
    }
}

fn expiry(key: &KeySeen) -> Option<Finding> {
    let KeyKind::LegacyJwt { expires: Some(at), .. } = &key.kind else { return None };
    let left = *at - key.now;
    (left < SOON).then(|| {
        let text = match left.num_days() {
            0 => "the key expires within a day".to_owned(),
            1 => "the key expires in 1 day".to_owned(),
            days => format!("the key expires in {days} days"),
        };
        Finding::warning("key-expires", "key", text).hint("replace it before then: scheduled backups stop with it")
    })
}

/// Which rule about keys is broken. The texts are those of Supabase's gateways and of PostgREST.
fn refusal(kind: &KeyKind, reply: &Reply) -> Finding {
    let said = reply.said();
    let all = format!("{} {} {}", reply.code, reply.message, reply.hint).to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| all.contains(word));
    let error = |code: &str, text: &str, hint: &str| Finding::error(code, "key", format!("{text}: {said}")).hint(hint);
    let is_jwt = matches!(kind, KeyKind::LegacyJwt { .. });
    if has(&["no api key"]) {
        error(
            "key-stripped",
            "the key did not arrive: something between here and the project removes the apikey header",
            "look at proxies (HTTPS_PROXY) and at whatever stands in front of the project",
        )
    } else if has(&["legacy api key"]) {
        error("key-legacy-disabled", "the project's legacy keys are switched off", WHERE)
    } else if has(&["in browser"]) {
        error(
            "key-user-agent",
            "the project takes this program for a browser, in which secret keys are forbidden",
            "something on the way changes the User-Agent header: look at proxies (HTTPS_PROXY)",
        )
    } else if has(&["issuedatfuture", "issued at future"]) {
        error(
            "key-from-the-future",
            "the server's clock is behind: the key was issued in its future",
            "set the server's clock, or wait",
        )
    } else if has(&["jwt expired", "pgrst303"]) {
        error(
            "key-expired",
            "the server counts the key as expired",
            "check the clocks of this machine and of the server; else take a new key",
        )
    } else if !is_jwt && has(&["invalid jwt", "pgrst301", "parts in jwt", "jwserror", "compact jws"]) {
        error(
            "key-not-known-by-gateway",
            "the key was checked as if it were a JWT",
            "a sb_secret_ key goes into the apikey header alone: look for a proxy that adds Authorization; \
             a self-hosted gateway may be too old to know such keys (use its SERVICE_ROLE_KEY)",
        )
    } else if has(&["jwserror", "signature", "suitable key", "jwskey", "pgrst301", "invalid jwt"]) {
        error(
            "key-signature",
            "the key is not signed by this project: it belongs to another one, or the JWT secret was changed since",
            WHERE,
        )
    } else if has(&["42501", "22023"]) {
        error(
            "key-role",
            "the database does not let the API act in the key's role",
            "grant the role to the API's login: GRANT service_role TO authenticator;",
        )
    } else if has(&["invalid api key", "invalid authentication credentials"]) {
        error(
            "key-unknown",
            "the project does not know the key: it was deleted, cut off, or belongs to another project",
            WHERE,
        )
    } else if reply.status == 403 {
        error(
            "key-forbidden",
            "the API forbids access with this key",
            "a firewall or network restriction may refuse this machine's address; else take the secret key",
        )
    } else {
        error("key-not-accepted", "the API does not accept the key", WHERE)
    }
}
