//! What a server or the way to it said, in the kinds of [`StoreError`]. The server's own words are
//! reduced to code and message: whole answers repeat what was sent.

use std::error::Error as StdError;

use object_store::client::{HttpError, HttpErrorKind};

use crate::store::StoreError;

/// What could be learned from an error and its causes.
#[derive(Debug, Default)]
struct Said {
    status: Option<u16>,
    code: String,
    message: String,
    /// There was no answer, or it broke off: what happened instead.
    broken: Option<String>,
    /// It was in the middle of an answer, where the crate does not try again by itself.
    midway: bool,
}

impl Said {
    fn of(error: &object_store::Error) -> Self {
        let mut said = Self { midway: true, ..Self::default() };
        let mut next: Option<&(dyn StdError + 'static)> = Some(error);
        let mut last = String::new();
        while let Some(cause) = next {
            let text = cause.to_string();
            if text.starts_with("Error performing ") {
                said.midway = false;
            }
            if let Some(answer) = text.strip_prefix("Server returned non-2xx status code: ") {
                said.status = answer.get(..3).and_then(|digits| digits.parse().ok());
                said.body(answer);
            } else if let Some(answer) = text.strip_prefix("Server returned error response: ") {
                said.status = Some(503);
                said.body(answer);
            } else if text.starts_with("Received redirect without LOCATION") {
                said.status = Some(301);
            }
            if let Some(http) = cause.downcast_ref::<HttpError>() {
                said.broken = Some(way(http.kind()).to_owned());
            }
            last = text;
            next = cause.source();
        }
        if let Some(broken) = said.broken.as_mut().filter(|broken| !last.contains("://") && !broken.contains(&last)) {
            broken.push_str(": ");
            broken.push_str(&last);
        } else if said.status.is_none() && said.message.is_empty() && !last.contains("://") {
            said.message = last;
        }
        said
    }

    /// The answer's code and message; every one of these services writes them in XML.
    fn body(&mut self, answer: &str) {
        let tag = |name: &str| {
            let (_, rest) = answer.split_once(&format!("<{name}>"))?;
            let (text, _) = rest.split_once(&format!("</{name}>"))?;
            Some(text.lines().next().unwrap_or_default().chars().take(200).collect::<String>())
        };
        self.code = tag("Code").unwrap_or_default();
        self.message = tag("Message").unwrap_or_default();
    }

    fn words(&self) -> String {
        if let Some(broken) = &self.broken {
            return broken.clone();
        }
        let status = self.status.map(|status| status.to_string());
        let parts: Vec<&str> =
            [self.code.as_str(), self.message.as_str()].into_iter().filter(|part| !part.is_empty()).collect();
        match (status, parts.is_empty()) {
            (Some(status), true) => format!("the server answers {status}"),
            (Some(status), false) => format!("the server answers {status} ({})", parts.join(": ")),
            (None, true) => "the request failed".to_owned(),
            (None, false) => parts.join(": "),
        }
    }
}

fn way(kind: HttpErrorKind) -> &'static str {
    match kind {
        HttpErrorKind::Connect => "no connection",
        HttpErrorKind::Timeout => "the answer took too long",
        HttpErrorKind::Decode => "the answer broke off",
        _ => "the connection broke off",
    }
}

/// Codes of a bucket that is not there.
const NO_BUCKET: [&str; 3] = ["NoSuchBucket", "ContainerNotFound", "ContainerBeingDeleted"];
/// Codes of credentials that the server does not take.
const STRANGERS: [&str; 9] = [
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "ExpiredToken",
    "InvalidToken",
    "TokenRefreshRequired",
    "RequestTimeTooSkewed",
    "AuthenticationFailed",
    "InvalidAuthenticationInfo",
    "InvalidClientTokenId",
];
/// Codes, and words of messages, of something that is kept from being changed.
const LOCKED: [&str; 7] = [
    "BlobImmutableDueToPolicy",
    "ObjectLocked",
    "retentionPolicyNotMet",
    "RetentionPolicyNotMet",
    "WORM protected",
    "object lock",
    "Object Lock",
];
const FULL: [&str; 4] = ["QuotaExceeded", "InsufficientStorage", "XMinioStorageFull", "InsufficientCapacity"];

/// The kind of an error of the crate.
pub(super) fn told(doing: String, error: &object_store::Error) -> StoreError {
    let said = Said::of(error);
    let reason = said.words();
    let code = said.code.as_str();
    let is = |known: &[&str]| known.iter().any(|word| code == *word || said.message.contains(word));
    if is(&LOCKED) {
        return StoreError::Locked { doing, reason };
    }
    if NO_BUCKET.contains(&code) {
        return StoreError::Other { doing, reason: format!("there is no such bucket; {reason}") };
    }
    if STRANGERS.contains(&code) {
        return StoreError::Credentials { doing, reason };
    }
    if FULL.contains(&code) || said.status == Some(507) {
        return StoreError::Full { doing, reason };
    }
    if code == "PermanentRedirect" || code == "AuthorizationHeaderMalformed" || said.status == Some(301) {
        let reason = format!("the bucket seems to be in another region, name it with ?region=…; {reason}");
        return StoreError::Other { doing, reason };
    }
    match (error, said.status) {
        (object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }, _) => {
            StoreError::AlreadyExists { doing }
        }
        (object_store::Error::NotFound { .. }, _) => StoreError::NotFound { doing },
        (object_store::Error::Unauthenticated { .. }, _) | (_, Some(401)) => StoreError::Credentials { doing, reason },
        (_, Some(403)) => StoreError::Denied { doing, reason },
        (_, Some(408 | 429 | 500..=599)) => StoreError::Unreachable { doing, reason },
        (_, None) if said.broken.is_some() => StoreError::Unreachable { doing, reason },
        _ => StoreError::Other { doing, reason },
    }
}

/// Whether an answer broke off after it had begun: asking once more is all it needs.
pub(super) fn broke_off(error: &object_store::Error) -> bool {
    let said = Said::of(error);
    said.midway && said.broken.is_some() && said.status.is_none()
}

/// Whether nobody knows if the request was acted upon.
pub(super) fn is_unclear(error: &object_store::Error) -> bool {
    let said = Said::of(error);
    said.status.is_none_or(|status| status >= 500) && said.broken.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Answer(String);

    fn refused(status: &str, code: &str, message: &str) -> StoreError {
        let body = format!(
            "Server returned non-2xx status code: {status}: <?xml version=\"1.0\"?><Error><Code>{code}</Code>\
             <Message>{message}</Message><StringToSign>the-sentinel</StringToSign></Error>"
        );
        let source = Box::new(Answer(body));
        let error = match status.get(..3) {
            Some("403") => object_store::Error::PermissionDenied { path: "p".into(), source },
            Some("404") => object_store::Error::NotFound { path: "p".into(), source },
            Some("409" | "412") => object_store::Error::AlreadyExists { path: "p".into(), source },
            _ => object_store::Error::Generic { store: "S3", source },
        };
        told("writing s3://b/k".to_owned(), &error)
    }

    #[test]
    fn answers_are_told_apart_by_what_can_be_done_about_them() {
        use StoreError as E;
        let denied = refused("403 Forbidden", "AccessDenied", "Access Denied");
        assert_eq!(denied.to_string(), "writing s3://b/k: the server answers 403 (AccessDenied: Access Denied)");
        assert!(matches!(denied, E::Denied { .. }));
        let stranger = refused("403 Forbidden", "SignatureDoesNotMatch", "The request signature does not match");
        assert!(matches!(stranger, E::Credentials { .. }) && !stranger.to_string().contains("sentinel"));
        let locked = refused("403 Forbidden", "AccessDenied", "Access Denied because object protected by object lock.");
        assert!(matches!(locked, E::Locked { .. }));
        assert!(matches!(refused("404 Not Found", "NoSuchKey", ""), E::NotFound { .. }));
        assert!(refused("404 Not Found", "NoSuchBucket", "x").to_string().contains("there is no such bucket"));
        assert!(matches!(refused("412 Precondition Failed", "PreconditionFailed", ""), E::AlreadyExists { .. }));
        assert!(matches!(refused("503 Slow Down", "SlowDown", "Reduce your request rate"), E::Unreachable { .. }));
        assert!(refused("301 Moved", "PermanentRedirect", "").to_string().contains("?region="));
        assert!(matches!(refused("507 Full", "", ""), E::Full { .. }));
        assert!(matches!(refused("400 Bad Request", "EntityTooLarge", "x"), E::Other { .. }));
    }
}
