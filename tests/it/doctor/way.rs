//! What can stand in the way to the project.

use anyhow::{Result, ensure};
use serde_json::json;

use super::{Clinic, marked};

#[test]
fn a_project_that_does_not_answer_is_told_by_what_stands_in_the_way() -> Result<()> {
    let clinic = Clinic::open(&[])?;
    let unreached = "- Schemas, tables, grants and limits were not checked because the API cannot be reached.";
    let at = |url: &str| clinic.doctor().env("SUPABASE_URL", url);

    let text = clinic.expect_said(
        at("http://127.0.0.1:1"),
        4,
        &["✗ No connection to 127.0.0.1 port 1 can be made", unreached],
    )?;
    ensure!(marked(&text, '✗') == 1 && text.contains("\n1 thing must be fixed before"), "{text}");
    // without any DNS, that is what is said
    let text = clinic.expect_said(at("https://nonexistent.invalid"), 4, &["nonexistent.invalid", unreached])?;
    ensure!(
        text.contains("✗ There is no such host: ") || text.contains("✗ The name nonexistent.invalid cannot"),
        "{text}"
    );
    ensure!(marked(&text, '✗') == 1, "{text}");
    let https = clinic.stack.get("SUPABASE_URL").replacen("http:", "https:", 1);
    clinic.expect_said(at(&https), 4, &["✗ No encrypted connection to 127.0.0.1 port ", "SSL_CERT_FILE", unreached])?;
    let below = format!("{}/elsewhere", clinic.stack.get("SUPABASE_URL"));
    clinic.expect_said(at(&below), 4, &["✗ There is no Data API at ", unreached])?;

    for (action, sentences) in [
        (
            json!({"kind": "status", "status": 540}),
            vec!["✗ The project is paused (the API answers 540).", "one year", unreached],
        ),
        (
            json!({"kind": "status", "status": 503, "body": "{\"message\":\"starting\"}"}),
            vec!["✗ The API answers 503 (starting).", unreached],
        ),
        (
            json!({"kind": "status", "status": 308, "headers": {"location": "https://new.example"}}),
            vec!["sends requests on to https://new.example.", unreached],
        ),
        (json!({"kind": "close"}), vec!["takes connections and gives no answer: ", unreached]),
    ] {
        clinic.fault("", -1, action)?;
        let text = clinic.expect_said(clinic.doctor(), 4, &sentences)?;
        ensure!(marked(&text, '✗') == 1, "{text}");
        clinic.no_fault()?;
    }
    // one bad answer among good ones is not the end
    clinic.fault("", 1, json!({"kind": "status", "status": 503}))?;
    clinic.expect_said(clinic.doctor(), 0, &["! 1 of 3 requests got no good answer: the API answers 503."])?;
    clinic.no_fault()?;
    // a server that lives in another time
    let date = json!({"date": "Mon, 01 Jan 2024 00:00:00 GMT"});
    clinic.fault("/rest/v1/", 3, json!({"kind": "status", "status": 401, "headers": date, "body": "{}"}))?;
    let sentences = ["✗ This machine's clock is ", " ahead of the server's: keys and certificates count as expired"];
    clinic.expect_said(clinic.doctor(), 4, &sentences)?;
    clinic.no_fault()?;
    // it answers at first, and then no more
    clinic.fault("/rest/v1/voice_sessions", -1, json!({"kind": "status", "status": 540}))?;
    clinic.expect_said(clinic.doctor(), 4, &["✗ What the key may see cannot be read: the project is paused"])?;
    clinic.no_fault()
}

#[test]
fn an_authority_that_is_not_known_is_named_and_one_that_is_given_is_used() -> Result<()> {
    let clinic = Clinic::open(&["--tls"])?;
    let sentences =
        ["✗ The certificate of 127.0.0.1 port ", "an authority that this machine does not know", "SSL_CERT_FILE"];
    clinic.expect_said(clinic.doctor(), 4, &sentences)?;
    let trusting = clinic.doctor().env("SSL_CERT_FILE", clinic.stack.get("STACK_CA_FILE"));
    clinic.expect_said(
        trusting,
        0,
        &["✓ An encrypted connection (TLS) to 127.0.0.1 port ", "✓ The key reads 5 tables"],
    )?;
    Ok(())
}
