//! Replies: `{"code": N, "msg": "...", "result": ...}`, and what the log says of them.

use std::borrow::Cow;

use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};

/// What the log says of a reply. It must not hold anything a client sent.
#[derive(Clone)]
pub struct Outcome {
    /// The envelope's code; `None` for a reply that is no envelope.
    pub code: Option<i64>,
    pub reason: Cow<'static, str>,
}

/// What the page shows of a reply beside its outcome.
#[derive(Clone)]
pub struct Told {
    pub msg: String,
    pub text: Bytes,
}

const SUCCESS: &str = "success";

/// Code 0.
pub struct Answer {
    body: String,
    reason: Cow<'static, str>,
}

/// Any other code: `msg` in Chinese, as the control center's users read it; the log's reason in English.
#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    code: i64,
    msg: String,
    result: Option<Box<RawValue>>,
    reason: Cow<'static, str>,
}

#[derive(Serialize)]
struct Envelope<'a, T> {
    code: i64,
    msg: &'a str,
    result: T,
}

impl Answer {
    pub fn new(reason: impl Into<Cow<'static, str>>, result: impl Serialize) -> Self {
        Self { body: text(&Envelope { code: 0, msg: SUCCESS, result }), reason: reason.into() }
    }
}

impl Refusal {
    /// Over the keys or a token: HTTP 401, and no result.
    pub fn unauthorised(msg: &str, reason: &'static str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, msg, reason)
    }

    /// Over the timestamp or the signature: HTTP 403, and the facts as the result.
    pub fn forbidden(msg: &str, reason: &'static str, facts: &impl Serialize) -> Self {
        Self::new(StatusCode::FORBIDDEN, msg, reason).facts(facts)
    }

    /// Any other HTTP status, which is the code too. The reason is given back as `result.detail`.
    pub fn http(status: StatusCode, msg: impl Into<String>, reason: impl Into<Cow<'static, str>>) -> Self {
        let refusal = Self::new(status, msg, reason);
        let facts = json!({"detail": &refusal.reason});
        refusal.facts(&facts)
    }

    pub fn parameter(msg: impl Into<String>, reason: impl Into<Cow<'static, str>>) -> Self {
        Self::http(StatusCode::BAD_REQUEST, format!("参数错误:{}", msg.into()), reason)
    }

    /// A call that was understood and cannot be done: HTTP 200, and a code of its own.
    pub fn business(code: i64, msg: &str, reason: &'static str) -> Self {
        let mut refusal = Self::http(StatusCode::OK, msg, reason);
        refusal.code = code;
        refusal
    }

    pub fn no_random_bytes() -> Self {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Self::http(status, "系统错误", "the system has no random bytes to give")
    }

    /// As somebody wants it to look, without a result.
    pub fn looking(status: StatusCode, code: i64, msg: &str, reason: &'static str) -> Self {
        Self { code, ..Self::new(status, msg, reason) }
    }

    /// In place of the result there was. Its fields keep their order, for a person to read.
    pub fn facts(mut self, facts: &impl Serialize) -> Self {
        self.result = to_raw_value(facts).ok();
        self
    }

    fn new(status: StatusCode, msg: impl Into<String>, reason: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code: status.as_u16().into(), msg: msg.into(), result: None, reason: reason.into() }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        respond(StatusCode::OK, 0, SUCCESS.to_owned(), self.body, self.reason)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self { status, code, msg, result, reason } = self;
        let body = text(&Envelope { code, msg: &msg, result });
        respond(status, code, msg, body, reason)
    }
}

fn text(envelope: &Envelope<impl Serialize>) -> String {
    let failed = |_| r#"{"code":500,"msg":"系统错误","result":null}"#.to_owned();
    serde_json::to_string(envelope).unwrap_or_else(failed)
}

fn respond(status: StatusCode, code: i64, msg: String, body: String, reason: Cow<'static, str>) -> Response {
    // Shared with the page, and not copied.
    let text = Bytes::from(body);
    let mut response = Response::new(Body::from(text.clone()));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json;charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, json);
    let code = Some(code);
    response.extensions_mut().insert(Outcome { code, reason });
    response.extensions_mut().insert(Told { msg, text });
    response
}
