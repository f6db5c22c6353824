//! TLS that fails for other reasons than a certificate: each is told by its cause.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use rpa_test_support::server::Server;
use serde_json::{Value, json};

use crate::certificates::{Certificate, Workshop};
use crate::{call, refused, request, tools};

/// A server that waits for the first message and answers with these bytes.
fn answering(bytes: &[u8]) -> Server {
    let bytes = bytes.to_vec();
    Server::start(move |connection| {
        if connection.stream.read(&mut [0; 4096]).is_ok() {
            connection.send(&bytes);
            // Closing with unread bytes would be a reset, which may overtake the answer.
            let _ = connection.stream.shutdown(std::net::Shutdown::Write);
            let _ = connection.stream.read(&mut [0; 4096]);
        }
    })
}

fn https(server: &Server) -> String {
    format!("https://{}", server.address())
}

fn told(host: &str) -> (String, String) {
    let reply = call(&request(host, json!({ "verify": false })));
    (reply["msg"].as_str().unwrap().to_owned(), refused(&reply, host))
}

fn alert(version: u8, description: u8) -> Vec<u8> {
    vec![21, 3, version, 0, 2, 2, description]
}

/// The record of a ServerHello that has chosen this version.
fn hello(record: [u8; 2], version: [u8; 2], suite: [u8; 2]) -> Vec<u8> {
    let body = [&version[..], &[7; 32], &[0], &suite, &[0]].concat();
    let message = [&[2, 0, 0, body.len() as u8][..], &body].concat();
    [&[22, record[0], record[1], 0, message.len() as u8][..], &message].concat()
}

#[test]
fn each_server_that_is_no_fit_is_told_by_its_cause() {
    const OLD: &str = "it must offer TLS 1.2 or 1.3";
    const SUITES: &str = "offer CBC suites, RSA key exchange or DHE alone";
    const NO_TLS: &str = "the server does not speak TLS on this port";
    for (bytes, cause, detail) in [
        (alert(3, 70), "服务器不支持TLS 1.2", OLD),
        (alert(1, 40), "服务器只支持TLS 1.0", OLD),
        (alert(2, 70), "服务器只支持TLS 1.1", "speaks TLS 1.1 at most"),
        (hello([3, 1], [3, 1], [0xc0, 0x13]), "服务器只支持TLS 1.0", "speaks TLS 1.0 at most"),
        (hello([3, 3], [3, 2], [0xc0, 0x13]), "服务器只支持TLS 1.1", "speaks TLS 1.1 at most"),
        (alert(0, 40), "服务器只支持SSL 3.0", OLD),
        (alert(3, 40), "启用ECDHE加AES-GCM", SUITES),
        (alert(3, 71), "启用ECDHE加AES-GCM", SUITES),
        (hello([3, 3], [3, 3], [0, 0x2f]), "启用ECDHE加AES-GCM", SUITES),
        (alert(3, 112), "服务器不认识所用的主机名,请在host中填写服务器的域名", "called by its IP address"),
        (alert(3, 80), "查看服务器日志", "alert internal_error"),
        (alert(3, 49), "服务器拒绝本机访问", "alert access_denied"),
        (alert(3, 116), "要求客户端证书", "wants a client certificate"),
        (alert(3, 47), "中止了TLS握手", "alert 47 (illegal_parameter)"),
        (hello([1, 1], [1, 1], [0xe0, 0x13]), "国密TLCP", "speaks the Chinese TLCP"),
        (vec![21, 1, 1, 0, 2, 2, 70], "国密TLCP", "speaks the Chinese TLCP"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), "该端口不是HTTPS", NO_TLS),
        (b"SSH-2.0-OpenSSH_9.2p1\r\n".to_vec(), "该端口是SSH服务", NO_TLS),
        (b"220 mail.corp.example ESMTP\r\n".to_vec(), "该端口是SMTP or FTP服务", NO_TLS),
        (b"\x4a\0\0\0\x0a5.7.44-log\0".to_vec(), "该端口是MySQL服务", NO_TLS),
        (b"-ERR unknown command\r\n".to_vec(), "该端口是Redis服务", NO_TLS),
        (b"hello, who is there?\r\n".to_vec(), "该端口不是TLS服务", "68 65 6c 6c 6f"),
        (vec![22, 3, 3, 0xff, 0xff, 1, 2], "TLS数据有误", "not well-formed TLS"),
        ([&[22, 3, 3, 0, 4, 2, 0, 0, 0][..], &[0; 40]].concat(), "TLS数据有误", "not well-formed TLS"),
        (hello([3, 3], [3, 3], [0xc0, 0x2f])[..20].to_vec(), "握手中途连接被断开", "in the midst of it"),
        (vec![], "握手时连接被断开,请检查端口、防火墙", "closed upon the first message"),
    ] {
        let server = answering(&bytes);
        let (msg, told) = told(&https(&server));
        assert!(msg.contains(cause), "{bytes:02x?}: {msg}");
        assert!(told.contains(detail), "{bytes:02x?}: {told}");
        assert!(!told.contains("no TLS version, cipher"), "{told}");
    }
}

#[test]
fn a_banner_that_comes_before_the_first_message_is_recognised() {
    let server = Server::start(|connection| {
        connection.send(b"SSH-2.0-OpenSSH_9.2p1\r\n");
        while connection.stream.read(&mut [0; 4096]).is_ok_and(|amount| amount > 0) {}
    });
    assert!(told(&https(&server)).1.contains("SSH answers there"));
}

#[test]
fn a_reset_upon_the_first_message_is_told_as_such() {
    let server = Server::start(|connection| {
        let _ = connection.stream.peek(&mut [0]);
        let socket = socket2::SockRef::from(&connection.stream);
        socket.set_linger(Some(Duration::ZERO)).unwrap();
    });
    let (msg, detail) = told(&https(&server));
    assert!(msg.contains("请检查端口、防火墙和服务器的TLS设置"), "{msg}");
    assert!(detail.contains("reset upon the first message") && detail.contains("国密"), "{detail}");
}

/// A proxy that says yes to a CONNECT and goes on with a page of its own.
#[test]
fn plain_http_through_a_proxy_is_never_answered_with_the_advice_to_use_it() {
    let page = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>";
    let proxy = Server::start(move |connection| {
        if connection.request().is_some() && connection.send(b"HTTP/1.1 200 Connection established\r\n\r\n") {
            let _ = connection.stream.read(&mut [0; 4096]);
            connection.send(page.as_bytes());
        }
    });
    let mut asked = request("https://127.0.0.1:1", json!({}));
    asked["proxy"] = proxy.url().into();
    let reply = call(&asked);
    let text = reply.to_string();
    assert!(text.contains("not TLS") && text.contains("代理") && !text.contains("begin with"), "{text}");
}

/// OpenSSL's own server, which ends with its test.
struct OpenSsl {
    child: Child,
    commands: ChildStdin,
    output: Receiver<String>,
    host: String,
}

impl OpenSsl {
    fn start(certificate: &Certificate, options: &[&str]) -> OpenSsl {
        let mut command = Command::new("openssl");
        command.args(["s_server", "-accept", "127.0.0.1:0", "-naccept", "50"]).args(options);
        command.arg("-cert").arg(&certificate.chain).arg("-key").arg(&certificate.key);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("openssl can be run");
        let (lines, output) = mpsc::channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| lines.send(line)));
        let commands = child.stdin.take().unwrap();
        let mut server = OpenSsl { child, commands, output, host: String::new() };
        // It says `ACCEPT 127.0.0.1:port`.
        let accepts = server.wait_for("ACCEPT");
        server.host = accepts.trim_start_matches("ACCEPT").trim().to_owned();
        server
    }

    fn wait_for(&self, text: &str) -> String {
        loop {
            let line = self.output.recv_timeout(Duration::from_secs(30)).unwrap_or_else(|_| panic!("no {text}"));
            if line.contains(text) {
                return line;
            }
        }
    }
}

impl Drop for OpenSsl {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn with_openssl(name: &str, check: impl Fn(&Workshop)) {
    if !tools::all_run(&["openssl"], &format!("servers of OpenSSL's ({name})")) {
        return;
    }
    let made = Workshop::new(&format!("trust-failures-{name}"));
    check(&made);
}

#[test]
fn servers_with_old_versions_or_old_suites_alone_are_told_apart() {
    with_openssl("suites", |made| {
        let certificate = made.by_openssl("RSA", "rsa:2048", "sha256", true);
        for (options, cause) in [
            (&["-tls1_2", "-cipher", "AES128-SHA256"][..], "启用ECDHE加AES-GCM"),
            (&["-tls1_2", "-cipher", "AES128-GCM-SHA256"], "启用ECDHE加AES-GCM"),
            (&["-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256"], "启用ECDHE加AES-GCM"),
            (&["-tls1_2", "-cipher", "ECDHE-RSA-AES128-SHA256"], "启用ECDHE加AES-GCM"),
            (&["-tls1", "-cipher", "ALL:@SECLEVEL=0"], "启用TLS 1.2"),
            (&["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], "启用TLS 1.2"),
        ] {
            let server = OpenSsl::start(&certificate, options);
            let (msg, detail) = told(&format!("https://{}", server.host));
            assert!(msg.contains(cause), "{options:?}: {msg} {detail}");
        }
    });
}

#[test]
fn a_second_handshake_after_the_request_is_told_as_a_wish_for_a_client_certificate() {
    with_openssl("renegotiation", |made| {
        let certificate = made.by_openssl("RSA", "rsa:2048", "sha256", true);
        let mut server = OpenSsl::start(&certificate, &["-tls1_2"]);
        let host = format!("https://{}", server.host);
        let asked = thread::spawn(move || {
            let mut asked = request(&host, json!({ "verify": false }));
            asked["retry"] = 2.into();
            call(&asked)
        });
        server.wait_for("accesstoken");
        server.commands.write_all(b"R\n").unwrap();
        let reply: Value = asked.join().unwrap();
        let error = &reply["error"];
        let told = [&error["kind"], &error["delivered"], &error["attempts"]];
        assert_eq!(told, [&json!("tls"), &json!("unknown"), &json!(1)], "{reply}");
        assert!(error["detail"].as_str().unwrap().contains("(renegotiation)"), "{reply}");
        assert!(reply["msg"].as_str().unwrap().contains("要求客户端证书"), "{reply}");
    });
}

/// Shows that the failures above are those of the settings.
#[test]
fn a_server_of_openssls_that_fits_is_reached() {
    with_openssl("fits", |made| {
        let certificate = made.by_openssl("RSA", "rsa:2048", "sha256", true);
        let server = OpenSsl::start(&certificate, &["-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256", "-www"]);
        let reply = call(&request(&format!("https://{}", server.host), json!({ "verify": false })));
        assert_ne!(reply["error"]["kind"], "tls", "{reply}");
        assert!(TcpStream::connect(&server.host).is_ok());
    });
}
