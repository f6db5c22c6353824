//! Requests that are right, to be made wrong or sent to a server of one's own.

use serde_json::{Value, json};

/// A request that is right, for each function.
pub fn right(function: &str, host: &str) -> Value {
    let own = match function {
        "rpa_get_token" => json!({ "accesskey": "demo-access-key", "secretkey": "demo-secret-key" }),
        "rpa_refresh_token" => json!({ "refreshtoken": "4b7e1d5a48c0b3e6" }),
        _ => json!({ "rest_type": "/oapi/v1/job/get", "mode": "get", "accesstoken": "9f2c4b7e1d5a48c0" }),
    };
    // The environment's proxy would see what is meant for a server of this machine.
    with(with(own, "host", host.into()), "proxy", Value::Null)
}

/// A right call in a mode.
pub fn call(host: &str, mode: &str) -> Value {
    with(right("rpa_call", host), "mode", mode.into())
}

/// The request with one field more, or another value of it.
pub fn with(mut request: Value, field: &str, value: Value) -> Value {
    request[field] = value;
    request
}
