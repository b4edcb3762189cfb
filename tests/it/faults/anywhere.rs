//! Every kind of request that a run makes, spoiled in every way, one at a time.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::{answer, rule, shapes, spoiled};
use crate::support::Stack;
use crate::support::honest::Truth;
use crate::support::stack::Request;

/// What a request is for: the part of it that tells its kind from others.
fn kind_of(request: &Request) -> String {
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let filters: Vec<&str> = query.split('&').map(|pair| pair.split_once('=').map_or(pair, |(key, _)| key)).collect();
    let asked = query.split('&').next().unwrap_or_default();
    format!("{path} {} {asked} {filters:?}", request.status == 406)
}

/// Places in a run that differ in what is asked for: of each kind of request the first, or the last.
fn places(stack: &Stack, truth: &Truth, last: bool) -> Result<Vec<(usize, String)>> {
    stack.start_log()?;
    spoiled(stack, truth, &[], &[("SUPABACKUP_CONNECTIONS", "1")])?.complete()?;
    let requests: Vec<(usize, Request)> = stack.log()?.into_iter().enumerate().collect();
    let is_first = |place: usize, kind: &str| requests[..place].iter().all(|(_, r)| kind_of(r) != kind);
    let is_last = |place: usize, kind: &str| requests[place + 1..].iter().all(|(_, r)| kind_of(r) != kind);
    let chosen = |place: usize, kind: &str| if last { is_last(place, kind) } else { is_first(place, kind) };
    Ok(requests
        .iter()
        .filter(|(place, r)| chosen(*place, &kind_of(r)))
        .map(|(place, r)| (*place, r.target.clone()))
        .collect())
}

/// Spoils each of the places in each of the ways and says which outcomes are dishonest.
fn try_all(
    stack: &Stack,
    truth: &Truth,
    places: &[(usize, String)],
    times: i64,
    faults: &[Value],
    more: &[(&str, &str)],
) -> Result<()> {
    let mut dishonest = Vec::new();
    for (place, target) in places {
        for fault in faults {
            if let Err(error) = spoiled(stack, truth, &[rule("", *place, times, fault.clone())], more) {
                dishonest.push(format!("request {place} ({target}): {error:#}"));
            }
        }
    }
    ensure!(dishonest.is_empty(), "{} dishonest outcomes:\n{}", dishonest.len(), dishonest.join("\n\n"));
    Ok(())
}

#[test]
fn wherever_an_answer_is_spoiled_once_the_outcome_is_honest() -> Result<()> {
    let stack = shapes()?;
    let truth = Truth::of(&stack)?;
    let faults = [
        json!({"kind": "truncate", "fraction": 0.6}),
        answer(200, "<html>welcome to the hotel</html>"),
        answer(200, "[]"),
        answer(200, "{}"),
        answer(404, "{}"),
        answer(500, r#"{"code":"57014","message":"canceling statement due to statement timeout"}"#),
    ];
    let places = places(&stack, &truth, false)?;
    ensure!(places.len() > 15, "{places:?}");
    try_all(&stack, &truth, &places, 1, &faults, &[("SUPABACKUP_CONNECTIONS", "1"), ("SUPABACKUP_RETRY_DELAY", "1ms")])
}

#[test]
fn from_wherever_on_the_project_is_lost_the_outcome_is_honest() -> Result<()> {
    let stack = shapes()?;
    let truth = Truth::of(&stack)?;
    let mut all = places(&stack, &truth, false)?;
    all.extend(places(&stack, &truth, true)?);
    all.sort();
    all.dedup();
    let faults = [json!({"kind": "close"}), answer(540, "paused"), answer(200, "<html>welcome to the hotel</html>")];
    try_all(
        &stack,
        &truth,
        &all,
        -1,
        &faults,
        &[("SUPABACKUP_CONNECTIONS", "1"), ("SUPABACKUP_RETRIES", "0"), ("SUPABACKUP_RETRY_DELAY", "1ms")],
    )
}
