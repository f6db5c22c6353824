//! A reply that reads like a refusal and is none, and what is told of attempts that were.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use serde_json::json;

use crate::harness::Library;
use crate::in_company;
use crate::refusal::{request, serving};
use crate::server::{Server, reply};

#[test]
fn a_post_that_ran_is_not_sent_again_for_its_time() {
    let _company = in_company();
    let later = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(3600));
    for (answer, posts) in [
        (r#"{"code":200,"msg":"任务已启动"}"#, 1),
        (r#"{"code":"0","msg":"time"}"#, 1),
        (r#"["started"]"#, 1),
        (r#"{"code":7,"msg":"timestamp与服务器时间相差超过10分钟"}"#, 2),
    ] {
        // The token's reply tells no time, so that the first call is stamped by this machine's clock.
        let dated = reply("200 OK", answer).replacen("\r\n", &format!("\r\nDate: {later}\r\n"), 1);
        let server = serving(move |_, _| dated.clone());
        assert_eq!(Library::load().call("rpa_call", &request(&server, json!({})).to_string()), answer);
        assert_eq!(server.requests(), 1 + posts, "{answer}");
    }
}

#[test]
fn an_error_that_fits_the_rule_does_not_cost_a_token_for_each_call() {
    let _company = in_company();
    let tokens = Arc::new(AtomicUsize::new(0));
    let seen = tokens.clone();
    let server = Server::start(move |connection| {
        while let Some(text) = connection.request() {
            let answer = match text.starts_with("GET /oapi/v1/token") {
                true => format!("{{\"code\":0,\"result\":[\"token{}\"]}}", seen.fetch_add(1, Ordering::SeqCst)),
                false => r#"{"code":5,"msg":"bad Token of bank"}"#.to_owned(),
            };
            connection.send(reply("200 OK", &answer).as_bytes());
        }
    });
    let library = Library::load();
    for _ in 0..20 {
        let told = library.call("rpa_call", &request(&server, json!({})).to_string());
        assert_eq!(told, r#"{"code":5,"msg":"bad Token of bank"}"#);
    }
    let asked = tokens.load(Ordering::SeqCst);
    assert!(asked <= 3, "{asked} tokens for 20 calls");
    let signed = library.json("rpa_sign", &request(&server, json!({})));
    assert_eq!(signed["result"]["token"]["evictions"], 0, "{signed}");
}

#[test]
fn what_an_attempt_before_the_refusal_may_have_done_is_not_forgotten() {
    let _company = in_company();
    // Broken off, refused, and then nobody is there.
    let calls = Arc::new(Mutex::new(0));
    let seen = calls.clone();
    let server = Server::start(move |connection| {
        while let Some(text) = connection.request() {
            if text.starts_with("GET /oapi/v1/token") {
                if *seen.lock().unwrap() >= 2 {
                    return;
                }
                connection.send(reply("200 OK", r#"{"code":0,"result":["token"]}"#).as_bytes());
                continue;
            }
            let mut calls = seen.lock().unwrap();
            *calls += 1;
            if *calls == 1 {
                return;
            }
            connection.send(reply("401 Unauthorized", r#"{"code":401,"msg":"x"}"#).as_bytes());
        }
    });
    let told = Library::load().json("rpa_call", &request(&server, json!({ "mode": "put", "retry": 3 })));
    let error = &told["error"];
    assert_eq!((&error["delivered"], &error["token"]["refusal"]), (&json!("yes"), &json!("eviction")), "{told}");
    assert!(error["detail"].as_str().unwrap().starts_with("the server refused the token, and no new one could be got"));
}
