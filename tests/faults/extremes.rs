//! Requests and replies as long and as deep as they may be, and TLS that ends in the middle.

use std::env;
use std::io::{Read, Write};

use serde_json::json;

use crate::harness::Library;
use crate::server::{Server, reply};
use crate::{facts, request, tls};

fn answering(body: Vec<u8>) -> Server {
    Server::answering(
        [format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes(), body].concat(),
    )
}

/// What comes out, as text: no JSON library of a test reads so deep.
fn raw(library: &Library, server: &Server) -> String {
    let limits = json!({ "max_response_bytes": 1_073_741_824, "timeout_ms": 600_000 });
    library.call("rpa_call", &request(&server.url(), "get", limits).to_string())
}

#[test]
fn json_nested_100_000_deep() {
    let library = Library::load();
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let (opened, closed) = (open.repeat(100_000), close.repeat(100_000));
        let inner = if open == "[" { "" } else { "1" };
        let deep = format!("{opened}{inner}{closed}");
        assert!(raw(&library, &answering(deep.clone().into())) == deep, "{open}");
        let told = library.json("rpa_call", &request(&answering(opened.into()).url(), "get", json!({})));
        assert_eq!(facts(&told), (40, "response", "yes", 1));
    }
}

/// With `RPA_TEST_LONG_NUMBER=1073741824` in the environment it has a GiB.
#[test]
fn a_number_of_a_gib() {
    let length = env::var("RPA_TEST_LONG_NUMBER").map_or(16 << 20, |length| length.parse().expect("a number"));
    let number = vec![b'7'; length];
    let told = raw(&Library::load(), &answering(number.clone()));
    assert!(told.as_bytes() == number, "{} bytes came", told.len());
}

/// A server over TLS that answers with these bytes, and then ends with a farewell or without.
fn tls_server(answer: &'static str, farewell: bool) -> Server {
    let (config, _) = tls::self_signed(&["127.0.0.1"]);
    Server::start(move |connection| {
        let session = rustls::ServerConnection::new(config.clone()).unwrap();
        let mut stream = rustls::StreamOwned::new(session, &mut connection.stream);
        if stream.read(&mut [0; 4096]).is_ok_and(|amount| amount > 0) {
            let _ = stream.write_all(answer.as_bytes());
            if farewell {
                stream.conn.send_close_notify();
            }
            let _ = stream.flush();
        }
    })
}

/// Who cuts the TCP connection cannot make a part of a reply look like the whole.
#[test]
fn tls_that_is_cut() {
    const WITH_LENGTH: &str = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{\"a\":1";
    const IN_CHUNKS: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n";
    const UNTIL_CLOSE: &str = "HTTP/1.1 200 OK\r\n\r\n12345";
    let library = Library::load();
    for (answer, farewell, kind, delivered) in [
        (WITH_LENGTH, true, "disconnected", "yes"),
        (WITH_LENGTH, false, "disconnected", "yes"),
        (IN_CHUNKS, true, "disconnected", "yes"),
        (IN_CHUNKS, false, "disconnected", "yes"),
        (UNTIL_CLOSE, false, "disconnected", "yes"),
        (UNTIL_CLOSE, true, "", ""),
        ("HTTP/1.1 200 O", false, "disconnected", "yes"),
        ("", false, "disconnected", "unknown"),
        ("", true, "disconnected", "unknown"),
    ] {
        let server = tls_server(answer, farewell);
        let host = server.url().replace("http", "https");
        let told = library.json("rpa_call", &request(&host, "post", json!({ "tls": { "verify": false } })));
        if kind.is_empty() {
            assert_eq!(told, json!(12345));
        } else {
            assert_eq!(facts(&told), (40, kind, delivered, 1), "{answer}, farewell {farewell}: {told}");
        }
    }
}

/// A reply too many of which a part came with the first: rustls waits for the rest of its record, and says nothing of it.
#[test]
fn tls_that_goes_on_in_the_middle_of_a_record() {
    let library = Library::load();
    for part in [1, 3, 5, 20] {
        let (config, _) = tls::self_signed(&["127.0.0.1"]);
        let server = Server::start(move |connection| {
            let mut session = rustls::ServerConnection::new(config.clone()).unwrap();
            let mut stream = connection.stream.try_clone().unwrap();
            let records = |body: &str, session: &mut rustls::ServerConnection| {
                let mut bytes = Vec::new();
                session.writer().write_all(crate::server::reply("200 OK", body).as_bytes()).unwrap();
                while session.wants_write() {
                    session.write_tls(&mut bytes).unwrap();
                }
                bytes
            };
            let mut asked = |session: &mut rustls::ServerConnection| {
                let mut stream = rustls::Stream::new(session, &mut connection.stream);
                stream.read(&mut [0; 4096]).is_ok_and(|amount| amount > 0)
            };
            if !asked(&mut session) {
                return;
            }
            let first = records("{\"code\":0}", &mut session);
            let surplus = records("{\"code\":1}", &mut session);
            let (now, later) = surplus.split_at(part);
            stream.write_all(&[&first, now].concat()).unwrap();
            if asked(&mut session) {
                let _ = stream.write_all(later);
            }
        });
        let host = server.url().replace("http", "https");
        for _ in 0..3 {
            let call = request(&host, "post", json!({ "tls": { "verify": false } }));
            assert_eq!(library.json("rpa_call", &call), json!({ "code": 0 }), "{part} bytes of it");
        }
    }
}

#[test]
fn a_large_query_and_a_large_body() {
    let library = Library::load();
    let server = Server::start(|connection| {
        while let Some(seen) = connection.request() {
            let (head, body) = seen.split_once("\r\n\r\n").unwrap();
            let line = head.lines().next().unwrap();
            let json = json!({ "line": line.len(), "last": line.ends_with(" HTTP/1.1"), "body": body.len() });
            connection.send(reply("200 OK", &json.to_string()).as_bytes());
        }
    });
    for size in [100, 15_000, 16_384, 70_000, 1 << 20] {
        let mut large = request(&server.url(), "post", json!({}));
        large["data_json"] = json!({ "a": "x".repeat(size) });
        let line = "POST /oapi/v1/job/create?a= HTTP/1.1".len() + size;
        let seen = library.json("rpa_call", &large);
        assert_eq!(seen, json!({ "line": line, "last": true, "body": size + "{\"a\": \"\"}".len() }));
    }
}
