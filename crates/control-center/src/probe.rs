//! Two calls that no control center has, for whoever tests a client: one answers what arrived, the
//! other answers what it is told.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;

use crate::call::Call;
use crate::envelope::{Answer, Outcome, Refusal};
use crate::params::Params;
use crate::percent;

/// Headers that are the caller's secrets, or change with each call.
const NOT_ECHOED: [&str; 4] = ["accesstoken", "appkey", "signature", "timestamp"];
const DELAY_MOST_MS: u64 = 600_000;

/// A signed call as it arrived. What is text is given as text, and nothing is lost.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Echo<'a> {
    method: &'a str,
    path: &'a str,
    /// Decoded, in the order received.
    query: &'a [(String, String)],
    raw_query: Option<&'a str>,
    /// Null if it is not UTF-8; then `bodyBase64` has it.
    body: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
    content_type: Option<String>,
    headers: BTreeMap<&'a str, String>,
}

pub async fn echo(call: Call) -> Answer {
    let body = std::str::from_utf8(&call.body).ok();
    let headers = headers(&call.headers);
    let echo = Echo {
        method: call.method.as_str(),
        path: call.uri.path(),
        query: &call.query,
        raw_query: call.uri.query(),
        body,
        body_base64: body.is_none().then(|| BASE64.encode(&call.body)),
        content_type: headers.get(CONTENT_TYPE.as_str()).cloned(),
        headers,
    };
    Answer::new("echo", echo)
}

/// By lower-case name; a header that came more than once is joined with `, `.
fn headers(received: &HeaderMap) -> BTreeMap<&str, String> {
    let mut headers = BTreeMap::<&str, String>::new();
    for (name, value) in received {
        if NOT_ECHOED.contains(&name.as_str()) {
            continue;
        }
        let value = String::from_utf8_lossy(value.as_bytes());
        headers
            .entry(name.as_str())
            .and_modify(|values| {
                values.push_str(", ");
                values.push_str(&value);
            })
            .or_insert_with(|| value.clone().into_owned());
    }
    headers
}

/// Answers by its parameters: `status`, `contentType`, `body` or `bodyHex`, `location`, `retryAfter`,
/// and all that after `delayMillis`.
pub async fn reply(call: Call) -> Result<Response, Refusal> {
    told_later(&call.params()?).await
}

pub async fn told_later(params: &Params) -> Result<Response, Refusal> {
    let response = told(params)?;
    let delay = params.number("delayMillis", 0..=DELAY_MOST_MS)?.unwrap_or(0);
    tokio::time::sleep(Duration::from_millis(delay)).await;
    Ok(response)
}

fn told(params: &Params) -> Result<Response, Refusal> {
    let status = params.number("status", 200..=599)?.unwrap_or(200);
    let body = match params.optional_text("bodyHex")? {
        Some(hex) => percent::unhex(hex).ok_or_else(|| {
            Refusal::parameter("bodyHex应为十六进制", "parameter bodyHex must be pairs of hex digits")
        })?,
        None => params.optional_text("body")?.unwrap_or_default().into(),
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let json = HeaderValue::from_static("application/json;charset=utf-8");
    let content_type = header(params, "contentType")?.unwrap_or(json);
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    let others: [(&str, HeaderName); 2] = [("location", LOCATION), ("retryAfter", RETRY_AFTER)];
    for (parameter, name) in others {
        if let Some(value) = header(params, parameter)? {
            response.headers_mut().insert(name, value);
        }
    }
    let (code, reason) = (None, "as told".into());
    response.extensions_mut().insert(Outcome { code, reason });
    Ok(response)
}

fn header(params: &Params, name: &'static str) -> Result<Option<HeaderValue>, Refusal> {
    let text = params.optional_text(name)?;
    text.map(HeaderValue::try_from).transpose().map_err(|_| {
        Refusal::parameter(format!("{name}不能作为HTTP头"), format!("parameter {name} cannot be a header's value"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn told_by(params: Value) -> Result<Response, Refusal> {
        told(&Params::new(params.as_object().unwrap().clone()))
    }

    #[test]
    fn a_reply_is_as_told() {
        let response = told_by(json!({"status": "302", "location": "https://x/?a=1", "retryAfter": "3"})).unwrap();
        assert_eq!(response.status(), 302);
        assert_eq!(response.headers()[LOCATION], "https://x/?a=1");
        assert_eq!(response.headers()[RETRY_AFTER], "3");
    }

    #[test]
    fn a_reply_that_cannot_be_is_refused() {
        for params in [
            json!({"status": "100"}),
            json!({"status": "600"}),
            json!({"bodyHex": "d6d"}),
            json!({"location": "a\r\nb: c"}),
        ] {
            assert!(told_by(params.clone()).is_err(), "{params}");
        }
    }

    #[test]
    fn secrets_are_not_echoed() {
        let mut received = HeaderMap::new();
        for name in NOT_ECHOED {
            received.insert(name, HeaderValue::from_static("secret"));
        }
        received.append("x-a", HeaderValue::from_static("1"));
        received.append("x-a", HeaderValue::from_static("2"));
        assert_eq!(headers(&received), BTreeMap::from([("x-a", "1, 2".to_owned())]));
    }
}
