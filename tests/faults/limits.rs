//! Servers that are too slow: a call ends at its limit, and says what it waited for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::harness::Library;
use crate::server::Server;
use crate::{MODES, ends_at, facts, request};

#[test]
fn a_server_that_never_answers() {
    let library = Library::load();
    let server = Server::start(|connection| while connection.request().is_some() {});
    for mode in MODES {
        let silent = request(&server.url(), mode, json!({ "timeout_ms": 400 }));
        let reply = ends_at(Duration::from_millis(400), || library.json("rpa_call", &silent));
        assert_eq!(facts(&reply), (40, "timeout", "unknown", 1), "{mode}");
    }
}

#[test]
fn a_server_that_trickles() {
    let server = Server::start(|connection| {
        connection.request();
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
        while connection.send(b" ") {
            thread::sleep(Duration::from_millis(20));
        }
    });
    let (library, trickling) = (Library::load(), request(&server.url(), "get", json!({ "timeout_ms": 400 })));
    let reply = ends_at(Duration::from_millis(400), || library.json("rpa_call", &trickling));
    assert_eq!(facts(&reply), (40, "timeout", "yes", 1));
    assert!(reply["error"]["detail"].as_str().unwrap().contains("reading the reply"), "{reply}");
}

#[test]
fn a_server_that_does_not_read() {
    let over = Arc::new(AtomicBool::new(false));
    let seen = over.clone();
    let server = Server::start(move |_connection| {
        while !seen.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(20));
        }
    });
    let mut large = request(&server.url(), "put", json!({ "timeout_ms": 4000 }));
    // More than the buffers of both sides hold.
    large["data_json"]["large"] = "x".repeat(16 << 20).into();
    let reply = Library::load().json("rpa_call", &large);
    over.store(true, Ordering::SeqCst);
    assert_eq!(facts(&reply), (40, "timeout", "unknown", 1));
    // The server would hold out for ever; what goes beyond the limit is the work on 16 MiB of JSON.
    assert!(reply["error"]["ms"]["send"].as_u64().unwrap() < 20_000, "{reply}");
    assert!(reply["error"]["detail"].as_str().unwrap().contains("sending the request"), "{reply}");
}
