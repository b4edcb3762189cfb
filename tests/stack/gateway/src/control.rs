//! The control API, on its own port.
//!
//! | request | does |
//! |---|---|
//! | `GET /faults` | the rules with their counters `seen` and `hit` |
//! | `POST /faults` | replaces the rules by the JSON list in the body |
//! | `DELETE /faults` | drops all rules |
//! | `PUT /latency` | delay in ms before every response, as text |
//! | `GET /management` | `requests`, `window_ms`, `query_timeout_ms` of the Management API |
//! | `PUT /management` | sets them to the JSON object in the body, and opens a new window |
//! | `PUT /log` | switches the record of requests on |
//! | `GET /log` | the record, a JSON list |
//! | `DELETE /log` | empties the record |

use http_body_util::BodyExt;
use hyper::{Method, Request, Response, StatusCode, body::Incoming, header::CONTENT_TYPE};
use serde_json::json;

use crate::{
    body::{Body, BoxError},
    proxy::Gateway,
};

/// Answers one control request.
pub(crate) async fn answer(gateway: &Gateway, request: Request<Incoming>) -> Result<Response<Body>, BoxError> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let (faults, record) = (&gateway.faults, &gateway.record);
    let (status, answer) = match (&parts.method, parts.uri.path()) {
        (&Method::GET, "/faults") => (StatusCode::OK, serde_json::to_vec(&faults.list())?),
        (&Method::POST, "/faults") => match faults.replace(&body) {
            Ok(()) => done(),
            Err(error) => refused(&format!("{error:#}")),
        },
        (&Method::DELETE, "/faults") => {
            faults.clear();
            done()
        }
        (&Method::PUT, "/latency") => match str::from_utf8(&body).unwrap_or_default().trim().parse() {
            Ok(ms) => {
                gateway.set_latency(ms);
                done()
            }
            Err(_) => refused("a number of milliseconds is expected"),
        },
        (&Method::GET, "/management") => match &gateway.management {
            Some(management) => (StatusCode::OK, serde_json::to_vec(&management.settings())?),
            None => refused("there is no Management API here"),
        },
        (&Method::PUT, "/management") => match (&gateway.management, serde_json::from_slice(&body)) {
            (Some(management), Ok(settings)) => {
                management.set(&settings);
                done()
            }
            (None, _) => refused("there is no Management API here"),
            (_, Err(error)) => refused(&error.to_string()),
        },
        (&Method::GET, "/log") => (StatusCode::OK, serde_json::to_vec(&record.entries())?),
        (&Method::PUT, "/log") => {
            record.switch_on();
            done()
        }
        (&Method::DELETE, "/log") => {
            record.clear();
            done()
        }
        _ => (StatusCode::NOT_FOUND, message("no such control request")),
    };
    let mut response = Response::new(Body::held(answer));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, crate::proxy::JSON);
    Ok(response)
}

fn done() -> (StatusCode, Vec<u8>) {
    (StatusCode::OK, b"{}".to_vec())
}

fn refused(reason: &str) -> (StatusCode, Vec<u8>) {
    (StatusCode::BAD_REQUEST, message(reason))
}

fn message(text: &str) -> Vec<u8> {
    json!({ "message": text }).to_string().into_bytes()
}
