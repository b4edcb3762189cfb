//! Faults on demand: a list of rules, each of which spoils some of the requests it matches.
//!
//! For every request the rules are tried in order. A rule whose `method` and `path` match counts
//! the request as `seen`; it is applied, and counted as `hit`, when more than `skip` were seen and
//! it was applied fewer than `times` times. The first rule applied ends the search.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::{Context, Result, ensure};
use hyper::{
    StatusCode,
    header::{HeaderName, HeaderValue},
};
use serde::{Deserialize, Serialize};

/// When to do what.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    /// A name of the caller's choice, shown in the record of requests.
    pub(crate) id: String,
    /// Part of the path and query as the client sends them, `/rest/v1` included; empty matches all.
    #[serde(default)]
    path: String,
    /// `GET`, `POST`, …; all when absent.
    #[serde(default)]
    method: Option<String>,
    /// Let so many matching requests through first.
    #[serde(default)]
    skip: u64,
    /// Apply so often; -1 for ever.
    #[serde(default = "once")]
    times: i64,
    /// What to do.
    pub(crate) action: Action,
}

fn once() -> i64 {
    1
}

/// What happens to a request.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum Action {
    /// An answer made up here; PostgREST is not asked.
    Status {
        /// 200 to 999.
        status: u16,
        /// Added to the answer.
        #[serde(default)]
        headers: BTreeMap<String, String>,
        /// Sent as it is.
        #[serde(default)]
        body: String,
    },
    /// The real answer, and after so many bytes of its body a broken connection.
    Cut {
        /// Bytes of the body that arrive.
        after: u64,
    },
    /// The clean end of a shorter body, with PostgREST's own headers.
    Truncate {
        /// Bytes to keep.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<u64>,
        /// Part of the body to keep, 0 to 1.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fraction: Option<f64>,
    },
    /// The real answer, later.
    Delay {
        /// How much later.
        ms: u64,
    },
    /// No answer, ever; the connection stays open.
    Hang {},
    /// The connection is closed without an answer.
    Close {},
    /// The real answer with every `from` in its body replaced.
    Replace {
        /// Text to look for.
        from: String,
        /// Text to put there.
        to: String,
    },
}

/// A rule and its counters.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Armed {
    #[serde(flatten)]
    rule: Rule,
    seen: u64,
    hit: u64,
}

/// The rules in force.
pub(crate) struct Faults {
    any: AtomicBool,
    rules: Mutex<Vec<Armed>>,
}

impl Faults {
    /// No rules.
    pub(crate) fn new() -> Self {
        Self { any: AtomicBool::new(false), rules: Mutex::new(Vec::new()) }
    }

    /// Whether there are rules at all.
    pub(crate) fn any(&self) -> bool {
        self.any.load(Ordering::Relaxed)
    }

    /// Puts the rules of a JSON list in force, instead of those before.
    pub(crate) fn replace(&self, json: &[u8]) -> Result<()> {
        let rules: Vec<Rule> = serde_json::from_slice(json).context("a JSON list of rules is expected")?;
        for rule in &rules {
            rule.action.check().with_context(|| format!("rule {:?}", rule.id))?;
        }
        self.any.store(!rules.is_empty(), Ordering::Relaxed);
        *self.lock() = rules.into_iter().map(|rule| Armed { rule, seen: 0, hit: 0 }).collect();
        Ok(())
    }

    /// Drops all rules.
    pub(crate) fn clear(&self) {
        self.any.store(false, Ordering::Relaxed);
        self.lock().clear();
    }

    /// A copy of the rules with their counters.
    pub(crate) fn list(&self) -> Vec<Armed> {
        self.lock().clone()
    }

    /// The rule to apply to a request, if any; counts it.
    pub(crate) fn pick(&self, method: &str, target: &str) -> Option<Arc<Rule>> {
        if !self.any() {
            return None;
        }
        let mut rules = self.lock();
        for armed in rules.iter_mut() {
            let rule = &armed.rule;
            let matches = rule.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
                && target.contains(&rule.path);
            if !matches {
                continue;
            }
            armed.seen += 1;
            let due = armed.seen > rule.skip;
            if due && u64::try_from(rule.times).map_or(true, |times| armed.hit < times) {
                armed.hit += 1;
                return Some(Arc::new(rule.clone()));
            }
        }
        None
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Armed>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Action {
    /// Refuses what could not be carried out later.
    fn check(&self) -> Result<()> {
        match self {
            Self::Status { status, headers, .. } => {
                ensure!((200..1000).contains(status), "status must be 200 to 999");
                StatusCode::from_u16(*status)?;
                for (name, value) in headers {
                    HeaderName::try_from(name).with_context(|| format!("header {name:?}"))?;
                    HeaderValue::try_from(value).with_context(|| format!("header {name:?}"))?;
                }
            }
            Self::Truncate { after, fraction } => {
                ensure!(after.is_some() != fraction.is_some(), "give either after or fraction");
                ensure!(fraction.is_none_or(|part| (0.0..=1.0).contains(&part)), "fraction must be 0 to 1");
            }
            Self::Replace { from, .. } => ensure!(!from.is_empty(), "from must not be empty"),
            Self::Cut { .. } | Self::Delay { .. } | Self::Hang {} | Self::Close {} => {}
        }
        Ok(())
    }

    /// The body that a buffering action makes of a whole one; `None` for all other actions.
    pub(crate) fn rewrite(&self, body: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Truncate { after, fraction } => {
                let keep = match (after, fraction) {
                    (Some(bytes), _) => usize::try_from(*bytes).unwrap_or(usize::MAX),
                    (None, Some(part)) => (body.len() as f64 * part) as usize,
                    (None, None) => body.len(),
                };
                Some(body[..keep.min(body.len())].to_vec())
            }
            Self::Replace { from, to } => Some(replace(body, from.as_bytes(), to.as_bytes())),
            _ => None,
        }
    }

    /// Whether [`Self::rewrite`] has work to do.
    pub(crate) fn rewrites(&self) -> bool {
        matches!(self, Self::Truncate { .. } | Self::Replace { .. })
    }
}

/// `body` with every `from` replaced by `to`.
fn replace(body: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some(&first) = rest.first() {
        if rest.starts_with(from) {
            out.extend_from_slice(to);
            rest = &rest[from.len()..];
        } else {
            out.push(first);
            rest = &rest[1..];
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_skips_then_hits_then_rests() -> Result<()> {
        let faults = Faults::new();
        faults.replace(br#"[{"id": "a", "path": "/t?", "skip": 1, "times": 2, "action": {"kind": "hang"}}]"#)?;
        let hits: Vec<bool> = (0..5).map(|_| faults.pick("GET", "/rest/v1/t?x=1").is_some()).collect();
        assert_eq!(hits, [false, true, true, false, false]);
        assert!(faults.pick("GET", "/rest/v1/other").is_none());
        assert_eq!((faults.list()[0].seen, faults.list()[0].hit), (5, 2));
        Ok(())
    }

    #[test]
    fn rewriting_shortens_and_replaces() {
        let half = Action::Truncate { after: None, fraction: Some(0.5) };
        assert_eq!(half.rewrite(b"abcdef").as_deref(), Some(b"abc".as_slice()));
        let swap = Action::Replace { from: "ab".into(), to: "x".into() };
        assert_eq!(swap.rewrite(b"ababab a").as_deref(), Some(b"xxx a".as_slice()));
    }
}
