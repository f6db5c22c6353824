//! Replies that are right, framed in every way, through the real client: the JSON comes out byte for byte, and the next
//! reply on a kept connection, too.

#![no_main]

use std::io::Write;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use serde_json::json;
use rpa_openapi_fuzz::server::{Answer, Server, cut};

#[derive(Arbitrary, Debug)]
struct Message {
    text: String,
    number: f64,
    framing: Framing,
    gzip: bool,
    continues: u8,
    spaces: u8,
    cuts: Vec<u8>,
    status: u16,
}

#[derive(Arbitrary, Debug)]
enum Framing {
    Length,
    /// The sizes of the chunks, and whether they have extensions and trailers.
    Chunked(Vec<u8>, bool, bool),
    UntilClose,
}

fuzz_target!(|messages: Vec<Message>| {
    let server = Server::get();
    for message in messages.iter().take(4) {
        let body = body(message);
        server.answer(Answer {
            pieces: cut(&reply(message, &body), &message.cuts),
            keep: !matches!(message.framing, Framing::UntilClose),
        });
        let request = json!({
            "host": server.url, "mode": "get", "rest_type": "/a", "accesstoken": "9f2c4b7e1d5a48c0", "proxy": null, "retry": 1,
        });
        assert_eq!(rpa_openapi_fuzz::reply(rpa_client::Function::Call, &request.to_string()), body, "{message:?}");
    }
});

fn body(message: &Message) -> String {
    json!({ "text": message.text, "number": message.number }).to_string()
}

fn reply(message: &Message, body: &str) -> Vec<u8> {
    let mut bytes = "HTTP/1.1 100 Continue\r\n\r\n".repeat(usize::from(message.continues % 3)).into_bytes();
    // Those without a body, and those that switch to another protocol, are no replies here.
    let status = match 200 + message.status % 400 {
        204 | 205 | 304 => 200,
        status => status,
    };
    let space = " ".repeat(usize::from(message.spaces % 4));
    let packed = if message.gzip { gzip(body.as_bytes()) } else { body.as_bytes().to_vec() };
    let encoding = if message.gzip { "Content-Encoding: gzip\r\n" } else { "" };
    let head = format!("HTTP/1.1 {status} Words\r\n{encoding}Content-Type:{space}application/json{space}\r\n");
    bytes.extend_from_slice(head.as_bytes());
    match &message.framing {
        Framing::Length => {
            bytes.extend_from_slice(format!("Content-Length:{space}{}\r\n\r\n", packed.len()).as_bytes());
            bytes.extend_from_slice(&packed);
        }
        Framing::Chunked(sizes, extended, trailed) => {
            bytes.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
            let extension = if *extended { ";name=value" } else { "" };
            let (mut rest, mut sizes) = (&packed[..], sizes.iter());
            while !rest.is_empty() {
                let size = sizes.next().map_or(rest.len(), |&size| usize::from(size).clamp(1, rest.len()));
                let (chunk, after) = rest.split_at(size);
                bytes.extend_from_slice(format!("{size:x}{extension}\r\n").as_bytes());
                bytes.extend_from_slice(chunk);
                bytes.extend_from_slice(b"\r\n");
                rest = after;
            }
            bytes.extend_from_slice(format!("0\r\n{}\r\n", if *trailed { "X: y\r\n" } else { "" }).as_bytes());
        }
        Framing::UntilClose => {
            bytes.extend_from_slice(b"Connection: close\r\n\r\n");
            bytes.extend_from_slice(&packed);
        }
    }
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}
