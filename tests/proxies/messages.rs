//! What is told of proxies that refuse, fail, or answer in the control center's place: which one it was, where its address
//! stands, and what to do.

use std::io::Write;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::library;
use super::server::{Server, reply};

const PAGE: &str = "<html><head><title>Network sign-in</title></head><body>Please sign in</body></html>";

/// A post to an https address through this proxy, with as many attempts as there may be.
fn through(proxy: String) -> Value {
    post("https://rpa.invalid:8443", proxy)
}

fn post(host: &str, proxy: String) -> Value {
    let told = library().json(
        "rpa_call",
        &json!({
            "host": host, "mode": "post", "rest_type": "/oapi/v1/job/create", "data_json": { "说明": "月结" },
            "accesstoken": "9f2c4b7e1d5a48c0", "timeout_ms": 5000, "retry": 10, "retry_mode": "always", "proxy": proxy,
        }),
    );
    assert!(!told.to_string().contains("hunter2"), "{told}");
    told
}

/// `msg` and `detail` of an error of this kind. Both name the proxy and where its address stands.
#[track_caller]
fn texts(told: &Value, kind: &str, proxy: &str) -> (String, String) {
    let error = &told["error"];
    assert_eq!((&error["kind"], &error["delivered"]), (&json!(kind), &json!("no")), "{told}");
    let (msg, detail) = (told["msg"].as_str().unwrap(), error["detail"].as_str().unwrap());
    assert!(msg.contains(&format!("代理{proxy}(来自字段proxy)")), "{told}");
    assert!(detail.contains(&format!("the proxy {proxy} (from the field `proxy`)")), "{told}");
    (msg.to_owned(), detail.to_owned())
}

/// An error that nobody may read as "do without TLS".
#[track_caller]
fn keeps_tls(told: &Value, proxy: &str) {
    let texts = told.to_string().replace(proxy, "");
    assert!(!texts.contains("http://") && texts.contains("is not TLS"), "{told}");
}

#[test]
fn a_page_in_place_of_a_tunnel_is_told_as_the_proxys_and_never_leads_to_plain_http() {
    let html = "Content-Type: text/html";
    for head in [
        format!("HTTP/1.1 200 OK\r\n{html}\r\nContent-Length: {}\r\n\r\n", PAGE.len()),
        format!("HTTP/1.1 200 OK\r\n{html}; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n57\r\n"),
    ] {
        let portal = Server::answering(head + PAGE);
        let proxy = format!("http://{}", portal.address());
        let told = through(proxy.clone());
        let (msg, detail) = texts(&told, "proxy", &proxy);
        keeps_tls(&told, &proxy);
        assert_eq!(told["error"]["http_status"], 200, "{told}");
        assert!(msg.contains("返回了网页") && detail.contains("a page titled \"Network sign-in\""), "{told}");
    }
    // Nothing announces these: they are seen in the TLS handshake.
    for answer in [
        format!("HTTP/1.1 200 OK\r\n\r\n{PAGE}"),
        format!("HTTP/1.0 200 Connection established\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n{PAGE}"),
        "HTTP/1.1 200 OK\r\n\r\nSSH-2.0-OpenSSH_9.6\r\n".to_owned(),
    ] {
        let portal = Server::answering(answer);
        let proxy = format!("http://{}", portal.address());
        let told = through(proxy.clone());
        let (msg, detail) = texts(&told, "tls", &proxy);
        keeps_tls(&told, &proxy);
        assert!(msg.contains("不是TLS") && detail.contains("rpa.invalid:8443"), "{told}");
    }
}

/// A SOCKS5 proxy that grants everything, and then lets the server speak.
fn socks_then(speech: &'static [u8]) -> Server {
    Server::start(move |connection| {
        use std::io::Read;
        let mut piece = [0; 512];
        for answer in [&[5, 0][..], &[5, 0, 0, 1, 127, 0, 0, 1, 0, 80]] {
            if !connection.stream.read(&mut piece).is_ok_and(|amount| amount > 0) || !connection.send(answer) {
                return;
            }
        }
        let _ = connection.stream.read(&mut piece);
        connection.send(speech);
    })
}

#[test]
fn what_is_not_tls_behind_a_socks_proxy_never_leads_to_plain_http() {
    let proxy = socks_then(b"HTTP/1.1 400 Bad Request\r\n\r\n<html>");
    let url = format!("socks5://{}", proxy.address());
    let told = through(url.clone());
    texts(&told, "tls", &url);
    keeps_tls(&told, &url);
}

#[test]
fn a_refusal_of_credentials_is_never_repeated_and_says_what_the_proxy_takes() {
    for (scheme, host) in [("CONNECT", "https://rpa.invalid"), ("POST", "http://rpa.invalid")] {
        for (challenges, given, msg_says, detail_says) in [
            (
                "Proxy-Authenticate: Basic realm=\"p\"\r\n",
                false,
                "要求用户名和密码",
                "wants a user name and a password",
            ),
            (
                "Proxy-Authenticate: Basic realm=\"p\"\r\n",
                true,
                "拒绝了所给的用户名或密码",
                "refused these credentials",
            ),
            ("", true, "拒绝了所给的用户名或密码", "refused these credentials"),
            ("Proxy-Authenticate: Negotiate\r\nProxy-Authenticate: NTLM\r\n", true, "px或cntlm", "by Negotiate, NTLM"),
            ("Proxy-Authenticate: Digest realm=\"a, Basic b\", nonce=\"c\"\r\n", false, "px或cntlm", "by Digest"),
            ("proxy-authenticate: NTLM, basic realm=x\r\n", true, "拒绝了所给的用户名或密码", "also offers NTLM"),
        ] {
            let answer = format!("HTTP/1.1 407 Proxy Authentication Required\r\n{challenges}Content-Length: 0\r\n\r\n");
            let proxy = Server::answering(answer);
            let user = if given { "robot:hunter2@" } else { "" };
            let told = post(host, format!("http://{user}{}", proxy.address()));
            let (msg, detail) = texts(&told, "proxy", &format!("http://{}", proxy.address()));
            assert!(msg.contains(msg_says) && detail.contains(detail_says), "{scheme}: {told}");
            assert_eq!((&told["error"]["http_status"], &told["error"]["attempts"]), (&json!(407), &json!(1)), "{told}");
            assert_eq!(proxy.requests(), 1, "{scheme}, {challenges}: {told}");
        }
    }
}

#[test]
fn a_refusal_of_the_target_is_not_repeated_and_a_failure_is() {
    for (status, attempts, msg_says) in [
        ("403 Forbidden", 1, "不允许访问rpa.invalid:8443"),
        ("405 Method Not Allowed", 2, "请检查代理地址和端口"),
        ("502 Bad Gateway", 2, "连不上rpa.invalid:8443"),
        ("503 Service Unavailable", 2, "连不上rpa.invalid:8443"),
        ("504 Gateway Timeout", 2, "连不上rpa.invalid:8443"),
    ] {
        let page =
            format!("HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n{PAGE}", PAGE.len());
        let proxy = Server::answering(page);
        let url = format!("http://{}", proxy.address());
        let told = library().json(
            "rpa_call",
            &json!({
                "host": "https://rpa.invalid:8443", "mode": "post", "rest_type": "/a", "accesstoken": "9f2c4b7e1d5a48c0",
                "proxy": url,
            }),
        );
        let (msg, detail) = texts(&told, "proxy", &url);
        let said = format!("HTTP status {status}, a page titled \"Network sign-in\"");
        assert!(msg.contains(msg_says) && detail.contains(&said), "{told}");
        assert_eq!(told["error"]["attempts"], attempts, "{told}");
        assert_eq!(told["error"]["http_status"], status[..3].parse::<u16>().unwrap(), "{told}");
        assert_eq!(proxy.requests(), attempts, "{told}");
    }
}

#[test]
fn a_redirection_of_the_proxys_own_is_told_as_its_own() {
    let proxy = Server::answering(
        "HTTP/1.1 302 Found\r\nLocation: https://portal.example:9443/login?u=hunter2\r\nContent-Length: 0\r\n\r\n",
    );
    let url = format!("http://{}", proxy.address());
    let told = through(url.clone());
    let (msg, detail) = texts(&told, "proxy", &url);
    assert!(msg.contains("跳转") && detail.contains("redirects to https://portal.example:9443 in place"), "{told}");
    assert_eq!(told["error"]["http_status"], 302);
}

#[test]
fn a_proxy_that_repeats_its_password_is_not_quoted() {
    for page in ["robot:hunter2", "cm9ib3Q6aHVudGVyMg==", "h-u-n-t-e-r-2", "68756e74657232", "%68unter2"] {
        let page = format!("<title>{page} is not allowed</title>");
        let head = format!("HTTP/1.1 503 {page}\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n", page.len());
        let proxy = Server::answering(head + &page);
        let told = through(format!("http://robot:hunter2@{}", proxy.address()));
        texts(&told, "proxy", &format!("http://{}", proxy.address()));
        assert!(!told.to_string().contains("is not allowed"), "{told}");
    }
}

#[test]
fn what_is_no_http_proxy_is_told_by_what_it_speaks() {
    for (answer, msg_says, detail_says) in [
        (&b"\x15\x03\x01\x00\x02\x02\x46"[..], "要求TLS", "reached by TLS"),
        (b"\x05\xff", "socks5://", "as a SOCKS proxy does"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "不是HTTP", "does not answer in HTTP"),
        (b"", "断开了连接", "closed the connection without an answer"),
        (b"HTTP/1.1 200 OK\r\nVia: ", "断开了连接", "closed the connection before its answer was whole"),
    ] {
        let proxy = Server::start(move |connection| {
            connection.request();
            connection.send(answer);
        });
        let url = format!("http://{}", proxy.address());
        let (msg, detail) = texts(&through(url.clone()), "proxy", &url);
        assert!(msg.contains(msg_says) && detail.contains(detail_says), "{msg} {detail}");
    }
}

#[test]
fn an_odd_header_in_the_answer_to_connect_loses_neither_a_tunnel_nor_a_refusal() {
    let odd = format!("no colon\r\nVia : 1.1 p\r\n folded\r\nX-\u{1}: \u{e9}\r\n{}", "A: b\r\n".repeat(200));
    let refusing = Server::answering(format!("HTTP/1.1 403 No\r\n{odd}Content-Length: 0\r\n\r\n"));
    let url = format!("http://{}", refusing.address());
    let (_, detail) = texts(&through(url.clone()), "proxy", &url);
    assert!(detail.contains("HTTP status 403"), "{detail}");
    let tunnel = Server::answering(format!("HTTP/1.1 200 OK\r\n{odd}\r\nno TLS"));
    let url = format!("http://{}", tunnel.address());
    texts(&through(url.clone()), "tls", &url);
}

#[test]
fn a_proxy_that_cannot_be_reached_or_does_not_answer_is_named() {
    let closed = Server::answering("").address();
    for scheme in ["http", "socks5"] {
        let url = format!("{scheme}://{closed}");
        let told = post("https://rpa.invalid", url.clone());
        assert!(texts(&told, "proxy", &url).1.contains("cannot be reached"), "{told}");
        let url = format!("{scheme}://proxy.invalid:8080");
        let told = post("https://rpa.invalid", url.clone());
        let error = &told["error"];
        if error["kind"] != "timeout" {
            assert!(texts(&told, "proxy", &url).1.contains("does not resolve"), "{told}");
        }
        let hanging = Server::start(|_connection| thread::sleep(Duration::from_secs(2)));
        let url = format!("{scheme}://{}", hanging.address());
        let limits = json!({ "host": "https://rpa.invalid", "mode": "get", "rest_type": "/a", "accesstoken": "9f2c4b7e1d5a48c0",
            "connect_timeout_ms": 200, "retry": 1, "proxy": url });
        let told = library().json("rpa_call", &limits);
        assert!(texts(&told, "timeout", &url).1.contains("timed out while waiting for the proxy"), "{told}");
    }
}

/// An answer to a request that a forward proxy should have passed on.
fn forwarded(answer: &str) -> (Value, String) {
    let proxy = Server::answering(answer);
    let url = format!("http://{}", proxy.address());
    let told = library().json(
        "rpa_call",
        &json!({
            "host": "http://rpa.invalid", "mode": "post", "rest_type": "/a", "accesstoken": "9f2c4b7e1d5a48c0",
            "proxy": url, "retry": 1,
        }),
    );
    (told, url)
}

#[test]
fn a_forward_proxys_own_page_is_told_by_its_mark_and_another_one_beside_the_proxys_name() {
    let answer = |status: &str, headers: &str| {
        format!("HTTP/1.1 {status}\r\n{headers}Content-Type: text/html\r\nContent-Length: {}\r\n\r\n{PAGE}", PAGE.len())
    };
    let (told, url) = forwarded(&answer("503 Service Unavailable", "X-Squid-Error: ERR_DNS_FAIL 0\r\n"));
    let (msg, detail) = texts(&told, "proxy", &url);
    assert!(msg.contains("连不上rpa.invalid:80") && detail.contains("Network sign-in"), "{told}");
    let (told, url) = forwarded(&answer("403 Filtered", "Server: tinyproxy/1.11.1\r\n"));
    assert!(texts(&told, "proxy", &url).0.contains("不允许访问rpa.invalid:80"), "{told}");
    for (status, headers, kind) in [
        ("502 Bad Gateway", "Server: nginx\r\n", "response"),
        ("302 Found", "Location: http://portal.example/\r\n", "redirect"),
        ("200 OK", "", "response"),
    ] {
        let (told, url) = forwarded(&answer(status, headers));
        assert_eq!((&told["error"]["kind"], &told["error"]["delivered"]), (&json!(kind), &json!("yes")), "{told}");
        assert!(told["msg"].as_str().unwrap().contains(&format!("也可能来自代理{url}(来自字段proxy)")), "{told}");
        assert!(told["error"]["detail"].as_str().unwrap().contains("which may have written it itself"), "{told}");
    }
    let (told, url) = forwarded("SSH-2.0-OpenSSH_9.6\r\n");
    let detail = told["error"]["detail"].as_str().unwrap().replace(&url, "");
    assert!(detail.contains("is the proxy an HTTP proxy?") && !detail.contains("http://"), "{told}");
    // JSON is the control center's, whatever its status.
    let (told, _) = forwarded(&reply("403 Forbidden", "{\"code\":1}"));
    assert_eq!(told, json!({ "code": 1 }));
}

#[test]
fn a_failure_behind_a_tunnel_says_through_which_proxy_it_went() {
    let proxy = Server::start(|connection| {
        connection.request();
        connection.send(b"HTTP/1.1 200 OK\r\n\r\n");
        let _ = connection.stream.flush();
    });
    let url = format!("http://{}", proxy.address());
    let told = through(url.clone());
    let detail = told["error"]["detail"].as_str().unwrap();
    assert!(detail.contains(&format!("(through the proxy {url} (from the field `proxy`))")), "{told}");
}
