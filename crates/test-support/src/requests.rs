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

/// The request with further fields, or other values of them.
pub fn with_all(mut request: Value, further: Value) -> Value {
    let Value::Object(further) = further else { panic!("fields are a JSON object, not {further}") };
    request.as_object_mut().expect("a request is a JSON object").extend(further);
    request
}

/// A right call that makes a job, by a token, with a Chinese parameter and further fields.
pub fn create_job(host: &str, mode: &str, further: Value) -> Value {
    let job = json!({
        "host": host, "mode": mode, "rest_type": "/oapi/v1/job/create", "data_json": { "说明": "月结" },
        "accesstoken": "9f2c4b7e1d5a48c0b3e6a7d812f45c90", "proxy": null,
    });
    with_all(job, further)
}
