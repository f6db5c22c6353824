//! Processes that are forked while the library is in use, as Python's multiprocessing does it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::built_library;
use crate::in_company;
use crate::place::{in_file, in_redis};
use crate::python::python;
use crate::refusal::request;
use crate::server::{Server, reply};
use crate::tools::succeed;

/// Slow to give a token, whose first one for each account is refused by a put.
fn forks(store: &Value) {
    let Some(mut python) = python("tests/python/forks.py") else { return };
    let asked = Arc::new(AtomicUsize::new(0));
    let seen = asked.clone();
    let server = Server::start(move |connection| {
        while let Some(text) = connection.request() {
            let answer = if text.starts_with("GET /oapi/v1/token") {
                thread::sleep(Duration::from_millis(600));
                reply(
                    "200 OK",
                    &format!("{{\"code\":0,\"result\":[\"token{}\"]}}", seen.fetch_add(1, Ordering::SeqCst)),
                )
            } else if text.starts_with("PUT ") && text.contains(": token2\r\n") {
                reply("401 Unauthorized", r#"{"code":401,"msg":"x"}"#)
            } else {
                reply("200 OK", r#"{"code":0}"#)
            };
            connection.send(answer.as_bytes());
        }
    });
    let of = |accesskey: &str| {
        let fields = json!({ "accesskey": accesskey, "token_store": store, "mode": "get", "timeout_ms": 10_000 });
        request(&server, fields).to_string()
    };
    python.arg(built_library()).args([of("access-key-1"), of("access-key-2"), of("access-key-3")]);
    succeed(&mut python, "forks.py");
    assert_eq!(asked.load(Ordering::SeqCst), 4, "one for each account, and one that takes the refused one's place");
}

#[test]
fn share_a_file() {
    let _company = in_company();
    in_file(forks);
}

#[test]
fn share_a_redis() {
    let _company = in_company();
    in_redis(forks);
}
