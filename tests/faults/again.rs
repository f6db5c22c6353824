//! What is sent again, and what is told of a request that may have arrived.

use std::io::Read;
use std::net::TcpListener;
use std::thread;

use serde_json::json;

use crate::harness::Library;
use crate::server::Server;
use crate::{facts, request};

#[test]
fn a_post_that_may_have_arrived_is_not_sent_again() {
    let library = Library::load();
    for (mode, further, attempts) in [
        ("post", json!({}), 1),
        ("post", json!({ "retry_mode": "always" }), 2),
        ("get", json!({}), 2),
        ("put", json!({}), 2),
        ("delete", json!({}), 2),
    ] {
        let server = Server::start(|connection| drop(connection.request()));
        let reply = library.json("rpa_call", &request(&server.url(), mode, further.clone()));
        assert_eq!(facts(&reply), (40, "disconnected", "unknown", attempts), "{mode} {further}");
        assert_eq!(server.requests() as u64, attempts, "{mode} {further}");
    }
}

#[test]
fn what_an_earlier_attempt_did_is_not_forgotten() {
    let library = Library::load();
    // Takes one request, answers nothing, and is gone.
    for (mode, further) in [("put", json!({})), ("post", json!({ "retry_mode": "always" }))] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = format!("http://{}", listener.local_addr().unwrap());
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]);
        });
        let reply = library.json("rpa_call", &request(&host, mode, further));
        assert_eq!(facts(&reply), (40, "connect", "unknown", 2), "{mode}");
        server.join().unwrap();
    }
}
