//! Supabase's rules about API keys.
//!
//! What the hosted gateway does, as publicly documented and observed:
//!
//! | `apikey` | `Authorization` | upstream |
//! |---|---|---|
//! | `sb_secret_…` | absent, or `Bearer` with the same key | JWT of `service_role` |
//! | `sb_secret_…` | anything else | 401 |
//! | `sb_secret_…`, browser User-Agent | any | 401 |
//! | `sb_publishable_…` | absent, or `Bearer` with the same key | JWT of `anon` |
//! | `sb_publishable_…` | a user's JWT | passed on; PostgREST checks it |
//! | legacy JWT | absent | the same JWT |
//! | legacy JWT | present | passed on; PostgREST checks it |
//! | missing or unknown | any | 401 |
//!
//! The root `/rest/v1/` (the OpenAPI document) is for secret and `service_role` keys alone.
//!
//! `/pg` exists on self-hosted projects only. There Kong knows consumers by `apikey` and does not look
//! at `Authorization`: 401 without a key or with an unknown one, 403 for any key but the service's.

use anyhow::{Result, ensure};
use hyper::{
    StatusCode,
    header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, USER_AGENT},
};

use crate::config::Config;

/// The header that carries the key.
pub(crate) const APIKEY: HeaderName = HeaderName::from_static("apikey");

/// Why a request is refused with 401: the body's `message` and `hint`.
#[derive(Debug, PartialEq)]
pub(crate) struct Refusal {
    /// What is wrong.
    pub(crate) message: &'static str,
    /// What to do about it.
    pub(crate) hint: &'static str,
}

/// The four keys of the project, with the headers they turn into.
pub(crate) struct Keys {
    secret: String,
    publishable: String,
    service_jwt: String,
    anon_jwt: String,
    service_bearer: HeaderValue,
    anon_bearer: HeaderValue,
}

impl Keys {
    /// Takes the keys from the configuration.
    pub(crate) fn new(config: &Config) -> Result<Self> {
        ensure!(config.secret_key.starts_with("sb_secret_"), "secret_key must start with sb_secret_");
        ensure!(
            config.publishable_key.starts_with("sb_publishable_"),
            "publishable_key must start with sb_publishable_"
        );
        Ok(Self {
            secret: config.secret_key.clone(),
            publishable: config.publishable_key.clone(),
            service_jwt: config.service_jwt.clone(),
            anon_jwt: config.anon_jwt.clone(),
            service_bearer: HeaderValue::from_str(&format!("Bearer {}", config.service_jwt))?,
            anon_bearer: HeaderValue::from_str(&format!("Bearer {}", config.anon_jwt))?,
        })
    }

    /// Applies the rules to `headers`, replacing `Authorization` where the rules say so.
    ///
    /// `query_key` is the `apikey` of the URL, used when there is no such header. `root` says that
    /// the request is for `/rest/v1/` itself.
    pub(crate) fn authorize(
        &self,
        headers: &mut HeaderMap,
        query_key: Option<&str>,
        root: bool,
    ) -> Result<(), Refusal> {
        let key = match headers.get(&APIKEY) {
            Some(value) => value.as_bytes(),
            None => query_key.unwrap_or_default().as_bytes(),
        };
        let bearer = headers.get(AUTHORIZATION).map(|value| bearer(value.as_bytes()));
        let replacement = if key.is_empty() {
            return Err(NO_KEY);
        } else if key == self.secret.as_bytes() {
            if headers.get(USER_AGENT).is_some_and(|value| value.as_bytes().starts_with(b"Mozilla/")) {
                return Err(BROWSER);
            }
            match bearer {
                None => Some(&self.service_bearer),
                Some(token) if token == self.secret.as_bytes() => Some(&self.service_bearer),
                Some(_) => return Err(INVALID_JWT),
            }
        } else if key == self.publishable.as_bytes() {
            if root {
                return Err(ROOT_WITH_PUBLISHABLE);
            }
            match bearer {
                Some(token) if token.starts_with(b"eyJ") => None,
                Some(token) if token != self.publishable.as_bytes() => return Err(INVALID_JWT),
                _ => Some(&self.anon_bearer),
            }
        } else if key == self.service_jwt.as_bytes() {
            bearer.is_none().then_some(&self.service_bearer)
        } else if key == self.anon_jwt.as_bytes() {
            if root {
                return Err(ROOT_WITH_ANON);
            }
            bearer.is_none().then_some(&self.anon_bearer)
        } else {
            return Err(UNKNOWN_KEY);
        };
        if let Some(value) = replacement {
            headers.insert(AUTHORIZATION, value.clone());
        }
        Ok(())
    }

    /// Applies Kong's rules for `/pg`: the status and message of a refusal.
    pub(crate) fn service_only(
        &self,
        headers: &HeaderMap,
        query_key: Option<&str>,
    ) -> Result<(), (StatusCode, &'static str)> {
        let key = match headers.get(&APIKEY) {
            Some(value) => value.as_bytes(),
            None => query_key.unwrap_or_default().as_bytes(),
        };
        let is = |known: &String| key == known.as_bytes();
        if key.is_empty() {
            Err((StatusCode::UNAUTHORIZED, NO_KEY.message))
        } else if is(&self.secret) || is(&self.service_jwt) {
            Ok(())
        } else if is(&self.publishable) || is(&self.anon_jwt) {
            Err((StatusCode::FORBIDDEN, "You cannot consume this service"))
        } else {
            Err((StatusCode::UNAUTHORIZED, "Invalid authentication credentials"))
        }
    }
}

/// The token of an `Authorization` header; the whole value when it is not a bearer token.
fn bearer(value: &[u8]) -> &[u8] {
    match value.split_at_checked(7) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case(b"bearer ") => token,
        _ => value,
    }
}

const NO_KEY: Refusal =
    Refusal { message: "No API key found in request", hint: "No `apikey` request header or url param was found." };
const UNKNOWN_KEY: Refusal =
    Refusal { message: "Invalid API key", hint: "Double check your Supabase `anon` or `service_role` API key." };
const INVALID_JWT: Refusal = Refusal {
    message: "Invalid JWT",
    hint: "The `Authorization` header must be absent or carry the same key as `apikey`.",
};
const BROWSER: Refusal = Refusal {
    message: "Forbidden use of secret API key in browser",
    hint: "Secret API keys can only be used in a protected environment and should never be used in \
           a browser. Delete this secret API key immediately!",
};
const ROOT_WITH_ANON: Refusal =
    Refusal { message: "Invalid API key", hint: "Only the `service_role` API key can be used for this endpoint." };
const ROOT_WITH_PUBLISHABLE: Refusal =
    Refusal { message: "Secret API key required", hint: "Only secret API keys can be used for this endpoint." };

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "sb_secret_s";
    const PUBLISHABLE: &str = "sb_publishable_p";

    fn keys() -> Keys {
        Keys {
            secret: SECRET.into(),
            publishable: PUBLISHABLE.into(),
            service_jwt: "eyJservice".into(),
            anon_jwt: "eyJanon".into(),
            service_bearer: HeaderValue::from_static("Bearer eyJservice"),
            anon_bearer: HeaderValue::from_static("Bearer eyJanon"),
        }
    }

    /// The `Authorization` header that reaches PostgREST, or the message of the refusal.
    fn upstream(headers: &[(&'static str, &'static str)], root: bool) -> String {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, HeaderValue::from_static(value));
        }
        match keys().authorize(&mut map, None, root) {
            Ok(()) => map[AUTHORIZATION].to_str().unwrap_or_default().to_owned(),
            Err(refusal) => refusal.message.to_owned(),
        }
    }

    #[test]
    fn keys_become_the_role_they_stand_for() {
        assert_eq!(upstream(&[("apikey", SECRET)], true), "Bearer eyJservice");
        assert_eq!(upstream(&[("apikey", SECRET), ("authorization", "Bearer sb_secret_s")], true), "Bearer eyJservice");
        assert_eq!(upstream(&[("apikey", PUBLISHABLE)], false), "Bearer eyJanon");
        assert_eq!(upstream(&[("apikey", PUBLISHABLE), ("authorization", "Bearer eyJuser")], false), "Bearer eyJuser");
        assert_eq!(upstream(&[("apikey", "eyJservice")], true), "Bearer eyJservice");
        assert_eq!(upstream(&[("apikey", "eyJanon"), ("authorization", "Bearer eyJuser")], false), "Bearer eyJuser");
    }

    #[test]
    fn wrong_keys_and_combinations_are_refused() {
        assert_eq!(upstream(&[], false), NO_KEY.message);
        assert_eq!(upstream(&[("authorization", "Bearer eyJservice")], false), NO_KEY.message);
        assert_eq!(upstream(&[("apikey", "eyJother")], false), UNKNOWN_KEY.message);
        assert_eq!(upstream(&[("apikey", SECRET), ("authorization", "Bearer eyJservice")], false), INVALID_JWT.message);
        assert_eq!(upstream(&[("apikey", SECRET), ("user-agent", "Mozilla/5.0")], false), BROWSER.message);
        assert_eq!(upstream(&[("apikey", PUBLISHABLE)], true), ROOT_WITH_PUBLISHABLE.message);
        assert_eq!(upstream(&[("apikey", "eyJanon")], true), ROOT_WITH_ANON.message);
    }

    #[test]
    fn postgres_meta_is_for_the_service_key() {
        let status = |key: &'static str| {
            let mut map = HeaderMap::new();
            map.insert(APIKEY, HeaderValue::from_static(key));
            keys().service_only(&map, None).err().map(|(status, _)| status.as_u16())
        };
        assert_eq!([status(SECRET), status("eyJservice")], [None, None]);
        assert_eq!([status(PUBLISHABLE), status("eyJanon")], [Some(403), Some(403)]);
        assert_eq!([status("eyJother"), status("")], [Some(401), Some(401)]);
        assert!(keys().service_only(&HeaderMap::new(), Some("eyJservice")).is_ok());
    }
}
