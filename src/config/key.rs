//! The key that reads the rows: its kind, told from its form alone, and whether it can serve.

use std::fmt;

use base64::Engine;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::config::project::is_hosted_ref;
use crate::error::Failure;

/// An API key of the project. `Debug` shows its kind and never its text.
#[derive(Debug, Clone)]
pub struct ApiKey {
    secret: SecretString,
    kind: KeyKind,
}

/// What a key's form tells. Nothing is verified: that is the server's part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyKind {
    /// `sb_secret_…`: reads everything.
    Secret,
    /// `sb_publishable_…`: made for browsers, sees what row-level security shows to strangers.
    Publishable,
    /// `sbp_…`: belongs to a person and speaks to the Management API.
    AccessToken,
    /// A JWT with the claims that matter here.
    LegacyJwt {
        /// `service_role`, `anon`, `authenticated`, …
        role: Option<String>,
        /// The hosted project that the key belongs to; self-hosted projects name none.
        project_ref: Option<String>,
        /// When it ceases to be valid.
        expires: Option<DateTime<Utc>>,
    },
    /// Anything else: the server decides.
    Unknown,
}

#[derive(Deserialize)]
struct Claims {
    role: Option<String>,
    #[serde(rename = "ref")]
    project_ref: Option<String>,
    exp: Option<serde_json::Number>,
}

/// Where the right key is found.
const WHERE: &str = "take a secret key (sb_secret_…) from the project's dashboard: Project Settings, API Keys; \
                     a self-hosted project has it as SERVICE_ROLE_KEY in its .env file";

impl ApiKey {
    /// Tells the kind of a key. The mistake names what is wrong and does not repeat the key.
    pub fn new(secret: SecretString) -> Result<Self, &'static str> {
        usable_as_header(&secret)?;
        let kind = KeyKind::of(secret.expose_secret())?;
        Ok(Self { secret, kind })
    }

    /// What its form tells.
    pub fn kind(&self) -> &KeyKind {
        &self.kind
    }

    /// Whether it goes into `Authorization` too, which a `sb_secret_…` key must not.
    pub fn is_jwt(&self) -> bool {
        matches!(self.kind, KeyKind::LegacyJwt { .. })
    }

    /// The key itself, for the request.
    pub fn secret(&self) -> &SecretString {
        &self.secret
    }

    /// Refuses a key that cannot read everything, has expired, or belongs to another project, and
    /// says which it is. A key of unknown form passes: the server decides. `project_name` is only
    /// compared where it is a hosted project's ref.
    pub fn check(&self, now: DateTime<Utc>, project_name: &str) -> Result<(), Failure> {
        let refuse = |what: String| Err(Failure::usage(format!("checking the secret key: {what}")).hint(WHERE));
        match &self.kind {
            KeyKind::Secret | KeyKind::Unknown => Ok(()),
            KeyKind::Publishable => {
                refuse("it is a publishable key, which reads only what strangers may see".to_owned())
            }
            KeyKind::AccessToken => {
                refuse("it is a personal access token, which belongs in SUPABASE_ACCESS_TOKEN".to_owned())
            }
            KeyKind::LegacyJwt { role, project_ref, expires } => {
                match role.as_deref() {
                    Some("service_role") => {}
                    Some("anon") => {
                        return refuse("it is the anon key, which reads only what strangers may see".to_owned());
                    }
                    Some("authenticated") => {
                        return refuse(
                            "it is a signed-in user's token, which reads only what that user may see".to_owned(),
                        );
                    }
                    Some(other) => {
                        return refuse(format!("its role is {other:?}; only service_role reads every row"));
                    }
                    None => {
                        return refuse("it is a JWT that names no role, which the server treats as anon".to_owned());
                    }
                }
                if let Some(expired) = expires.filter(|expires| *expires <= now) {
                    return refuse(format!("it expired on {}", expired.format("%Y-%m-%d %H:%M UTC")));
                }
                match project_ref {
                    Some(theirs) if is_hosted_ref(project_name) && theirs != project_name => {
                        refuse(format!("it belongs to the project {theirs:?}, not to {project_name}"))
                    }
                    _ => Ok(()),
                }
            }
        }
    }
}

impl KeyKind {
    fn of(key: &str) -> Result<Self, &'static str> {
        if key.starts_with("sb_secret_") {
            return Ok(Self::Secret);
        }
        if key.starts_with("sb_publishable_") {
            return Ok(Self::Publishable);
        }
        if key.starts_with("sbp_") {
            return Ok(Self::AccessToken);
        }
        let mut parts = key.split('.');
        let (Some(_), Some(payload), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
            // every JWT begins with the base64 of `{"`
            return if key.starts_with("eyJ") { Err(CUT_JWT) } else { Ok(Self::Unknown) };
        };
        match claims(payload) {
            Some(claims) => Ok(Self::LegacyJwt {
                role: claims.role,
                project_ref: claims.project_ref,
                expires: claims.exp.and_then(|seconds| expiry(&seconds)),
            }),
            None if key.starts_with("eyJ") => Err(CUT_JWT),
            None => Ok(Self::Unknown),
        }
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret => f.write_str("secret key"),
            Self::Publishable => f.write_str("publishable key"),
            Self::AccessToken => f.write_str("personal access token"),
            Self::LegacyJwt { role: Some(role), .. } => write!(f, "legacy JWT key with the role {role:?}"),
            Self::LegacyJwt { role: None, .. } => f.write_str("legacy JWT key without a role"),
            Self::Unknown => f.write_str("key of unknown kind"),
        }
    }
}

const CUT_JWT: &str = "begins like a JWT and cannot be decoded; was it cut off when it was copied?";

/// Whether a secret can stand in an HTTP header. The mistake does not repeat it.
pub(crate) fn usable_as_header(secret: &SecretString) -> Result<(), &'static str> {
    let text = secret.expose_secret();
    if text.starts_with(['"', '\'']) || text.ends_with(['"', '\'']) {
        return Err("has quotation marks around it that do not belong to it");
    }
    if text.chars().all(|c| c.is_ascii_graphic()) {
        return Ok(());
    }
    Err("holds a space, a line break or another character that no key has")
}

/// Decoded, not verified: it is only used to refuse a wrong key before the server does.
fn claims(payload: &str) -> Option<Claims> {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let bytes = GeneralPurpose::new(&base64::alphabet::URL_SAFE, config).decode(payload).ok()?;
    serde_json::from_slice(&bytes).ok()
}

fn expiry(seconds: &serde_json::Number) -> Option<DateTime<Utc>> {
    // a fraction of a second does not matter here, and floats saturate when they are cast
    let whole = seconds.as_i64().or_else(|| seconds.as_f64().map(|float| float as i64))?;
    DateTime::from_timestamp(whole, 0)
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};

    use super::*;

    const REF: &str = "abcdefghijklmnopqrst";

    fn jwt(payload: &str) -> String {
        format!("eyJhbGciOiJIUzI1NiJ9.{}.the-sentinel", URL_SAFE_NO_PAD.encode(payload))
    }

    fn check(key: &str, project_name: &str) -> String {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap_or_default();
        let key = match ApiKey::new(key.into()) {
            Ok(key) => key,
            Err(mistake) => return mistake.to_owned(),
        };
        assert!(!format!("{key:?} {}", key.kind()).contains("sentinel"));
        key.check(now, project_name).map_or_else(|failure| failure.message, |()| "fine".to_owned())
    }

    #[test]
    fn only_a_key_that_reads_everything_passes() {
        let service = format!(r#"{{"iss":"supabase","ref":"{REF}","role":"service_role","exp":1900000000}}"#);
        for (key, expected) in [
            ("sb_secret_the-sentinel".to_owned(), "fine"),
            ("some-other-sentinel".to_owned(), "fine"),
            ("two.dots.sentinel".to_owned(), "fine"),
            (jwt(&service), "fine"),
            (jwt(r#"{"role":"service_role"}"#), "fine"),
            (jwt(r#"{"role":"service_role","exp":1.9e9}"#), "fine"),
            ("sb_publishable_the-sentinel".to_owned(), "it is a publishable key"),
            ("sbp_the-sentinel".to_owned(), "it is a personal access token"),
            (jwt(r#"{"role":"anon"}"#), "it is the anon key"),
            (jwt(r#"{"role":"authenticated"}"#), "it is a signed-in user's token"),
            (jwt(r#"{"role":"dashboard_user"}"#), "its role is \"dashboard_user\""),
            (jwt("{}"), "it is a JWT that names no role"),
            (jwt(r#"{"role":"service_role","exp":1800000000}"#), "it expired on 2027-01-15 08:00 UTC"),
            (
                jwt(r#"{"role":"service_role","ref":"zzzzzzzzzzzzzzzzzzzz"}"#),
                "it belongs to the project \"zzzzzzzzzzzzzzzzzzzz\", not to abcdefghijklmnopqrst",
            ),
        ] {
            let said = check(&key, REF);
            let said = said.strip_prefix("checking the secret key: ").unwrap_or(&said);
            assert!(said.starts_with(expected), "{key}: {said}");
            assert!(!said.contains("sentinel"), "{said}");
        }
    }

    #[test]
    fn the_ref_of_a_key_is_not_held_against_the_name_of_a_host() {
        assert_eq!(check(&jwt(&format!(r#"{{"role":"service_role","ref":"{REF}"}}"#)), "db.example.com"), "fine");
    }

    #[test]
    fn a_key_that_cannot_be_sent_or_was_cut_is_refused_without_repeating_it() {
        let whole = jwt(r#"{"role":"service_role"}"#);
        for key in [
            "sb_secret_the sentinel",
            "sb_secret_the\nsentinel",
            "sb_secret_the\u{7}sentinel",
            "sb_secret_thé-sentinel",
            "'sb_secret_the-sentinel'",
            "\"sb_secret_the-sentinel\"",
            "eyJhbGciOiJIUzI1NiJ9",
            &whole[..30],
            &whole.replacen("eyJyb", "eyJyc", 1).replacen("IiOi", "____", 1)[..40],
        ] {
            let mistake = ApiKey::new(key.into()).err();
            assert!(mistake.is_some_and(|mistake| !mistake.contains("sentinel")), "{key}: {mistake:?}");
        }
    }

    #[test]
    fn padding_in_a_jwt_is_put_up_with() {
        let key = format!("eyJhbGciOiJIUzI1NiJ9.{}.x", URL_SAFE.encode(r#"{"role":"service_role"}  "#));
        assert!(key.contains('='));
        assert_eq!(check(&key, REF), "fine");
    }
}
