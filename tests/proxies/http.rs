//! HTTP proxies made of raw sockets: what they are asked, and what is told of those that fail.

use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{ControlCenter, Library};
use crate::server::{Server, reply};
use crate::{closed_port, ends_at, facts, request};

#[test]
fn plain_http_through_a_proxy() {
    let library = Library::load();
    let proxy = Server::start(|connection| {
        while let Some(seen) = connection.request() {
            let line = seen.lines().next().unwrap().to_owned();
            let header =
                |name: &str| seen.lines().find(|line| line.to_lowercase().starts_with(name)).map(str::to_owned);
            let json = json!({ "line": line, "host": header("host:"), "auth": header("proxy-authorization:") });
            connection.send(reply("200 OK", &json.to_string()).as_bytes());
        }
    });
    let address = proxy.address();
    let mut through =
        request("http://rpa.invalid:8080/base", "get", json!({ "proxy": format!("http://u%40d:p%3Aw@{address}") }));
    let seen = library.json("rpa_call", &through);
    let line = "GET http://rpa.invalid:8080/base/oapi/v1/job/create?%E8%AF%B4%E6%98%8E=%E6%9C%88%E7%BB%93 HTTP/1.1";
    assert_eq!(
        seen,
        json!({ "line": line, "host": "host: rpa.invalid:8080", "auth": "proxy-authorization: Basic dUBkOnA6dw==" })
    );
    through["proxy"] = format!("http://{address}").into();
    assert_eq!(library.json("rpa_call", &through)["auth"], Value::Null);
    // A proxy's page that quotes the request quotes its password, too.
    let quoting = Server::start(|connection| {
        while let Some(seen) = connection.request() {
            connection.send(reply("504 Gateway Timeout", &format!("<pre>{seen} dUBkOnA6dw== p:w")).as_bytes());
        }
    });
    through["proxy"] = format!("http://u%40d:p%3Aw@{}", quoting.address()).into();
    through["headers"] = json!({ "X-Gateway": "g4teway-key" });
    let quoted = library.json("rpa_call", &through).to_string();
    assert!(
        quoted.contains("<pre>")
            && !quoted.contains("dUBkOnA6dw")
            && !quoted.contains("g4teway")
            && !quoted.contains("p:w"),
        "{quoted}"
    );
    through.as_object_mut().unwrap().remove("headers");
    let demanding = Server::answering(reply("407 Proxy Authentication Required", "<html>"));
    through["proxy"] = format!("http://user:hunter2@{}", demanding.address()).into();
    let refused = library.json("rpa_call", &through);
    // Once: a few wrong passwords lock an account.
    assert_eq!(facts(&refused), (40, "proxy", "no", 1));
    assert_eq!(demanding.requests(), 1);
}

#[test]
fn tunnels_and_proxies_that_fail() {
    let library = Library::load();
    let https = |proxy: String| request("https://rpa.invalid", "post", json!({ "proxy": proxy, "retry": 2 }));
    let refusing = Server::answering("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    let refused = library.json("rpa_call", &https(format!("http://user:hunter2@{}", refusing.address())));
    assert_eq!(facts(&refused), (40, "proxy", "no", 1));
    assert_eq!(refusing.requests(), 1);
    for scheme in ["http", "socks5"] {
        let nobody = closed_port().replace("http", scheme);
        assert_eq!(facts(&library.json("rpa_call", &https(nobody))), (40, "proxy", "no", 2), "{scheme}");
        let hanging = Server::start(|_connection| thread::sleep(Duration::from_secs(3)));
        let mut hung = https(format!("{scheme}://{}", hanging.address()));
        hung["connect_timeout_ms"] = 200.into();
        let started = Instant::now();
        let reply = library.json("rpa_call", &hung);
        assert_eq!(facts(&reply), (40, "timeout", "no", 2), "{scheme}");
        assert!(reply["error"]["detail"].as_str().unwrap().contains("the proxy"), "{reply}");
        assert!(started.elapsed() < Duration::from_millis(2900), "{scheme} took {:?}", started.elapsed());
    }
    // A proxy that answers without end, a byte at a time, does not get more time for it.
    let trickling = Server::start(|connection| {
        connection.request();
        connection.send(b"HTTP/1.1 200 OK\r\nX: ");
        while connection.send(b"x") {
            thread::sleep(Duration::from_millis(20));
        }
    });
    let mut hung = https(format!("http://{}", trickling.address()));
    hung["timeout_ms"] = 300.into();
    let reply = ends_at(Duration::from_millis(300), || library.json("rpa_call", &hung));
    assert_eq!(facts(&reply), (40, "timeout", "no", 1));
}

#[test]
fn a_tunnel_to_a_trusted_control_center() {
    let center = ControlCenter::start(&["--tls"]);
    let target: SocketAddr = center.text("base").trim_start_matches("https://").parse().unwrap();
    // CONNECT, then bytes to and fro.
    let proxy = Server::start(move |connection| {
        assert!(connection.request().unwrap().starts_with(&format!("CONNECT {target} HTTP/1.1\r\n")));
        let mut onward = TcpStream::connect(target).unwrap();
        connection.send(b"HTTP/1.1 200 Connection established\r\n\r\n");
        let (mut from, mut to) = (connection.stream.try_clone().unwrap(), onward.try_clone().unwrap());
        thread::spawn(move || std::io::copy(&mut from, &mut to));
        let _ = std::io::copy(&mut onward, &mut connection.stream);
    });
    let mut tunnelled = center.token_request();
    tunnelled["proxy"] = format!("http://{}", proxy.address()).into();
    let library = Library::load();
    for _ in 0..3 {
        assert_eq!(library.json("rpa_get_token", &tunnelled)["code"], 0);
    }
    assert_eq!(proxy.connections(), 1, "a tunnel is kept, too");
}
