//! Any program that takes JSON: the notice as it is, signed the way GitHub signs its own.

use hmac::{Hmac, KeyInit, Mac};
use reqwest::header::{HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::line;
use crate::http::Request;
use crate::model::Notice;

/// Longer texts are cut: with fifty findings a message stays below 128 KiB.
const LONGEST: usize = 600;

pub(super) fn form(notice: &Notice) -> Result<Value, String> {
    let mut notice = notice.clone();
    for finding in &mut notice.findings {
        finding.subject = line(&finding.subject, LONGEST);
        finding.message = line(&finding.message, LONGEST);
        finding.hint = finding.hint.as_deref().map(|hint| line(hint, LONGEST));
    }
    let mut form = serde_json::to_value(&notice).map_err(|error| error.to_string())?;
    form["text"] = notice.headline().into();
    form["version"] = 1.into();
    Ok(form)
}

/// Whoever gets it twice sees that it is the same by the key, and whoever knows the secret that nobody changed it.
pub(super) fn sign(request: &mut Request, secret: Option<&SecretString>) -> Result<(), String> {
    let key = hex(&Sha256::digest(&request.body));
    let mut put = |name: &'static str, value: &str| -> Result<(), String> {
        let value = HeaderValue::from_str(value).map_err(|error| error.to_string())?;
        request.headers.insert(HeaderName::from_static(name), value);
        Ok(())
    };
    put("idempotency-key", &key[..32])?;
    if let Some(secret) = secret {
        let mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes());
        let mut mac = mac.map_err(|error| error.to_string())?;
        mac.update(&request.body);
        put("x-signature-256", &format!("sha256={}", hex(&mac.finalize().into_bytes())))?;
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
