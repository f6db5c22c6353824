//! SOCKS5 proxies made of raw sockets: those that lead on, and those that answer oddly.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::harness::Library;
use crate::server::{Server, kept_reply};
use crate::{ends_at, facts, request};

/// A SOCKS5 proxy that leads everything to `target`, after a pause.
fn socks(target: SocketAddr, pause: Duration, password: Option<&'static str>) -> Server {
    Server::start(move |connection| {
        let mut stream = connection.stream.try_clone().unwrap();
        let mut read = |count: usize| {
            let mut bytes = vec![0; count];
            stream.read_exact(&mut bytes).unwrap();
            bytes
        };
        let methods = usize::from(read(2)[1]);
        read(methods);
        let mut answer = connection.stream.try_clone().unwrap();
        if let Some(password) = password {
            answer.write_all(&[5, 2]).unwrap();
            let user = usize::from(read(2)[1]);
            read(user);
            let length = usize::from(read(1)[0]);
            let right = read(length) == password.as_bytes();
            answer.write_all(&[1, u8::from(!right)]).unwrap();
        } else {
            answer.write_all(&[5, 0]).unwrap();
        }
        thread::sleep(pause);
        let kind = read(4)[3];
        let length = if kind == 3 { usize::from(read(1)[0]) } else { 4 };
        read(length + 2);
        let mut onward = TcpStream::connect(target).unwrap();
        answer.write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 80]).unwrap();
        let (mut from, mut to) = (connection.stream.try_clone().unwrap(), onward.try_clone().unwrap());
        thread::spawn(move || std::io::copy(&mut from, &mut to));
        let _ = std::io::copy(&mut onward, &mut connection.stream);
    })
}

#[test]
fn socks_proxies() {
    let library = Library::load();
    let server = Server::answering(kept_reply("200 OK", "{}"));
    let through = |proxy: String| {
        library.json("rpa_call", &request("http://rpa.invalid:8080", "post", json!({ "proxy": proxy })))
    };
    let open = socks(server.address(), Duration::ZERO, None);
    for _ in 0..2 {
        assert_eq!(through(format!("socks5://{}", open.address())), json!({}));
    }
    assert_eq!(open.connections(), 1, "the connection is kept");
    let guarded = socks(server.address(), Duration::ZERO, Some("p:w"));
    assert_eq!(through(format!("socks5://user:p%3Aw@{}", guarded.address())), json!({}));
    let wrong = through(format!("socks5://user:hunter2@{}", guarded.address()));
    assert_eq!(facts(&wrong), (40, "proxy", "no", 1));
    assert!(wrong["error"]["detail"].as_str().unwrap().contains("refuses the user name or the password"), "{wrong}");
    // One limit for all steps: the proxy takes most of it, then the server does not answer the TLS handshake.
    let silent = Server::start(|_connection| thread::sleep(Duration::from_secs(3)));
    let slow = socks(silent.address(), Duration::from_millis(400), None);
    let limits = json!({ "proxy": format!("socks5://{}", slow.address()), "timeout_ms": 500, "retry": 1 });
    let slow = request("https://rpa.invalid", "post", limits);
    let reply = ends_at(Duration::from_millis(500), || library.json("rpa_call", &slow));
    assert_eq!(facts(&reply), (40, "timeout", "no", 1));
}

/// A SOCKS proxy that answers with these bytes, the greeting's answer before them.
fn odd_socks(answer: &'static [u8]) -> Server {
    Server::start(move |connection| {
        for bytes in [&[5, 0][..], answer] {
            if !connection.stream.read(&mut [0; 512]).is_ok_and(|amount| amount > 0) || !connection.send(bytes) {
                return;
            }
        }
        // It is not the end of the connection that is noticed.
        thread::sleep(Duration::from_secs(2));
    })
}

#[test]
fn socks_proxies_that_answer_oddly() {
    let library = Library::load();
    for (answer, kind, words) in [
        (&b"\x04\0\0\x01\0\0\0\0\0\0"[..], "proxy", "it does not speak SOCKS5"),
        (b"\x05\0\0\x09\0\0\0", "proxy", "it names an address of a kind that SOCKS5 does not have"),
        (b"\x05\x09\0\x01\0\0\0\0\0\0", "proxy", "for a reason of its own"),
        // Nobody has asked yet.
        (
            b"\x05\0\0\x01\0\0\0\0\0\0HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
            "disconnected",
            "spoke before it was asked",
        ),
    ] {
        let proxy = odd_socks(answer);
        let limits = json!({ "proxy": format!("socks5://{}", proxy.address()), "retry": 1 });
        let told = library.json("rpa_call", &request("http://rpa.invalid", "post", limits));
        assert_eq!(facts(&told), (40, kind, "no", 1), "{words}: {told}");
        assert!(told["error"]["detail"].as_str().unwrap().contains(words), "{told}");
    }
}
