//! Any bytes as a reply, cut anywhere, through the real client: it ends, answers JSON, says that the server had the request,
//! and shows nothing of the token.

#![no_main]

use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use rpa_openapi_fuzz::server::{Answer, Server, cut};

const TOKEN: &str = "9f2c4b7e1d5a48c0";

fuzz_target!(|data: (Vec<u8>, &[u8])| {
    let (places, bytes) = data;
    let server = Server::get();
    server.answer(Answer { pieces: cut(bytes, &places), keep: false });
    let request = json!({
        "host": server.url, "mode": "get", "rest_type": "/a", "accesstoken": TOKEN, "proxy": null, "retry": 1,
        "timeout_ms": 5000, "max_response_bytes": 1 << 20,
    });
    let started = Instant::now();
    let told: Value = serde_json::from_str(&rpa_openapi_fuzz::reply(rpa_client::Function::Call, &request.to_string())).expect("a reply is JSON");
    // The server closes the connection: nothing is waited for.
    assert!(started.elapsed() < Duration::from_secs(4), "{told}");
    let error = &told["error"];
    // A server may answer with an envelope of its own.
    if error["elapsed_ms"].is_u64() && told["result"].is_null() && error["attempts"] == 1 {
        assert_ne!(error["kind"], "internal", "{told}");
        assert!(error["delivered"] != "no" || bytes.is_empty(), "{told}");
        // Whatever a page says, no part of the token is quoted.
        let detail = error["detail"].as_str().expect("an error has a detail").to_lowercase();
        let letters: String = detail.chars().filter(|c| c.is_alphanumeric()).collect();
        assert!((0..=TOKEN.len() - 8).all(|at| !letters.contains(&TOKEN[at..at + 8])), "{told}");
    }
});
