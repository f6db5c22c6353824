//! Replies that are packed, under every name that servers have for it.

use rpa_test_support::packed::{gzip, raw, zlib};
use serde_json::{Value, json};

use crate::harness::Library;
use crate::server::Server;
use crate::{facts, request};

fn with_length(coding: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn in_chunks(status_line: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let mut reply = format!("{status_line}\r\n{headers}\r\n\r\n").into_bytes();
    for chunk in body.chunks(7) {
        reply.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        reply.extend_from_slice(chunk);
        reply.extend_from_slice(b"\r\n");
    }
    reply.extend_from_slice(b"0\r\n\r\n");
    reply
}

fn call(library: &Library, reply: Vec<u8>) -> (Value, Server) {
    let server = Server::answering(reply);
    let limits = json!({ "retry": 1, "max_response_bytes": 100_000 });
    (library.json("rpa_call", &request(&server.url(), "get", limits)), server)
}

const JSON: &[u8] = b"{\"code\":0}";

#[test]
fn codings_in_every_spelling_and_over_each_other() {
    let library = Library::load();
    let mut replies = Vec::new();
    for name in ["gzip", "GZIP", "x-gzip", "X-GZip", "identity, gzip", "gzip, identity", "none,gzip", " gzip ,"] {
        replies.push((format!("gzip as {name}"), with_length(name, &gzip(JSON))));
    }
    for (name, body) in [("zlib", zlib(JSON)), ("bare", raw(JSON))] {
        replies.push((format!("{name} as deflate"), with_length("Deflate", &body)));
    }
    replies.push(("deflate, then gzip".into(), with_length("deflate, gzip", &gzip(&zlib(JSON)))));
    replies.push(("identity".into(), with_length("identity", JSON)));
    replies.push(("several members".into(), with_length("gzip", &[gzip(b"{\"code\""), gzip(b":0}")].concat())));
    replies.push(("bytes after its end".into(), with_length("gzip", &[gzip(JSON), vec![0; 20]].concat())));
    let (new, old) = ("HTTP/1.1 200 OK", "HTTP/1.0 200 OK");
    let transfer = "Transfer-Encoding: gzip, chunked";
    replies.push(("a transfer coding".into(), in_chunks(new, transfer, &gzip(JSON))));
    replies.push(("a transfer coding in HTTP/1.0".into(), in_chunks(old, transfer, &gzip(JSON))));
    let both = "Transfer-Encoding: x-gzip\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip";
    replies.push(("one within the other".into(), in_chunks(new, both, &gzip(&gzip(JSON)))));
    for (what, reply) in replies {
        assert_eq!(call(&library, reply).0, json!({ "code": 0 }), "{what}");
    }
}

#[test]
fn nothing_packed_is_nothing() {
    let library = Library::load();
    for body in [Vec::new(), gzip(b"")] {
        let (told, _server) = call(&library, with_length("gzip", &body));
        assert_eq!(facts(&told), (40, "response", "yes", 1));
        assert!(told["error"]["detail"].as_str().unwrap().contains("the reply is empty"), "{told}");
    }
}

#[test]
fn another_coding_is_named() {
    let library = Library::load();
    for header in ["Content-Encoding: br", "Content-Encoding: gzip, BR", "Transfer-Encoding: br, chunked"] {
        let (told, _server) = call(&library, in_chunks("HTTP/1.1 203 x", header, b"x"));
        assert_eq!(facts(&told), (40, "response", "yes", 1), "{header}");
        assert_eq!(told["error"]["http_status"], 203, "{header}");
        assert!(told["error"]["detail"].as_str().unwrap().contains("\"br\""), "{told}");
        assert!(told["msg"].as_str().unwrap().contains("压缩方式"), "{told}");
    }
}

#[test]
fn limits_count_what_is_unpacked() {
    let library = Library::load();
    let bomb = vec![b' '; 5_000_000];
    for (what, reply) in [
        ("gzip", with_length("gzip", &gzip(&bomb))),
        ("twice", with_length("gzip, gzip", &gzip(&gzip(&bomb)))),
        ("zlib", with_length("deflate", &zlib(&bomb))),
        ("bare", with_length("deflate", &raw(&bomb))),
        ("many members", with_length("gzip", &gzip(&vec![b' '; 50_001]).repeat(2))),
        ("in transfer", in_chunks("HTTP/1.1 200 OK", "Transfer-Encoding: gzip, chunked", &gzip(&bomb))),
    ] {
        let (told, _server) = call(&library, reply);
        assert_eq!(facts(&told), (40, "too_large", "yes", 1), "{what}");
        assert_eq!(told["error"]["http_status"], 200, "{what}");
    }
}
