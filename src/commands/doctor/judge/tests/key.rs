use chrono::{DateTime, TimeDelta, Utc};

use super::{hint, reply, told};
use crate::commands::doctor::judge::{is_accepted, key, why_not};
use crate::commands::doctor::observe::{KeySeen, Reply};
use crate::config::KeyKind;
use crate::error::Failure;

const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

fn legacy(days: i64) -> KeyKind {
    KeyKind::LegacyJwt {
        role: Some("service_role".to_owned()),
        project_ref: None,
        expires: Some(NOW + TimeDelta::days(days)),
    }
}

fn seen(kind: KeyKind, reply: Option<Reply>) -> KeySeen {
    KeySeen { now: NOW, kind, hosted: false, refused: None, reply: reply.map(Ok) }
}

#[test]
fn a_key_that_the_api_accepts_is_told_with_its_kind() {
    for (kind, hosted, expected) in [
        (KeyKind::Secret, true, "ok key: the key is a secret key (sb_secret_…), and the API accepts it\n"),
        (
            legacy(400),
            false,
            "ok key: the key is a legacy service_role key, valid until 1971-02-05, and the API accepts it\n",
        ),
        (
            legacy(400),
            true,
            "! key-legacy: the key is a legacy service_role key, valid until 1971-02-05, and the API accepts it; \
             Supabase retires these keys by the end of 2026\n",
        ),
        (
            KeyKind::Unknown,
            false,
            "! key-unknown-kind: the key is a key of unknown kind, and the API accepts it; its form does not tell \
             whether it reads every row\n",
        ),
    ] {
        let seen = KeySeen { hosted, ..seen(kind, Some(reply(406, "PGRST106", "The schema must be one of …"))) };
        assert_eq!(told(&key(&seen)), expected);
        assert!(is_accepted(&seen) && why_not(true, &seen).is_none());
    }
}

#[test]
fn a_key_that_expires_soon_is_named() {
    let text = told(&key(&seen(legacy(9), Some(reply(406, "", "")))));
    assert!(text.contains("! key-expires: the key expires in 9 days\n"), "{text}");
}

#[test]
fn a_key_that_cannot_serve_is_refused_before_the_server_is_asked() {
    let refused =
        Failure::usage("checking the secret key: it is the anon key, which reads little").hint("take another");
    let seen = KeySeen { refused: Some(refused), ..seen(legacy(9), None) };
    assert_eq!(told(&key(&seen)), "x key-refused: the key cannot serve: it is the anon key, which reads little\n");
    assert_eq!(hint(&key(&seen), "key-refused"), "take another");
    assert_eq!(why_not(true, &seen), Some("the key cannot serve"));
}

#[test]
fn a_key_is_not_tried_where_nothing_answers() {
    let seen = seen(KeyKind::Secret, None);
    assert_eq!(
        told(&key(&seen)),
        "ok key-kind: the key is a secret key (sb_secret_…)\n\
         ok not-checked: whether the API accepts it was not checked because the API cannot be reached\n"
    );
    assert_eq!(why_not(false, &seen), Some("the API cannot be reached"));
}

/// The texts are those of Supabase's gateways and of PostgREST 12 to 14.
#[test]
fn a_refusal_names_the_rule_that_is_broken() {
    let jwt = || legacy(400);
    for (kind, status, code, message, expected) in [
        (KeyKind::Secret, 401, "", "No API key found in request", "key-stripped"),
        (KeyKind::Secret, 401, "", "Invalid API key", "key-unknown"),
        (KeyKind::Secret, 401, "", "Unregistered API key: Invalid API key", "key-unknown"),
        (KeyKind::Unknown, 401, "", "Invalid authentication credentials", "key-unknown"),
        (KeyKind::Secret, 401, "", "Invalid JWT", "key-not-known-by-gateway"),
        (KeyKind::Secret, 401, "PGRST301", "Expected 3 parts in JWT; got 1", "key-not-known-by-gateway"),
        (KeyKind::Secret, 401, "", "Forbidden use of secret API key in browser", "key-user-agent"),
        (jwt(), 401, "", "Legacy API keys are disabled", "key-legacy-disabled"),
        (jwt(), 401, "", "Invalid API key", "key-unknown"),
        (jwt(), 401, "PGRST301", "JWT expired", "key-expired"),
        (jwt(), 401, "PGRST303", "JWT expired", "key-expired"),
        (jwt(), 401, "PGRST301", "JWTIssuedAtFuture", "key-from-the-future"),
        (jwt(), 401, "PGRST303", "JWT issued at future", "key-from-the-future"),
        (jwt(), 401, "PGRST301", "JWSError JWSInvalidSignature", "key-signature"),
        (jwt(), 401, "PGRST301", "No suitable key or wrong key type", "key-signature"),
        (jwt(), 400, "22023", "role \"service_role\" does not exist", "key-role"),
        (jwt(), 403, "42501", "permission denied to set role \"service_role\"", "key-role"),
        (KeyKind::Secret, 403, "", "", "key-forbidden"),
        (KeyKind::Secret, 401, "", "something new", "key-not-accepted"),
        (KeyKind::Secret, 540, "", "", "project-paused"),
        (KeyKind::Secret, 503, "PGRST002", "Could not query the database for the schema cache", "unwell"),
    ] {
        let seen = seen(kind, Some(reply(status, code, message)));
        let findings = key(&seen);
        let text = told(&findings);
        assert!(text.starts_with(&format!("x {expected}: ")), "{status} {code} {message}: {text}");
        assert!(findings.iter().all(|f| f.hint.is_some()), "{text}");
        assert!(!is_accepted(&seen) && why_not(true, &seen) == Some("the API does not let the key in"));
    }
}

#[test]
fn an_answer_that_never_comes_is_told_as_such() {
    let lost = KeySeen { reply: Some(Err("the answer broke off".to_owned())), ..seen(KeyKind::Secret, None) };
    assert_eq!(told(&key(&lost)), "x no-answer: the API gave no answer to the key: the answer broke off\n");
}
