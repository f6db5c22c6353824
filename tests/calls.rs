//! The built shared library, loaded as a foreign program loads it, against the control center in its own process.

use rpa_test_support::{harness, requests, server};

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use harness::{ControlCenter, Library};
use requests::{call, right, with, with_all};
use serde_json::{Value, json};
use server::Server;

/// A control center, the library, and a token.
struct Session {
    library: Library,
    center: ControlCenter,
    access: String,
    refresh: String,
}

impl Session {
    fn start(options: &[&str]) -> Session {
        let (library, center) = (Library::load(), ControlCenter::start(options));
        let tokens = library.json("rpa_get_token", &center.token_request());
        let text = |name: &str| tokens["result"][name].as_str().unwrap_or_else(|| panic!("{tokens}")).to_owned();
        Session { access: text("accessToken"), refresh: text("refreshToken"), library, center }
    }

    fn request(&self, mode: &str, path: &str, data: Value) -> Value {
        self.center.request(json!({ "rest_type": path, "mode": mode, "data_json": data, "accesstoken": self.access }))
    }

    fn call(&self, mode: &str, path: &str, data: Value) -> Value {
        self.library.json("rpa_call", &self.request(mode, path, data))
    }

    /// Asks `/oapi/v1/reply` for an odd reply.
    fn odd_reply(&self, data: Value, further: Value) -> Value {
        let request = with_all(self.request("get", "/oapi/v1/reply", data), further);
        self.library.json("rpa_call", &request)
    }
}

#[track_caller]
fn assert_error(reply: &Value, code: u64, kind: &str, delivered: &str, attempts: u64) {
    let error = &reply["error"];
    let seen = (&reply["code"], &error["kind"], &error["delivered"], &error["attempts"]);
    assert_eq!(seen, (&code.into(), &kind.into(), &delivered.into(), &attempts.into()), "{reply}");
    assert_eq!(reply["result"], Value::Null);
    assert!(!error["detail"].as_str().unwrap().is_empty(), "{reply}");
}

#[test]
fn a_job_through_all_four_modes() {
    for options in [&["--tls"][..], &[]] {
        let session = Session::start(options);
        let parameters = json!({ "procCode": "P001", "robotNo": "Administrator@0A1B2C3D4E5F", "note": "月结 & 100% 😀", "n": 20, "list": [1, "a", null] });
        let created = session.call("POST", "/oapi/v1/job/create", parameters);
        let job = created["result"]["jobNo"].as_str().unwrap_or_else(|| panic!("{created}"));
        let found = session.call("get", "/oapi/v1/job/get", json!({ "jobNo": job }));
        let expected = json!({ "note": "月结 & 100% 😀", "n": "20", "list": "[1, 'a', None]" });
        assert_eq!(found["result"]["params"], expected, "{found}");
        let changed = session.call("Put", "/oapi/v1/job/update", json!({ "jobNo": job, "note": "改" }));
        assert_eq!(changed["result"]["params"]["note"], "改", "{changed}");
        let listed = session.call("get", "/oapi/v1/job/list", json!({ "pageNum": 1, "pageSize": 20 }));
        assert_eq!(listed["result"]["total"], 1, "{listed}");
        session.call("put", "/oapi/v1/job/stop", json!({ "jobNo": job }));
        let deleted = session.call("delete", "/oapi/v1/job/delete", json!({ "jobNo": job }));
        assert_eq!(deleted["code"], 0, "{deleted}");
    }
}

#[test]
fn values_and_encodings_that_the_server_accepts() {
    let java = Session::start(&["--encoding", "java"]);
    let slash = json!({ "path": "a/b~c" });
    let mut request = java.request("get", "/oapi/v1/echo", slash);
    request["encoding"] = "python".into();
    let refused = java.library.json("rpa_call", &request);
    assert_eq!(refused["code"], 403, "{refused}");
    let signed = java.library.json("rpa_sign", &request);
    let notes = signed["result"]["notes"].to_string();
    assert!(notes.contains("\\\"encoding\\\":\\\"java\\\""), "{signed}");
    request["encoding"] = "java".into();
    let accepted = java.library.json("rpa_call", &request);
    assert_eq!(accepted["result"]["query"], json!([["path", "a/b~c"]]), "{accepted}");

    let session = Session::start(&[]);
    for values in ["python", "json", "native"] {
        for mode in ["get", "post", "put", "delete"] {
            let mut request = session.request(
                mode,
                "/oapi/v1/echo",
                json!({ "b": { "k": "it's" }, "n": 1.5, "t": "中", "x": true, "z": null }),
            );
            request["values"] = values.into();
            let reply = session.library.json("rpa_call", &request);
            assert_eq!(reply["code"], 0, "{values} {mode}: {reply}");
            assert_eq!(reply["result"]["method"], mode.to_uppercase());
        }
    }
    let text = session.call("put", "/oapi/v1/echo", json!("{\"a\": 1, \"a\": 1e16}"));
    assert_eq!(text["result"]["body"], "{\"a\": \"1e+16\"}", "{text}");
}

#[test]
fn what_is_signed_is_what_is_sent() {
    let session = Session::start(&[]);
    for mode in ["get", "post", "put", "delete"] {
        let request = session.request(mode, "/oapi/v1/echo", json!({ "键": "值 &=#+%/~", "list": [1, 2.0] }));
        let signed = session.library.json("rpa_sign", &request);
        let sent = session.library.json("rpa_call", &request);
        let url = signed["result"]["url"].as_str().unwrap();
        let query = url.split_once('?').map_or(Value::Null, |(_, query)| query.into());
        assert_eq!(sent["result"]["rawQuery"], query);
        let body = signed["result"]["body"].as_str().unwrap_or_default();
        assert_eq!(sent["result"]["body"], body);
        assert_eq!(sent["result"]["method"], signed["result"]["method"]);
        assert_eq!(
            sent["result"]["contentType"],
            signed["result"]["headers"].get("content-type").cloned().unwrap_or_default()
        );
    }
}

#[test]
fn tokens_are_refreshed_expire_and_are_superseded() {
    let session = Session::start(&["--token-ttl", "1", "--single-token"]);
    let echo = session.request("get", "/oapi/v1/echo", json!({}));
    assert_eq!(session.library.json("rpa_call", &echo)["code"], 0);
    let refreshed =
        session.library.json("rpa_refresh_token", &session.center.request(json!({ "refleshtoken": session.refresh })));
    assert_eq!(refreshed["code"], 0, "{refreshed}");
    let superseded = session.library.json("rpa_call", &echo);
    assert_eq!(
        (&superseded["code"], superseded.get("error")),
        (&401.into(), None),
        "handed on as it came: {superseded}"
    );
    let mut fresh = echo.clone();
    fresh["accesstoken"] = refreshed["result"]["accessToken"].clone();
    assert_eq!(session.library.json("rpa_call", &fresh)["code"], 0);
    thread::sleep(Duration::from_millis(1100));
    let expired = session.library.json("rpa_call", &fresh);
    assert!(expired["code"] == 401 && expired["msg"].as_str().unwrap().contains("过期"), "{expired}");
    let mut wrong = session.center.token_request();
    wrong["secretkey"] = "wrong-secret-key".into();
    let refused = session.library.json("rpa_get_token", &wrong);
    assert_eq!((&refused["code"], refused.get("error")), (&401.into(), None), "{refused}");
}

#[test]
fn replies_come_byte_for_byte() {
    let session = Session::start(&[]);
    let json = "{ \"b\": 1.10,\t\"a\":\"\\u4e2d\\/\", \"a\" : 1E400, \"n\":12345678901234567890123 }";
    for status in [200, 400, 404, 500, 503] {
        let data = json!({ "body": format!("\u{feff} {json}\n"), "status": status, "contentType": "text/plain" });
        let reply = session.library.call("rpa_call", &session.request("get", "/oapi/v1/reply", data).to_string());
        assert_eq!(reply, json, "status {status}");
    }
    let gbk = json!({ "bodyHex": "22d6d0cec422", "contentType": "application/json;charset=GBK" });
    assert_eq!(
        session.library.call("rpa_call", &session.request("get", "/oapi/v1/reply", gbk).to_string()),
        "\"中文\""
    );
}

#[test]
fn replies_that_are_no_json() {
    let session = Session::start(&[]);
    let page = format!("<html>{}", "错".repeat(300));
    // In hex, since what stands in the request's own query is not quoted.
    let hex: String = page.bytes().map(|byte| format!("{byte:02x}")).collect();
    let html = session.odd_reply(json!({ "bodyHex": hex, "contentType": "text/html" }), json!({}));
    assert_error(&html, 40, "response", "yes", 1);
    assert_eq!(html["error"]["http_status"], 200);
    assert_eq!(html["error"]["detail"].as_str().unwrap().matches('错').count(), 200 - "<html>".len());
    assert_error(&session.odd_reply(json!({ "body": "" }), json!({})), 40, "response", "yes", 1);
    let busy = session.odd_reply(json!({ "body": "busy", "status": 503 }), json!({ "retry": 3 }));
    assert_error(&busy, 40, "response", "yes", 3);
    let started = Instant::now();
    let later = session.odd_reply(json!({ "body": "busy", "status": 429, "retryAfter": 1 }), json!({ "retry": 2 }));
    assert_error(&later, 40, "response", "yes", 2);
    assert!(started.elapsed() >= Duration::from_secs(1), "Retry-After was not honoured");
    // The short name is in the query, too, but says nothing; a longer one does.
    for (location, named) in [
        ("ftp://a.b/login?token=x", "to ftp://a.b;"),
        ("https://sso.example/login?token=x", "to a host whose name holds what this call sent;"),
    ] {
        let moved = session.odd_reply(json!({ "status": 302, "location": location, "body": "" }), json!({}));
        assert_error(&moved, 40, "redirect", "yes", 1);
        assert!(moved["error"]["detail"].as_str().unwrap().contains(named), "{moved}");
    }
    let large = session.odd_reply(json!({ "body": "\"0123456789\"" }), json!({ "max_response_bytes": 11 }));
    assert_error(&large, 40, "too_large", "yes", 1);
    let just = session.odd_reply(json!({ "body": "\"0123456789\"" }), json!({ "max_response_bytes": 12 }));
    assert_eq!(just, "0123456789");
    let slow = session.odd_reply(json!({ "body": "1", "delayMillis": 2000 }), json!({ "timeout_ms": 300 }));
    assert_error(&slow, 40, "timeout", "unknown", 1);
    assert!(slow["error"]["detail"].as_str().unwrap().contains("waiting for the reply"), "{slow}");
}

#[test]
fn certificates_are_verified_unless_told_otherwise() {
    let (library, center) = (Library::load(), ControlCenter::start(&["--tls"]));
    let with = |tls: Value| {
        let mut request = center.token_request();
        request["tls"] = tls;
        request["retry"] = 1.into();
        library.json("rpa_get_token", &request)
    };
    let untrusted = with(json!({}));
    assert_error(&untrusted, 44, "tls", "no", 1);
    let detail = untrusted["error"]["detail"].as_str().unwrap();
    for part in [center.text("fingerprint"), "127.0.0.1", "tls.pin_sha256", "tls.ca_file"] {
        assert!(detail.contains(part), "{part} is not in {detail}");
    }
    let wrong_pin = with(json!({ "pin_sha256": "00".repeat(32) }));
    assert_error(&wrong_pin, 44, "tls", "no", 1);
    assert!(wrong_pin["msg"].as_str().unwrap().contains("指纹"), "{wrong_pin}");
    assert_eq!(with(json!({ "ca_file": center.text("pem") }))["code"], 0);
    assert_eq!(with(json!({ "verify": false }))["code"], 0);
    assert_eq!(with(json!({ "pin_sha256": center.text("fingerprint").replace(':', "").to_lowercase() }))["code"], 0);
    assert_error(&with(json!({})), 44, "tls", "no", 1);
    let elsewhere = ControlCenter::start(&["--tls", "--names", "rpa.example"]);
    let mut named = elsewhere.token_request();
    named["tls"] = json!({ "ca_file": elsewhere.text("pem") });
    let other_name = library.json("rpa_get_token", &named);
    assert_error(&other_name, 44, "tls", "no", 1);
    assert!(other_name["msg"].as_str().unwrap().contains("主机名不符"), "{other_name}");
    assert!(other_name["error"]["detail"].as_str().unwrap().contains("is for rpa.example"), "{other_name}");
    let missing = with(json!({ "ca_file": "no/such/file.pem" }));
    assert_error(&missing, 44, "argument", "no", 0);
    assert_eq!(missing["error"]["field"], "tls.ca_file");
    let plain = ControlCenter::start(&[]);
    let mut request = plain.token_request();
    request["host"] = plain.text("base").replace("http://", "https://").into();
    let no_tls = library.json("rpa_get_token", &request);
    assert_error(&no_tls, 44, "tls", "no", 2);
    assert!(no_tls["error"]["detail"].as_str().unwrap().contains("does not speak TLS"), "{no_tls}");
}

#[test]
fn eight_threads_at_once() {
    let session = Session::start(&["--tls"]);
    thread::scope(|scope| {
        for thread in 0..8 {
            let session = &session;
            scope.spawn(move || {
                for round in 0..25 {
                    let value = format!("线程{thread} 轮次{round}");
                    let mode = ["get", "post", "put", "delete"][round % 4];
                    let reply = session.call(mode, "/oapi/v1/echo", json!({ "v": value }));
                    let came = match mode {
                        "get" => reply["result"]["query"][0][1].clone(),
                        _ => serde_json::from_str::<Value>(reply["result"]["body"].as_str().unwrap()).unwrap()["v"]
                            .clone(),
                    };
                    assert_eq!(came, value, "{reply}");
                }
            });
        }
    });
}

#[test]
fn connections_are_kept_and_closed_as_asked() {
    let session = Session::start(&[]);
    let headers = |keep_alive: u64| {
        let mut request = session.request("get", "/oapi/v1/echo", json!({}));
        request["keep_alive_ms"] = keep_alive.into();
        request["headers"] = json!({ "X-Gateway-Key": "g4teway" });
        session.library.json("rpa_call", &request)["result"]["headers"].clone()
    };
    assert_eq!(headers(0)["connection"], "close");
    assert_eq!(headers(5000)["connection"], "keep-alive");
    assert_eq!(headers(5000)["x-gateway-key"], "g4teway");
}

#[test]
fn a_posts_parameters_stand_in_the_body_alone_where_query_says_so() {
    let session = Session::start(&[]);
    let mut request =
        session.request("post", "/oapi/v1/echo", json!({ "note": "月结 & 100%", "long": "x".repeat(66_000) }));
    request["query"] = "none".into();
    let signed = session.library.json("rpa_sign", &request);
    let sent = session.library.json("rpa_call", &request);
    assert_eq!((&sent["code"], &sent["result"]["rawQuery"]), (&json!(0), &Value::Null), "{sent}");
    assert_eq!(sent["result"]["body"], signed["result"]["body"]);
    assert!(!signed["result"]["url"].as_str().unwrap().contains('?'), "{signed}");
    assert_eq!(sent["result"]["contentType"], "application/x-www-form-urlencoded;charset=utf-8");
    request["query"] = "params".into();
    // The control center takes no URL of more than 64 KiB.
    let too_long = session.library.json("rpa_call", &request);
    assert_error(&too_long, 40, "response", "yes", 1);
    assert!(
        too_long["error"]["http_status"] == 414 && too_long["msg"].as_str().unwrap().contains("\"query\":\"none\""),
        "{too_long}"
    );
    let with_query = session.library.json("rpa_sign", &request);
    assert_eq!(
        with_query["result"]["source"].as_str().map(|source| source.split("&timestamp").next()),
        signed["result"]["source"].as_str().map(|source| source.split("&timestamp").next()),
        "the same is signed"
    );
    let notes = with_query["result"]["notes"].to_string();
    assert!(
        notes.contains("\\\"query\\\":\\\"none\\\"") && notes.contains("bytes long") && notes.contains("网址长"),
        "{notes}"
    );
    assert!(!signed["result"]["notes"].to_string().contains("bytes long"), "{signed}");
    // Half of a surrogate pair has no place in a query, and one in a body.
    let mut text = session.request("post", "/oapi/v1/echo", json!({})).to_string();
    text = text.replace("\"data_json\":{}", "\"query\":\"none\",\"data_json\":{\"a\":\"\\ud800\"}");
    let half: Value = serde_json::from_str(&session.library.call("rpa_call", &text)).unwrap();
    assert_eq!(half["code"], 0, "{half}");
}

#[test]
fn what_is_too_long_for_a_server_is_told_with_the_field_that_helps() {
    let library = Library::load();
    for (mode, status, length, told) in [
        ("post", "414 URI Too Long", 10, "\"query\":\"none\""),
        ("post", "400 Bad Request", 5000, "\"query\":\"none\""),
        ("post", "431 Request Header Fields Too Large", 5000, "\"query\":\"none\""),
        ("get", "414 URI Too Long", 10, "get的参数只能放在网址中"),
        ("get", "431 Request Header Fields Too Large", 10, "headers"),
        ("put", "413 Content Too Large", 10, "请求内容过大"),
    ] {
        for body in ["", "<html>no</html>"] {
            let server = Server::answering(server::reply(status, body));
            let request = with(call(&server.url(), mode), "data_json", json!({ "long": "x".repeat(length) }));
            let reply = library.json("rpa_call", &request);
            assert_error(&reply, 40, "response", "yes", 1);
            assert!(reply["msg"].as_str().unwrap().contains(told), "{reply}");
            assert_eq!(reply["error"]["http_status"].to_string(), status[..3], "{reply}");
            assert!(!reply.to_string().contains("xxxxx"), "{reply}");
        }
    }
    let json = Server::answering(server::reply("414 URI Too Long", "{\"code\":414}"));
    assert_eq!(
        library.json("rpa_call", &call(&json.url(), "get")),
        json!({ "code": 414 }),
        "JSON is handed on as it came"
    );
}

#[test]
fn an_empty_reply_is_a_success_where_empty_ok_says_so() {
    let library = Library::load();
    for (head, is_success) in [
        ("HTTP/1.1 204 No Content\r\n\r\n", true),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true),
        ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n \r\n", true),
        ("HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", true),
        ("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnope", false),
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", false),
        ("HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n", false),
    ] {
        for mode in ["delete", "post"] {
            let server = Server::answering(head);
            let mut request = call(&server.url(), mode);
            let default = library.json("rpa_call", &request);
            assert_error(&default, 40, "response", "yes", 1);
            assert_eq!(default["msg"].as_str().unwrap().contains("\"empty_ok\":true"), is_success, "{default}");
            request["empty_ok"] = true.into();
            let reply = library.call("rpa_call", &request.to_string());
            let success = "{\"code\":0,\"msg\":\"success\",\"result\":null}";
            assert_eq!(reply == success, is_success, "{head:?}: {reply}");
        }
    }
    let token = with(right("rpa_get_token", "http://127.0.0.1:1"), "empty_ok", true.into());
    assert_eq!(library.json("rpa_get_token", &token)["error"]["field"], "empty_ok");
}

#[test]
fn a_limit_that_was_meant_in_seconds_is_told_with_its_unit() {
    let library = Library::load();
    let server = Server::start(|connection| while connection.request().is_some() {});
    let request = with(call(&server.url(), "get"), "timeout_ms", 30.into());
    let reply = library.json("rpa_call", &request);
    assert_eq!(reply["error"]["kind"], "timeout", "{reply}");
    assert!(reply["msg"].as_str().unwrap().contains("timeout_ms为30毫秒,单位是毫秒"), "{reply}");
    assert!(
        reply["error"]["detail"].as_str().unwrap().contains("30 milliseconds; the unit is milliseconds"),
        "{reply}"
    );
    let token = with(right("rpa_get_token", &server.url()), "timeout_ms", json!(60.0));
    let reply = library.json("rpa_get_token", &token);
    assert!(reply["msg"].as_str().unwrap().contains("timeout_ms为60毫秒,单位是毫秒"), "{reply}");
}

#[test]
fn a_host_that_does_not_resolve_or_answer_is_named_with_its_port() {
    let library = Library::load();
    let told = |host: &str| library.json("rpa_call", &with(call(host, "get"), "retry", 1.into()));
    // A port that was just free: nobody listens there.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let refused = told(&format!("http://127.0.0.1:{port}"));
    assert_error(&refused, 40, "connect", "no", 1);
    assert!(refused["msg"].as_str().unwrap().contains(&format!("无法连接服务器127.0.0.1的端口{port}")), "{refused}");
    assert!(
        refused["error"]["detail"].as_str().unwrap().contains(&format!("the host is `127.0.0.1`, the port {port}")),
        "{refused}"
    );
    assert!(refused["error"]["detail"].as_str().unwrap().contains(&format!("at 127.0.0.1:{port}: ")), "{refused}");
    // No label of a name may be so long, so no name server is asked.
    let name = format!("{}.example", "x".repeat(64));
    let unknown = told(&format!("http://{name}"));
    assert_error(&unknown, 40, "dns", "no", 1);
    assert!(unknown["msg"].as_str().unwrap().contains(&format!("域名{name}无法解析")), "{unknown}");
    assert!(unknown["error"]["detail"].as_str().unwrap().contains(&format!("`{name}`")), "{unknown}");
}

#[test]
fn the_zone_of_an_ipv6_address_serves_to_connect_and_stands_in_no_header() {
    // Without IPv6 on this machine there is nothing to connect to.
    let Ok(listener) = TcpListener::bind("[::1]:0") else { return };
    let port = listener.local_addr().unwrap().port();
    let serving = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let lines = BufReader::new(stream.try_clone().unwrap()).lines().map(Result::unwrap);
        let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
        stream.write_all(server::reply("200 OK", "{\"code\":0}").as_bytes()).unwrap();
        head
    });
    // The loopback's number; a name goes with an address of this link alone.
    let request = call(&format!("http://[::1%251]:{port}"), "get");
    assert_eq!(Library::load().json("rpa_call", &request)["code"], 0);
    let head = serving.join().unwrap();
    let hosts: Vec<&String> = head.iter().filter(|line| line.to_ascii_lowercase().starts_with("host:")).collect();
    assert_eq!(hosts.len(), 1, "{head:?}");
    assert!(hosts[0].ends_with(&format!(" [::1]:{port}")), "{head:?}");
    assert!(!head.concat().contains("%25"), "{head:?}");
}
