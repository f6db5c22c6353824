//! Servers and proxies that fail, and what the caller is told: the kind, whether the request was delivered, how many
//! attempts were made, and that it did not take too long.

use rpa_test_support::replies::{ends_at, facts};
use rpa_test_support::requests::create_job as request;
use rpa_test_support::{c, harness, programs, server, tls, tools};
mod clock;
mod codings;
mod extremes;
mod fork;
mod hangs;
mod heads;
mod idle;
mod keeping;
mod posts;
mod redirects;
mod table;

use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use harness::Library;
use serde_json::{Value, json};
use server::{Server, kept_reply, reply};

const MODES: [&str; 4] = ["get", "post", "put", "delete"];

/// A port on which nobody listens.
fn closed_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[test]
fn nobody_listens() {
    let library = Library::load();
    for mode in MODES {
        let reply = library.json("rpa_call", &request(&closed_port(), mode, json!({ "retry": 3 })));
        assert_eq!(facts(&reply), (40, "connect", "no", 3), "{mode}");
    }
    let token =
        json!({ "host": closed_port(), "accesskey": "demo-access-key", "secretkey": "demo-secret-key", "proxy": null });
    let reply = library.json("rpa_get_token", &token);
    assert_eq!(facts(&reply), (44, "connect", "no", 2));
    assert!(reply["msg"].as_str().unwrap().starts_with("fail,获取token失败:"), "{reply}");
}

#[test]
fn a_name_that_does_not_resolve() {
    // A label over 63 characters is refused by the resolver itself: no question leaves this machine.
    let host = format!("http://{}.example", "a".repeat(64));
    let reply = Library::load().json("rpa_call", &request(&host, "post", json!({ "retry": 1 })));
    assert_eq!(facts(&reply), (40, "dns", "no", 1));
}

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
            use std::io::Read;
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]);
        });
        let reply = library.json("rpa_call", &request(&host, mode, further));
        assert_eq!(facts(&reply), (40, "connect", "unknown", 2), "{mode}");
        server.join().unwrap();
    }
}

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
        use std::io::Read;
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

#[test]
fn a_handshake_that_hangs() {
    let server = Server::start(|_connection| thread::sleep(Duration::from_secs(3)));
    let host = server.url().replace("http://", "https://");
    let library = Library::load();
    let started = Instant::now();
    let limits = json!({ "connect_timeout_ms": 300, "timeout_ms": 5000 });
    let reply = library.json("rpa_call", &request(&host, "post", limits));
    assert_eq!(facts(&reply), (40, "timeout", "no", 2), "the time left allows a second attempt");
    assert!(started.elapsed() < Duration::from_secs(4), "took {:?}", started.elapsed());
    assert!(reply["error"]["detail"].as_str().unwrap().contains("TLS handshake"), "{reply}");
}

#[test]
fn a_kept_connection_that_the_server_closes() {
    let library = Library::load();
    // Answers once, then closes while the connection waits.
    let server = Server::start(|connection| {
        connection.request();
        connection.send(reply("200 OK", "{}").as_bytes());
    });
    for round in 1..=5 {
        let reply = library.json("rpa_call", &request(&server.url(), "post", json!({ "retry": 1 })));
        assert_eq!(reply, json!({}), "round {round}");
        thread::sleep(Duration::from_millis(30));
    }
    assert_eq!((server.requests(), server.connections()), (5, 5));
}

#[test]
fn connections_are_used_again_for_as_long_as_asked() {
    let library = Library::load();
    let server = Server::answering(kept_reply("200 OK", "{}"));
    let call = |keep_alive: u64| {
        let reply = library.json("rpa_call", &request(&server.url(), "post", json!({ "keep_alive_ms": keep_alive })));
        assert_eq!(reply, json!({}));
    };
    call(60_000);
    call(60_000);
    assert_eq!(server.connections(), 1);
    call(0);
    call(0);
    assert_eq!(server.connections(), 3);
    call(50);
    thread::sleep(Duration::from_millis(120));
    call(50);
    assert_eq!(server.connections(), 5);
    assert_eq!(server.requests(), 6);
}

#[test]
fn what_is_not_http() {
    let server = Server::answering("SSH-2.0-OpenSSH_8.4\r\n\r\n");
    let reply = Library::load().json("rpa_call", &request(&server.url(), "post", json!({})));
    assert_eq!(facts(&reply), (40, "response", "yes", 1));
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

/// A SOCKS5 proxy that leads everything to `target`, after a pause.
fn socks(target: std::net::SocketAddr, pause: Duration, password: Option<&'static str>) -> Server {
    Server::start(move |connection| {
        use std::io::{Read, Write};
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
        let mut onward = std::net::TcpStream::connect(target).unwrap();
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
        use std::io::Read;
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

/// A TLS server with a self-signed certificate as OpenSSL makes it by default, a CA's; and its PEM.
fn tls_server_with_a_ca_certificate(names: &[&str]) -> (Server, String) {
    let (config, pem) = tls::self_signed(names);
    let server = Server::start(move |connection| {
        use std::io::{Read, Write};
        let session = rustls::ServerConnection::new(config.clone()).unwrap();
        let mut stream = rustls::StreamOwned::new(session, &mut connection.stream);
        while stream.read(&mut [0; 4096]).is_ok_and(|amount| amount > 0) {
            if stream.write_all(reply("200 OK", "{}").as_bytes()).is_err() {
                return;
            }
        }
    });
    (server, pem)
}

#[test]
fn a_self_signed_ca_certificate_given_as_ca_file() {
    let library = Library::load();
    let folder = std::env::temp_dir().join(format!("rpa-openapi-faults-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for (names, kind) in [(&["127.0.0.1"][..], ""), (&["other.example"], "tls")] {
        let (server, pem) = tls_server_with_a_ca_certificate(names);
        let file = folder.join(format!("{}.pem", names[0]));
        std::fs::write(&file, pem).unwrap();
        let host = server.url().replace("http://", "https://");
        let untrusted = library.json("rpa_call", &request(&host, "get", json!({ "retry": 1 })));
        assert_eq!(facts(&untrusted), (40, "tls", "no", 1));
        assert!(untrusted["error"]["detail"].as_str().unwrap().contains("tls.pin_sha256"), "{untrusted}");
        let trusted =
            library.json("rpa_call", &request(&host, "get", json!({ "retry": 1, "tls": { "ca_file": file } })));
        match kind {
            "" => assert_eq!(trusted, json!({})),
            kind => assert_eq!(facts(&trusted), (40, kind, "no", 1)),
        }
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
#[cfg(unix)]
fn a_ca_file_that_hangs() {
    let fifo = std::env::temp_dir().join(format!("rpa-openapi-fifo-{}", std::process::id()));
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let hung = request("https://127.0.0.1:1", "get", json!({ "timeout_ms": 500, "tls": { "ca_file": fifo } }));
    let reply = Library::load().json("rpa_call", &hung);
    std::fs::remove_file(&fifo).unwrap();
    assert_eq!(facts(&reply), (41, "argument", "no", 0));
    assert_eq!(reply["error"]["field"], "tls.ca_file");
}

#[test]
fn a_tunnel_to_a_trusted_control_center() {
    let center = harness::ControlCenter::start(&["--tls"]);
    let target: std::net::SocketAddr = center.text("base").trim_start_matches("https://").parse().unwrap();
    // CONNECT, then bytes to and fro.
    let proxy = Server::start(move |connection| {
        assert!(connection.request().unwrap().starts_with(&format!("CONNECT {target} HTTP/1.1\r\n")));
        let mut onward = std::net::TcpStream::connect(target).unwrap();
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
