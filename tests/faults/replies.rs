//! Replies that come too early, break off, are no HTTP, or quote a secret.

use std::io::Read;
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::harness::Library;
use crate::server::{Server, reply};
use crate::{facts, request};

#[test]
fn a_reply_without_a_length_that_is_reset() {
    let library = Library::load();
    for (body, kind) in [("{\"a\":1234", "disconnected"), ("12345", "disconnected"), ("{\"a\":1}", "")] {
        let server = Server::start(move |connection| {
            connection.request();
            connection.send(format!("HTTP/1.1 200 OK\r\n\r\n{body}").as_bytes());
            thread::sleep(Duration::from_millis(50));
            // An end without a farewell.
            socket2::SockRef::from(&connection.stream).set_linger(Some(Duration::ZERO)).unwrap();
        });
        let reply = library.json("rpa_call", &request(&server.url(), "post", json!({})));
        match kind {
            "" => assert_eq!(reply, json!({ "a": 1 })),
            kind => assert_eq!(facts(&reply), (40, kind, "yes", 1), "{body}"),
        }
    }
}

#[test]
fn a_reply_that_comes_before_the_whole_request() {
    let server = Server::start(|connection| {
        let _ = connection.stream.read(&mut [0; 4096]);
        connection.send(reply("413 Payload Too Large", "{\"code\":413}").as_bytes());
        let _ = connection.stream.shutdown(std::net::Shutdown::Write);
        thread::sleep(Duration::from_millis(200));
    });
    let mut large = request(&server.url(), "put", json!({}));
    large["data_json"]["large"] = "x".repeat(8 << 20).into();
    let seen = Library::load().json("rpa_call", &large);
    // Where the reply was lost with the connection, that is said.
    assert!(seen == json!({ "code": 413 }) || seen["error"]["kind"] == "disconnected", "{seen}");
}

#[test]
fn a_reply_that_breaks_off() {
    let library = Library::load();
    for broken in
        ["HTTP/1.1 2", "HTTP/1.1 200 OK\r\nContent-Len", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{\"a\":"]
    {
        let server = Server::start(move |connection| {
            connection.request();
            connection.send(broken.as_bytes());
        });
        let reply = library.json("rpa_call", &request(&server.url(), "post", json!({})));
        assert_eq!(facts(&reply), (40, "disconnected", "yes", 1), "{broken}");
        assert_eq!(server.requests(), 1, "{broken}");
    }
}

#[test]
fn what_is_not_http() {
    let server = Server::answering("SSH-2.0-OpenSSH_8.4\r\n\r\n");
    let reply = Library::load().json("rpa_call", &request(&server.url(), "post", json!({})));
    assert_eq!(facts(&reply), (40, "response", "yes", 1));
    assert!(reply["msg"].as_str().unwrap().contains("返回内容不是HTTP,请检查host的端口"), "{reply}");
}

#[test]
fn a_port_that_speaks_tls_is_told_with_the_scheme_to_write() {
    let page = "<html><title>400 The plain HTTP request was sent to HTTPS port</title></html>";
    // Read as text by the server of the test: a TLS alert is ASCII.
    for answer in [reply("400 Bad Request", page), "\x15\x03\x01\x00\x02\x02\x46".to_owned()] {
        let server = Server::answering(answer);
        let reply = Library::load().json("rpa_call", &request(&server.url(), "get", json!({})));
        assert!(reply["msg"].as_str().unwrap().contains("请把host的http://改为https://"), "{reply}");
    }
}

#[test]
fn a_secret_in_an_error_page_is_not_quoted() {
    // What a proxy's page looks like that could not reach the control center.
    let server = Server::start(|connection| {
        while let Some(seen) = connection.request() {
            let page = format!("<html><p>Could not fetch <a href=\"{seen}\">{seen}</a>");
            connection.send(reply("502 Bad Gateway", &page).as_bytes());
        }
    });
    let token = json!({ "host": server.url(), "accesskey": "acc:ess key", "secretkey": "s3cret/密钥~", "proxy": null });
    let reply = Library::load().json("rpa_get_token", &token);
    assert_eq!(facts(&reply), (44, "response", "yes", 2));
    for form in ["acc:ess", "acc%3A", "s3cret", "密钥", "%E5%AF%86"] {
        assert!(!reply.to_string().contains(form), "{reply}");
    }
    let reply = Library::load().json("rpa_call", &request(&server.url(), "get", json!({})));
    assert!(!reply.to_string().contains("9f2c4b7e") && !reply.to_string().contains("月结"), "{reply}");
}
