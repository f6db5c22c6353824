//! Heads of replies with odd lines: such a line costs itself, not the reply. And what cannot be read is told by its line.

use serde_json::{Value, json};

use crate::harness::Library;
use crate::server::Server;
use crate::{MODES, facts, request};

fn answer(library: &Library, reply: &[u8], mode: &str) -> (Value, Server) {
    let server = Server::answering(reply);
    (library.json("rpa_call", &request(&server.url(), mode, json!({ "retry": 1, "timeout_ms": 20000 }))), server)
}

#[test]
fn an_odd_header_line_costs_that_line_alone() {
    let library = Library::load();
    let many = (0..500).map(|number| format!("X-Header-{number}: {number}\r\n")).collect::<String>();
    for odd in [
        &b"X-Blank : before the colon\r\n"[..],
        b"X-Folded: over\r\n two\r\n\tthree lines\r\n",
        b"X-N\xe4me: an odd character in a name\r\n",
        b"X-Value: \x01 \x7f \0 \xff\r\n",
        b"(X-Brackets): y\r\n",
        b"X Blank: within\r\n",
        b": no name\r\n",
        b"no colon at all\r\n",
        b"X-Bare: line feed\n",
        b"X-Return: a\rb\r\n",
        "X-中文: 控制中心\r\n".as_bytes(),
        b"Set-Cookie: a=b; \"\r\n",
        many.as_bytes(),
    ] {
        for mode in MODES {
            let head = [b"HTTP/1.1 200 OK\r\nServer: x\r\n", odd, b"Content-Length: 10\r\n\r\n{\"code\":0}"].concat();
            let (told, server) = answer(&library, &head, mode);
            assert_eq!(told, json!({ "code": 0 }), "{}", String::from_utf8_lossy(odd));
            assert_eq!(server.requests(), 1);
        }
    }
}

#[test]
fn status_lines_and_line_ends_of_every_kind() {
    let library = Library::load();
    for reply in [
        "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\n{}",
        "http/1.1 200 ok\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1  200  OK\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.0 200 OK\nContent-Length: 2\n\n{}",
        "HTTP/1.1 200 OK\nContent-Length: 2\n\n{}",
        "\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 200 好\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 100\r\n\r\nHTTP/1.1 103 x\r\nno colon\r\n\r\nHTTP/1.1 102 x\n\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nContent-Type : application/json\r\nContent-Length : 2\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding : chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: CHUNKED\r\n\r\n2\n{}\n0\n\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    ] {
        let (told, _server) = answer(&library, reply.as_bytes(), "post");
        assert_eq!(told, json!({}), "{reply:?}");
    }
}

#[test]
fn a_reply_that_cannot_be_read_names_the_line_and_keeps_the_status() {
    let library = Library::load();
    for (lines, line) in [
        ("X: y\r\nContent-Length: 2\r\nContent-Length: 3\r\n", "line 4"),
        ("Content-Length: hunter2\r\n", "line 2"),
        ("X: y\r\nContent-Length\x01: 2\r\n", "line 3"),
        ("Transfer-Encoding: chunked, gzip\r\n", "line 2"),
        ("Transfer-Encoding: chun\0ked\r\n", "line 2"),
        ("A: b\r\nTransfer-Encoding\r\n", "line 3"),
    ] {
        for mode in MODES {
            let (told, _server) = answer(&library, format!("HTTP/1.1 201 x\r\n{lines}\r\n{{}}").as_bytes(), mode);
            assert_eq!(facts(&told), (40, "response", "yes", 1), "{lines:?}");
            assert_eq!(told["error"]["http_status"], 201, "{lines:?}: {told}");
            let detail = told["error"]["detail"].as_str().unwrap();
            assert!(detail.contains(line) && !detail.contains("hunter2"), "{lines:?}: {detail}");
            assert!(told["msg"].as_str().unwrap().contains("管理员"), "{told}");
        }
    }
    let endless = format!("HTTP/1.1 502 x\r\nX: {}", "x".repeat(40_000));
    let (told, _server) = answer(&library, endless.as_bytes(), "post");
    assert_eq!((facts(&told), &told["error"]["http_status"]), ((40, "response", "yes", 1), &json!(502)));
}

/// Two readers that do not agree where a reply ends take a part of one for the next.
#[test]
fn an_odd_length_is_the_last_of_its_connection() {
    let library = Library::load();
    for (head, keeps) in [
        ("Content-Length: 2\r\n\r\n{}", true),
        ("Content-Length : 2\r\n\r\n{}", false),
        ("Content-Length:\r\n 2\r\n\r\n{}", false),
        ("X: y\r\n Content-Length: 9\r\nContent-Length: 2\r\n\r\n{}", false),
        ("Transfer-Encoding\t: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", false),
        ("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", false),
        ("Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", true),
    ] {
        let server = Server::answering(format!("HTTP/1.1 200 OK\r\n{head}"));
        for _ in 0..3 {
            let told = library.json("rpa_call", &request(&server.url(), "get", json!({ "retry": 1 })));
            assert_eq!(told, json!({}), "{head:?}");
        }
        assert_eq!(server.connections(), if keeps { 1 } else { 3 }, "{head:?}");
    }
}

#[test]
fn a_head_that_is_too_large() {
    let library = Library::load();
    let with_header = |size: usize| {
        let head = format!("HTTP/1.1 200 OK\r\nX: {}\r\nContent-Length: 2\r\n\r\n{{}}", "x".repeat(size));
        let server = Server::answering(head);
        let reply = library.json("rpa_call", &request(&server.url(), "get", json!({})));
        (reply, server.requests())
    };
    assert_eq!(with_header(20_000), (json!({}), 1));
    let (reply, requests) = with_header(40_000);
    assert_eq!((facts(&reply), requests), ((40, "response", "yes", 1), 1));
    assert!(reply["error"]["detail"].as_str().unwrap().contains("head of the reply"), "{reply}");
}
