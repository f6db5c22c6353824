//! The page's form: a call that is signed and sent by the library, as any client's is.
//!
//! The only file of the emulator that knows the library, and it knows its door alone: what checks signatures must not
//! share a mistake with what makes them.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use rpa_client::Function;
use serde_json::{Map, Value, json};
use tokio::sync::Semaphore;

use super::state::respond;
use crate::envelope::Refusal;
use crate::generation::Generation;
use crate::visit::Visit;
use crate::{ACCESS_KEY, APP_KEY, Center, SECRET_KEY, random};

/// What a form may choose. All else is the emulator's, so that a form reads no file and calls no other host.
const FIELDS: [&str; 9] =
    ["rest_type", "action", "mode", "data_json", "values", "encoding", "query", "accesstoken", "retry_mode"];
/// By which the form's own request is found among the others.
const MARK: &str = "x-emulator-form";
const TIMEOUT_MS: u64 = 10_000;

/// Each call takes a thread, and its request one more connection.
static CALLS: Semaphore = Semaphore::const_new(4);

pub async fn call(State(center): State<Arc<Center>>, body: Bytes) -> Result<Response, Refusal> {
    let chosen: Map<String, Value> = serde_json::from_slice(&body)
        .map_err(|_| Refusal::parameter("表单应为JSON对象", "the form is not a JSON object"))?;
    if let Some(field) = chosen.keys().find(|field| !FIELDS.contains(&field.as_str())) {
        return Err(Refusal::parameter(format!("表单不支持{field}"), format!("the form has no field {field}")));
    }
    let Ok(_place) = CALLS.try_acquire() else {
        let reason = "too many forms are under way";
        return Err(Refusal::http(StatusCode::SERVICE_UNAVAILABLE, "表单调用过多,请稍后再试", reason));
    };
    let mark = random::token().ok_or_else(Refusal::no_random_bytes)?;
    let request = request(&center, chosen, &mark);
    let reply = ask(Function::Call, request.clone()).await?;
    let visit = center.visits.newest(|visit| visit.header(MARK) == Some(mark.as_str()));
    let sign = ask(Function::Sign, signed_alike(request, visit.as_deref())).await?;
    Ok(respond(&json!({"call": reply, "sign": sign, "visit": visit.map(|visit| visit.n)})))
}

fn request(center: &Center, mut request: Map<String, Value>, mark: &str) -> Map<String, Value> {
    let mut add = |field: &str, value: Value| request.insert(field.to_owned(), value);
    add("host", center.base.clone().into());
    // The environment's would see what is meant for this machine.
    add("proxy", Value::Null);
    add("timeout_ms", TIMEOUT_MS.into());
    add("headers", json!({MARK: mark}));
    if let Some(fingerprint) = &center.fingerprint {
        add("tls", json!({"pin_sha256": fingerprint}));
    }
    if center.generation != Generation::V2020_4 {
        add("generation", center.generation.name().into());
    }
    if center.generation == Generation::V10_3 {
        add("appkey", APP_KEY.into());
    }
    if center.generation.has_tokens() && !request.contains_key("accesstoken") {
        request.insert("accesskey".to_owned(), ACCESS_KEY.into());
        request.insert("secretkey".to_owned(), SECRET_KEY.into());
    }
    request
}

/// The request that shows the stages of the one that was sent: by its time and its token.
fn signed_alike(mut request: Map<String, Value>, visit: Option<&Visit>) -> Map<String, Value> {
    let Some(visit) = visit else { return request };
    if let Some(timestamp) = visit.header("timestamp").and_then(|text| text.parse::<i64>().ok()) {
        request.insert("timestamp".to_owned(), timestamp.into());
    }
    if let Some(token) = visit.header("accesstoken") {
        request.insert("accesstoken".to_owned(), token.into());
        request.remove("accesskey");
        request.remove("secretkey");
    }
    request
}

/// On a thread of its own, since the library blocks.
async fn ask(function: Function, request: Map<String, Value>) -> Result<Value, Refusal> {
    let request = Value::from(request).to_string();
    let reply = tokio::task::spawn_blocking(move || rpa_client::reply(function, Some(request.as_bytes())));
    let failed = || Refusal::http(StatusCode::INTERNAL_SERVER_ERROR, "系统错误", "the library gave no reply");
    let reply = reply.await.map_err(|_| failed())?;
    serde_json::from_slice(&reply).map_err(|_| failed())
}
