//! One message to an address that is a secret: whoever knows it can write there. Nothing here shows any of it, and
//! redirects are not followed.

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Url};

use crate::http::{Http, Request};

/// Answers are short; who answers with more is somebody else.
const LONGEST_ANSWER: usize = 1 << 20;

/// Sends it. The error is a reason in words, without the address.
pub(super) async fn deliver(http: &Http, request: &Request) -> Result<(), String> {
    match http.send(request).await {
        Ok(answer) if (200..300).contains(&answer.status) => Ok(()),
        Ok(answer) => Err(format!("it answered with status {}", answer.status)),
        Err(error) => Err(error.to_string()),
    }
}

/// A question without a body.
pub(super) fn get(url: Url) -> Request {
    Request::get(url, HeaderMap::new(), LONGEST_ANSWER, |_, _| true)
}

/// A message. One that is not repeatable is sent again only where it certainly did not arrive.
pub(super) fn post(url: Url, content_type: &'static str, body: Bytes, repeatable: bool) -> Request {
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content_type))]);
    Request { method: Method::POST, headers, body, repeatable, ..get(url) }
}
