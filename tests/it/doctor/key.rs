//! Keys that cannot serve, and keys that the server refuses.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{Clinic, marked};

/// A JWT with these claims, signed with this secret.
fn jwt(claims: &Value, secret: &str) -> Result<String> {
    const SCRIPT: &str = r#"
        const [claims, secret] = process.argv.slice(1);
        const text = [`{"alg":"HS256","typ":"JWT"}`, claims].map((t) => Buffer.from(t).toString("base64url")).join(".");
        const hmac = require("node:crypto").createHmac("sha256", secret).update(text).digest("base64url");
        console.log(`${text}.${hmac}`);"#;
    let output = Command::new("node").args(["-e", SCRIPT, &claims.to_string(), secret]).output().context("node")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

#[test]
fn a_key_that_cannot_serve_is_refused_with_the_reason() -> Result<()> {
    let clinic = Clinic::open(&[])?;
    let get = |name: &str| clinic.stack.get(name).to_owned();
    let project = get("SUPABASE_PROJECT_REF");
    let service = |expires: i64| json!({"iss": "supabase", "ref": project, "role": "service_role", "exp": expires});
    let unchecked = "- Schemas, tables, grants and limits were not checked because ";

    // refused by its form: the server is not asked
    let other_project = json!({"ref": "zzzzzzzzzzzzzzzzzzzz", "role": "service_role", "exp": 4_102_444_800_i64});
    let user = json!({"role": "authenticated", "exp": 4_102_444_800_i64});
    let secret = get("STACK_JWT_SECRET");
    for (key, reason) in [
        (get("SUPABASE_ANON_KEY"), "it is the anon key, which reads only what strangers may see."),
        (get("SUPABASE_PUBLISHABLE_KEY"), "it is a publishable key, which reads only what strangers may see."),
        (jwt(&service(1_700_000_000), &secret)?, "it expired on 2023-11-14 22:13 UTC."),
        (jwt(&user, &secret)?, "it is a signed-in user's token"),
        (jwt(&other_project, &secret)?, "it belongs to the project \"zzzzzzzzzzzzzzzzzzzz\", not to "),
    ] {
        let text = clinic.expect_said(clinic.with_key(&key), 4, &["✗ The key cannot serve: ", reason, unchecked])?;
        ensure!(text.contains("the key cannot serve.") && marked(&text, '✗') == 1, "one obstacle:\n{text}");
        ensure!(text.contains("✓ Snapshots go to "), "the store has nothing to do with it:\n{text}");
        ensure!(!text.contains(&key), "the key got out");
    }

    // refused by the server
    let wrong = "sb_secret_wrongwrongwrongwrongwr_wrongwro";
    let forged = jwt(&service(4_102_444_800), "another-secret-with-at-least-thirty-two-characters")?;
    for key in [wrong, &forged] {
        let sentences = ["✗ The project does not know the key", "401 (Invalid API key)", unchecked];
        let text = clinic.expect_said(clinic.with_key(key), 4, &sentences)?;
        ensure!(marked(&text, '✗') == 1 && !text.contains(key), "{text}");
    }

    // each rule of the gateway and of PostgREST has its own words
    for (key, status, body, sentence) in [
        ("SUPABASE_SECRET_KEY", 401, json!({"message": "No API key found in request"}), "✗ The key did not arrive"),
        ("SUPABASE_SECRET_KEY", 401, json!({"message": "Invalid JWT"}), "✗ The key was checked as if it were a JWT"),
        (
            "SUPABASE_SERVICE_ROLE_KEY_LEGACY",
            401,
            json!({"code": "PGRST301", "message": "JWSError JWSInvalidSignature"}),
            "✗ The key is not signed by this project",
        ),
        (
            "SUPABASE_SERVICE_ROLE_KEY_LEGACY",
            401,
            json!({"message": "Legacy API keys are disabled"}),
            "✗ The project's legacy keys are switched off",
        ),
        ("SUPABASE_SECRET_KEY", 403, json!({}), "✗ The API forbids access with this key"),
        // whatever the server repeats, the key does not get out
        (
            "SUPABASE_SECRET_KEY",
            401,
            json!({"message": get("SUPABASE_SECRET_KEY")}),
            "✗ The API does not accept the key",
        ),
    ] {
        clinic.fault("", -1, json!({"kind": "status", "status": status, "body": body.to_string()}))?;
        let text = clinic.expect_said(clinic.with_key(&get(key)), 4, &[sentence, unchecked])?;
        ensure!(marked(&text, '✗') == 1, "{text}");
        clinic.no_fault()?;
    }
    let token = clinic.doctor().env("SUPABASE_ACCESS_TOKEN", "sbp_0123456789abcdef0123456789abcdef01234567");
    let sentence = "! SUPABASE_ACCESS_TOKEN is set, and nothing says which hosted project this is";
    let text = clinic.expect_said(token, 0, &[sentence])?;
    ensure!(!text.contains("sbp_0123"), "{text}");
    Ok(())
}
