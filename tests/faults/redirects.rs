//! Redirects of every kind: refused, named by scheme and host alone, and nobody else hears of the call.

use serde_json::{Value, json};

use crate::harness::Library;
use crate::server::Server;
use crate::{MODES, facts, request};

#[test]
fn redirects_of_every_kind() {
    let library = Library::load();
    let elsewhere = Server::answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
    let other = elsewhere.url();
    let long = format!("{other}/{}", "x".repeat(20_000));
    let to_other = format!("to {other}; ");
    let to_tls = format!("to {}; ", other.replace("http", "https"));
    let secret = "to a host whose name holds what this call sent; ";
    let mut targets: Vec<(String, &str)> = vec![
        (format!("{other}/a?token=9f2c4b7e&b=c#d"), &to_other),
        (other.replace("http", "https"), &to_tls),
        (other.replace("127.0.0.1", "user:hunter2@127.0.0.1"), &to_other),
        ("/login?next=9f2c4b7e".to_owned(), "to another path of the same host; "),
        ("login".to_owned(), "to another path of the same host; "),
        (other.trim_start_matches("http:").to_owned(), &to_other),
        ("javascript:alert(1)".to_owned(), "to what is no web address; "),
        ("ftp://files.example/9f2c4b7e".to_owned(), "to ftp://files.example; "),
        ("http://登录.example/页".to_owned(), "to http://登录.example; "),
        ("http://login.example:8443/a b".to_owned(), "to http://"),
        (long, &to_other),
        (String::new(), "to what is no web address; "),
    ];
    // What it was sent, as a name, and in Base64 and hex.
    for host in [
        "9f2c4b7e1d5a48c0b3e6a7d812f45c90.example",
        "9f2c4b7e1d5a.48c0b3e6a7d8.12f45c90.example",
        "OWYyYzRiN2UxZDVhNDhjMGIzZTZhN2Q4MTJmNDVjOTA.example",
        "3966326334623765316435613438633062336536613764383132663435633930.example",
    ] {
        targets.push((format!("https://{host}/"), secret));
    }
    for status in [301, 302, 303, 307, 308] {
        for (target, named) in &targets {
            let head = format!(
                "HTTP/1.1 {status} Moved\r\nLocation: {target}\r\nRefresh: 0; url={other}\r\nContent-Length: 0\r\n\r\n"
            );
            let server = Server::answering(head);
            for mode in MODES {
                let told = library.json("rpa_call", &request(&server.url(), mode, json!({ "retry": 2 })));
                let what = format!("{status} {mode} {}: {told}", &target[..target.len().min(60)]);
                assert_eq!(facts(&told), (40, "redirect", "yes", 1), "{what}");
                let detail = told["error"]["detail"].as_str().unwrap();
                assert!(detail.contains(named), "{what}");
                for of_target in
                    ["9f2c4b7e", "48c0b3e6", "OWYyYzRi", "39663263", "hunter2", "next", "alert", "xxxx", "?"]
                {
                    assert!(!detail.contains(of_target), "{of_target} in {what}");
                }
            }
            assert_eq!(server.requests(), MODES.len(), "{status} {target}");
        }
    }
    // Those that name no target, and those that no client follows.
    for (status, header) in [
        (301, String::new()),
        (300, format!("Location: {other}\r\n")),
        (305, format!("Location: {other}\r\n")),
        (304, format!("Location: {other}\r\n")),
        (201, format!("Location: {other}\r\n")),
        (200, format!("Refresh: 0; url={other}\r\n")),
    ] {
        let body = format!("<meta http-equiv=\"refresh\" content=\"0; url={other}\">");
        let body = if status == 304 { "" } else { body.as_str() };
        let server = Server::answering(format!(
            "HTTP/1.1 {status} Words\r\n{header}Content-Length: {}\r\n\r\n{body}",
            body.len()
        ));
        let told = library.json("rpa_call", &request(&server.url(), "post", json!({})));
        let (code, kind, delivered, attempts) = facts(&told);
        assert_eq!((code, kind, delivered, attempts), (40, "response", "yes", 1), "{status} {told}");
    }
    // JSON is the server's answer, whatever its status.
    let server = Server::answering(format!(
        "HTTP/1.1 302 Found\r\nLocation: {other}\r\nContent-Length: 10\r\n\r\n{{\"code\":1}}"
    ));
    let told: Value = library.json("rpa_call", &request(&server.url(), "post", json!({})));
    assert_eq!(told, json!({ "code": 1 }));
    assert_eq!(elsewhere.connections(), 0, "nobody else hears of it");
}
