//! Servers that are too slow: a call ends at its limit, and says what it waited for.

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
    let server = Server::start(|_connection| thread::sleep(Duration::from_secs(6)));
    let mut large = request(&server.url(), "put", json!({ "timeout_ms": 4000 }));
    // More than the buffers of both sides hold.
    large["data_json"]["large"] = "x".repeat(16 << 20).into();
    let reply = Library::load().json("rpa_call", &large);
    assert_eq!(facts(&reply), (40, "timeout", "unknown", 1));
    // By the library's own watch: to write and read 16 MiB of JSON takes this test longer than the call.
    assert!(reply["error"]["elapsed_ms"].as_u64().unwrap() < 5500, "{reply}");
    assert!(reply["error"]["detail"].as_str().unwrap().contains("sending the request"), "{reply}");
}
