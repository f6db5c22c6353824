//! What the emulator holds, and what it counted.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;

use crate::{ACCESS_KEY, APP_KEY, Center, SECRET_KEY};

const SHOWN: usize = 50;

pub async fn counts(State(center): State<Arc<Center>>) -> Response {
    respond(&center.counts.now())
}

pub async fn state(State(center): State<Arc<Center>>) -> Response {
    let now_ms = center.clock.now_ms();
    let rules = center.rules.now();
    respond(&json!({
        "version": env!("CARGO_PKG_VERSION"),
        "base": center.base,
        "tls": center.fingerprint.is_some(),
        "fingerprint": center.fingerprint,
        "generation": center.generation,
        "encoding": rules.encoding,
        "refuseSignature": rules.refuse_signature,
        "accessKey": ACCESS_KEY,
        "secretKey": SECRET_KEY,
        "appkey": APP_KEY,
        "now": now_ms,
        "tokens": center.tokens.newest(SHOWN, now_ms),
        "jobs": center.jobs.views(None, SHOWN, now_ms),
        "files": center.files.list(),
        "counts": center.counts.now(),
    }))
}

pub fn respond(content: &impl Serialize) -> Response {
    let mut response = serde_json::to_string(content).unwrap_or_default().into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json;charset=utf-8"));
    response
}
