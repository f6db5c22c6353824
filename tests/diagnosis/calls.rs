//! What the control center says of the signed call.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::harness::ControlCenter;
use crate::requests::with_all;
use crate::server::Server;
use crate::servers::{envelope, page};
use crate::{Row, diagnose, hold};

const TOKEN: &str = "Zx81qPw7LmN4vT2kRb9sYc3d";

/// A control center that answers each call of its API so.
fn answering(reply: impl Fn(&str) -> String + Send + Sync + 'static) -> Server {
    Server::start(move |connection| {
        while let Some(asked) = connection.request() {
            let sent = if asked.starts_with("GET /oapi/v1/token?") {
                let body = json!({ "code": 0, "msg": "success", "result": [TOKEN, "r3fresh-r3fresh"] });
                page("200 OK", "application/json", &body.to_string())
            } else if asked.starts_with("GET /oapi/v1/job") {
                reply(&asked)
            } else if asked.starts_with("GET /oapi/v1/token") {
                envelope()
            } else {
                page("404 Not Found", "text/html", "<html>404</html>")
            };
            if !connection.send(sent.as_bytes()) {
                return;
            }
        }
    })
}

/// One that refuses the time of each call, and writes this header.
fn refusing_the_time(date: impl Fn() -> String + Send + Sync + 'static) -> Server {
    Server::start(move |connection| {
        while let Some(asked) = connection.request() {
            let (status, body) = match asked.split([' ', '?']).nth(1) {
                Some("/oapi/v1/token") => ("400 Bad Request", "{\"code\":400,\"msg\":\"缺少accessKey\"}"),
                Some("/oapi/v1/job/list") => ("403 Forbidden", "{\"code\":403,\"msg\":\"时间戳已过期\"}"),
                _ => ("404 Not Found", "404"),
            };
            let sent = format!("HTTP/1.1 {status}\r\n{}Content-Length: {}\r\n\r\n{body}", date(), body.len());
            if !connection.send(sent.as_bytes()) {
                return;
            }
        }
    })
}

fn with_token(server: &Server) -> Value {
    json!({ "host": server.url(), "proxy": null, "accesstoken": TOKEN, "rest_type": "/oapi/v1/job/list", "mode": "get" })
}

#[test]
fn a_signed_call_that_fails_for_another_reason_than_its_signature() {
    let json_page =
        |status: &'static str, body: &'static str| answering(move |_| page(status, "application/json", body));
    let row = |cry: fn(&'static str, Value, &'static str, [&'static str; 2]) -> Row, name, server: Server, words| {
        cry(name, with_token(&server), "signature", words).keep(server)
    };
    let without_date = refusing_the_time(String::new);
    let strict = refusing_the_time(|| {
        format!("Date: {}\r\n", httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(120)))
    });
    let slow = answering(|_| {
        std::thread::sleep(Duration::from_secs(3));
        page("200 OK", "application/json", "{\"code\":0}")
    });
    let java = ControlCenter::start(&[
        "--encoding",
        "java",
        "--refuse-signature",
        "{\"http_status\":200,\"code\":77,\"msg\":\"nope\"}",
    ]);
    let in_own_words =
        json!({ "get_token": true, "rest_type": "/oapi/v1/echo", "mode": "get", "data_json": { "d": "2020/11/30" } });
    let rows = vec![
        row(
            Row::warns,
            "no such API",
            json_page("404 Not Found", "{\"code\":404,\"msg\":\"接口不存在\"}"),
            ["请核对rest_type", "no such API"],
        )
        .setting("rest_type"),
        row(
            Row::warns,
            "another method",
            json_page("405 Method Not Allowed", "{\"code\":405,\"msg\":\"x\"}"),
            ["请核对mode", "check `mode`"],
        )
        .setting("mode"),
        row(
            Row::warns,
            "a wrong parameter",
            json_page("200 OK", "{\"code\":400,\"msg\":\"缺少jobNo\"}"),
            ["缺少jobNo", "缺少jobNo"],
        )
        .setting("data_json"),
        row(
            Row::warns,
            "a failure of its own",
            json_page("500 Internal Server Error", "{\"code\":500,\"msg\":\"系统异常\"}"),
            ["查看其日志", "look into its log"],
        )
        .turn("control_center"),
        row(
            Row::warns,
            "too many calls",
            json_page("429 Too Many Requests", "{\"code\":429,\"msg\":\"x\"}"),
            ["过于频繁", "too many calls"],
        )
        .turn("network"),
        row(
            Row::fails,
            "no right",
            json_page("403 Forbidden", "{\"code\":403,\"msg\":\"无权限\"}"),
            ["处理权限", "see to the rights"],
        )
        .turn("control_center"),
        row(
            Row::fails,
            "let in at other hours",
            json_page("403 Forbidden", "{\"code\":403,\"msg\":\"不在允许访问的时间段内\"}"),
            ["不许可", "does not permit"],
        )
        .turn("control_center"),
        row(
            Row::fails,
            "a gateway without its server",
            answering(|_| page("502 Bad Gateway", "text/html", "<html>502</html>")),
            ["502", "502"],
        )
        .turn("control_center"),
        row(Row::fails, "a page", answering(|_| page("200 OK", "text/csv", "a,b\n")), ["不是JSON", "is not JSON"])
            .setting("rest_type"),
        Row::warns(
            "a slow API",
            with_all(with_token(&slow), json!({ "timeout_ms": 3000 })),
            "signature",
            ["加大timeout_ms", "a longer `timeout_ms`"],
        )
        .setting("timeout_ms")
        .keep(slow),
        Row::fails(
            "the time, where nothing tells it",
            with_token(&without_date),
            "clock",
            ["没有可信的时间", "hold no time to compare with"],
        )
        .keep(without_date),
        Row::fails(
            "the time, by two minutes",
            with_token(&strict),
            "clock",
            ["因此拒绝了时间戳", "refuses the timestamp for it"],
        )
        .keep(strict),
        Row::fails(
            "the signature, in words of its own",
            with_all(java.token_request(), in_own_words),
            "signature",
            ["signature_refused", "signed as java it is taken"],
        )
        .setting("encoding")
        .keep(java),
    ];
    hold(&rows, 13);
}

/// A server's message may quote all that it was sent.
#[test]
fn no_secret_that_a_server_quotes_is_shown() {
    const LONG: usize = 24;
    for refusal in
        ["token {token} expired", "签名错误, got {sign}", "系统异常 {sign}", "timestamp {sign}", "无权限 {token}"]
    {
        let signatures = Arc::new(Mutex::new(Vec::new()));
        let seen = signatures.clone();
        let server = answering(move |asked| {
            if !asked.to_ascii_lowercase().contains("\nsignature:") {
                return page("404 Not Found", "text/html", "<html>404</html>");
            }
            let sent = |name: &str| {
                let line = asked.lines().find(|line| line.to_ascii_lowercase().starts_with(name));
                line.map(|line| line.split_once(':').unwrap().1.trim().to_owned()).unwrap()
            };
            seen.lock().unwrap().push(sent("signature:"));
            // Words of 32 characters are shown of nothing.
            let msg = refusal.replace("{token}", &sent("accesstoken:")).replace("{sign}", &sent("signature:")[..LONG]);
            page("403 Forbidden", "application/json", &json!({ "code": 403, "msg": msg }).to_string())
        });
        let mut with_keys = with_all(
            with_token(&server),
            json!({ "accesskey": "a-key-of-mine", "secretkey": "another-of-mine", "get_token": true }),
        );
        with_keys.as_object_mut().unwrap().remove("accesstoken");
        for request in [with_token(&server), with_keys] {
            let told = diagnose(&request.to_string(), &[]).to_string();
            let sent = signatures.lock().unwrap().clone();
            assert!(!sent.is_empty(), "{told}");
            for secret in sent.iter().map(String::as_str).chain([TOKEN]) {
                let part = &secret[..secret.len().min(LONG)];
                assert!(!told.contains(part), "{refusal}: {part} in {told}");
            }
        }
    }
}
