//! Calls that are refused for their token, and how often they are sent.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::center::Center;
use crate::in_company;
use crate::orders::Order;
use crate::place::{in_file, in_redis};
use crate::process::Process;
use crate::requests::with_all;
use crate::server::{Server, reply};

/// Gives `token1`, `token2` and so on as the array that the vendor's text shows, and answers each call by its token and
/// what it is.
pub fn serving(answer: impl Fn(usize, &str) -> String + Send + Sync + 'static) -> Server {
    let tokens = AtomicUsize::new(0);
    Server::start(move |connection| {
        while let Some(text) = connection.request() {
            let answer = if text.starts_with("GET /oapi/v1/token") {
                let number = tokens.fetch_add(1, Ordering::SeqCst) + 1;
                reply(
                    "200 OK",
                    &format!("{{\"code\":0,\"msg\":\"success\",\"result\":[\"token{number}\",\"refresh\"]}}"),
                )
            } else {
                let (_, after) =
                    text.split_once("oken: token").or_else(|| text.split_once("oken:token")).expect("a token");
                let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
                answer(digits.parse().unwrap(), &text)
            };
            connection.send(answer.as_bytes());
        }
    })
}

pub fn request(server: &Server, fields: Value) -> Value {
    let request = json!({
        "host": server.url(), "proxy": null, "mode": "post", "rest_type": "/oapi/v1/job/create",
        "accesskey": "access-key", "secretkey": "secret-key", "data_json": { "说明": "月结" },
    });
    with_all(request, fields)
}

#[test]
fn a_refused_post_is_sent_once_more() {
    let _company = in_company();
    for refusal in [
        reply("401 Unauthorized", r#"{"code":401,"msg":"x"}"#),
        reply("401 Unauthorized", "<html>no"),
        reply("200 OK", r#"{"code":401,"msg":"x"}"#),
        reply("200 OK", r#"{"code":7,"msg":"Invalid Token"}"#),
        reply("500 Oh", r#"{"msg":"令牌已失效","code":-1}"#),
    ] {
        let refused = refusal.clone();
        let server = serving(move |token, _| match token {
            1 => refused.clone(),
            _ => reply("200 OK", r#"{"code":0,"result":"done"}"#),
        });
        let told = Process::start().call(&request(&server, json!({})));
        assert_eq!(told, json!({ "code": 0, "result": "done" }), "{refusal}");
        assert_eq!(server.requests(), 4, "token, post, token, post: {refusal}");
    }
}

#[test]
fn a_second_refusal_is_handed_on_as_it_came() {
    let _company = in_company();
    let body = r#"{ "msg":"令牌 无效", "code": 401,"result":[1.50] }"#;
    let server = serving(move |_, _| reply("401 Unauthorized", body));
    let library = crate::harness::Library::load();
    assert_eq!(library.call("rpa_call", &request(&server, json!({})).to_string()), body);
    assert_eq!(server.requests(), 4);
    // What refuses nothing is not sent again.
    for answer in [r#"{"code":403,"msg":"签名错误"}"#, r#"{"code":0,"msg":"token"}"#, r#"["token",401]"#] {
        let server = serving(move |_, _| reply("200 OK", answer));
        assert_eq!(library.call("rpa_call", &request(&server, json!({})).to_string()), answer);
        assert_eq!(server.requests(), 2, "{answer}");
    }
}

/// Gives one token as long as it lives, and takes no call but those of `/oapi/v1/open`. How often it was asked for a token, and
/// has refused a call.
fn with_one_token(refusal: String) -> (Server, [Arc<AtomicUsize>; 2]) {
    let counts = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
    let [tokens, refused] = counts.clone();
    let server = Server::start(move |connection| {
        while let Some(text) = connection.request() {
            let answer = if text.starts_with("GET /oapi/v1/token") {
                tokens.fetch_add(1, Ordering::SeqCst);
                reply("200 OK", r#"{"code":0,"result":["the-one","refresh"]}"#)
            } else if text.contains(" /oapi/v1/open") {
                reply("200 OK", r#"{"code":0}"#)
            } else {
                refused.fetch_add(1, Ordering::SeqCst);
                refusal.clone()
            };
            connection.send(answer.as_bytes());
        }
    });
    (server, counts)
}

fn where_the_refused_token_is_given_anew(store: &Value) {
    for (refusal, encoding) in [
        (json!({ "code": 401, "msg": "无权访问此接口" }), json!({})),
        (json!({ "code": 401, "msg": "token无效" }), json!({ "encoding": "python" })),
        (json!({ "code": 401, "msg": "签名错误" }), json!({ "data_json": { "日期": "2020/11/30" } })),
    ] {
        // Where the encodings differ, the other one is tried, too.
        let calls = if encoding["data_json"].is_null() { 1 } else { 2 };
        let (server, [tokens, sent]) = with_one_token(reply("401 Unauthorized", &refusal.to_string()));
        let fields = with_all(json!({ "token_store": store, "timeout_ms": 20_000, "meta": true }), encoding);
        let forbidden = request(&server, fields.clone());
        let open = request(&server, with_all(fields, json!({ "rest_type": "/oapi/v1/open" })));
        for mut process in [Process::start(), Process::start()] {
            let refused = |told: Value, most: usize, before: usize| {
                assert_eq!(told["reply"], refusal, "{told}");
                assert_eq!(told["meta"]["token"]["evictions"], 0, "{told}");
                let asked = tokens.load(Ordering::SeqCst) - before;
                assert!(asked <= most, "{asked} requests for a token");
            };
            for _ in 0..2 {
                let (before, sent_before) = (tokens.load(Ordering::SeqCst), sent.load(Ordering::SeqCst));
                refused(process.ask("rpa_call", &forbidden), 2, before);
                let sent = sent.load(Ordering::SeqCst) - sent_before;
                assert!(sent <= calls, "sent {sent} times, by one token");
            }
            // It works elsewhere, so it is not got anew for this API.
            assert_eq!(process.ask("rpa_call", &open)["reply"]["code"], 0);
            let before = tokens.load(Ordering::SeqCst);
            for _ in 0..3 {
                refused(process.ask("rpa_call", &forbidden), 0, before);
            }
        }
        let begun = tokens.load(Ordering::SeqCst);
        let mut process = Process::start();
        process.begin(&Order { threads: 8, calls: 24, ..Order::call(forbidden) });
        process.report();
        let asked = tokens.load(Ordering::SeqCst) - begun;
        assert!(asked <= 12, "{asked} requests for a token by 24 calls");
    }
}

#[test]
fn a_token_that_is_given_anew_is_not_asked_for_again_and_again() {
    let _company = in_company();
    where_the_refused_token_is_given_anew(&json!("memory"));
    in_file(where_the_refused_token_is_given_anew);
    in_redis(where_the_refused_token_is_given_anew);
}

#[test]
fn a_rule_of_this_servers_own() {
    let _company = in_company();
    for (rule, refusal) in [
        (json!({ "msg": ["会话"] }), reply("200 OK", r#"{"code":9,"msg":"会话失效"}"#)),
        (json!({ "msg": ["SESSION"] }), reply("200 OK", r#"{"code":9,"msg":"no session"}"#)),
        (json!({ "code": [-3, 7] }), reply("200 OK", r#"{"code":7,"msg":"x"}"#)),
        (json!({ "http_status": [419] }), reply("419 Ended", r#"{"code":419,"msg":"x"}"#)),
    ] {
        for (rule, requests) in [(rule, 4), (json!({}), 2)] {
            let refused = refusal.clone();
            let server = serving(move |token, _| match token {
                1 => refused.clone(),
                _ => reply("200 OK", r#"{"code":0}"#),
            });
            let told = Process::start().ask("rpa_call", &request(&server, json!({ "token_refused": rule })));
            assert_eq!((told["code"] == 0, server.requests()), (requests == 4, requests), "{rule} {told}");
        }
    }
}

#[test]
fn wrong_keys_give_the_control_centers_own_words() {
    let _company = in_company();
    let center = Center::start(&[]);
    let mut process = Process::start();
    let told = process.ask("rpa_call", &center.with(&json!("memory"), json!({ "secretkey": "another" })));
    assert_eq!(told, json!({ "code": 401, "msg": "accessKey或secretKey错误", "result": null }));
    let told = process.ask("rpa_sign", &center.with(&json!("memory"), json!({ "accesskey": "another" })));
    assert_eq!(told["code"], 401, "{told}");
    assert_eq!(center.requests().len(), 2, "no call was sent");
}

#[test]
fn a_lifetime_that_the_caller_knows() {
    let _company = in_company();
    for (fields, refused) in [(json!({ "token_ttl_ms": 1000 }), false), (json!({}), true)] {
        // This shape does not tell it.
        let center = Center::start(&["--token-shape", "array", "--token-ttl", "1"]);
        let mut process = Process::start();
        let begun = Instant::now();
        let mut oldest = 0;
        while begun.elapsed() < Duration::from_millis(2_200) {
            let request = center.with(&json!("memory"), fields.clone());
            process.call(&request);
            oldest = oldest.max(process.sign(&request)["token"]["age_ms"].as_u64().unwrap());
            thread::sleep(Duration::from_millis(30));
        }
        // Renewed when a fifth of its life is left.
        assert_eq!(oldest > 900, refused, "{fields}: {oldest} ms old");
        assert_eq!(center.refusals() > 0, refused, "{fields}: {:?}", center.requests());
        assert!((3..=4).contains(&center.token_requests()), "{fields}: {}", center.token_requests());
    }
}

#[test]
fn renewed_by_the_refresh_token_and_by_the_keys_where_that_fails() {
    let _company = in_company();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = asked.clone();
    let server = Server::start(move |connection| {
        while let Some(text) = connection.request() {
            let by = |name: &str| text.starts_with("GET /oapi/v1/token?") && text.contains(name);
            let mut asked = seen.lock().unwrap();
            let answer = match (by("accessKey=access-key&secretKey=secret-key"), by("refreshToken=refresh")) {
                (false, false) => r#"{"code":0}"#,
                (keys, _) => {
                    asked.push(if keys { "keys" } else { "refresh" });
                    match asked.len() {
                        3 => r#"{"code":401,"msg":"refresh token已失效"}"#,
                        _ => r#"{"code":0,"result":{"accessToken":"token","refreshToken":"refresh","expiresIn":0.4}}"#,
                    }
                }
            };
            connection.send(reply("200 OK", answer).as_bytes());
        }
    });
    // This server tells no time, too.
    let mut process = Process::start();
    let begun = Instant::now();
    while asked.lock().unwrap().len() < 4 {
        process.call(&request(&server, json!({})));
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", asked.lock().unwrap());
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(asked.lock().unwrap()[..4], ["keys", "refresh", "refresh", "keys"]);
}

#[test]
fn a_renewal_that_fails_disturbs_nobody() {
    let _company = in_company();
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = asked.clone();
    let server = Server::start(move |connection| {
        while let Some(text) = connection.request() {
            let is_first = || counted.fetch_add(1, Ordering::SeqCst) == 0;
            let answer = match text.starts_with("GET /oapi/v1/token") {
                false => reply("200 OK", r#"{"code":0}"#),
                true if is_first() => reply("200 OK", r#"{"code":0,"result":{"accessToken":"token","expires_in":2}}"#),
                true => reply("500 Oh", r#"{"code":500,"msg":"busy"}"#),
            };
            connection.send(answer.replacen("\r\n", "\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n", 1).as_bytes());
        }
    });
    let mut process = Process::start();
    let begun = Instant::now();
    let mut calls = 0;
    while begun.elapsed() < Duration::from_millis(1_900) {
        process.call(&request(&server, json!({ "timeout_ms": 2_000 })));
        calls += 1;
        thread::sleep(Duration::from_millis(10));
    }
    let asked = asked.load(Ordering::SeqCst);
    // Not with each call.
    assert!((2..=12).contains(&asked), "{asked} token requests for {calls} calls");
}
