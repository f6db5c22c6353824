//! A machine whose clock is an hour off.

use std::fs;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::center::Center;
use crate::place::Folder;
use crate::process::Process;
use crate::server::{Server, reply};
use crate::{in_company, tools};

const AHEAD: &str = "+3600s";
const BEHIND: &str = "-3600s";

/// A process whose clock is off, as libfaketime reads it; `None` where the machine has none.
fn off_by(offset: &str) -> Option<Process> {
    with_clock(&[("FAKETIME", offset)])
}

fn with_clock(offset: &[(&str, &str)]) -> Option<Process> {
    if !tools::all_run(&["faketime"], "a clock that is off") {
        return None;
    }
    let preload = Command::new("faketime").args(["-f", "+0", "printenv", "LD_PRELOAD"]).output().unwrap();
    let preload = String::from_utf8(preload.stdout).unwrap();
    let mut environment = [&[("LD_PRELOAD", preload.trim())], offset].concat();
    // The clock that counts from the machine's start is never off.
    environment.extend([("DONT_FAKE_MONOTONIC", "1"), ("FAKETIME_DONT_FAKE_MONOTONIC", "1"), ("NO_FAKE_STAT", "1")]);
    let environment: Vec<_> = environment.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    Some(Process::start_in(&environment))
}

fn job(center: &Center, store: &Value) -> Value {
    let parameters = json!({ "procCode": "P001", "robotNo": "Administrator@0A1B2C3D4E5F" });
    center.with(store, json!({ "mode": "post", "rest_type": "/oapi/v1/job/create", "data_json": parameters }))
}

#[test]
fn the_first_call_with_an_empty_store() {
    let _company = in_company();
    for (offset, way) in [(AHEAD, "ahead of"), (BEHIND, "behind")] {
        let Some(mut process) = off_by(offset) else { return };
        let (center, folder) = (Center::start(&[]), Folder::new());
        process.call(&job(&center, &folder.store()));
        assert_eq!((center.refusals(), center.token_requests()), (0, 1), "{offset}: the token's reply told the time");
        let told = process.sign(&center.request(&folder.store()));
        assert!(told["notes"].to_string().contains(&format!("seconds {way} the control center's")), "{told}");
        let page = json!({ "body": "<html>", "contentType": "text/html" });
        let failing = json!({ "rest_type": "/oapi/v1/reply", "data_json": page });
        let told = process.ask("rpa_call", &center.with(&folder.store(), failing));
        let detail = told["error"]["detail"].as_str().unwrap();
        assert!(detail.contains(&format!("seconds {way} the control center's")), "{detail}");
    }
}

#[test]
fn the_first_call_with_the_token_of_a_process_whose_clock_is_right() {
    let _company = in_company();
    for offset in [AHEAD, BEHIND] {
        let Some(mut process) = off_by(offset) else { return };
        let (center, folder) = (Center::start(&[]), Folder::new());
        Process::start().call(&center.request(&folder.store()));
        process.call(&job(&center, &folder.store()));
        assert_eq!(center.count("POST /oapi/v1/job/create 403"), 1, "{offset}: by which it knew the time");
        assert_eq!(center.count("POST /oapi/v1/job/create 200"), 1, "{offset}: once, though it was sent twice");
        process.call(&center.request(&folder.store()));
        assert_eq!((center.refusals(), center.token_requests()), (1, 1), "{offset}");
    }
}

#[test]
fn the_first_call_with_the_token_of_a_process_whose_clock_is_off() {
    let _company = in_company();
    for offset in [AHEAD, BEHIND] {
        let Some(mut process) = off_by(offset) else { return };
        let (center, folder) = (Center::start(&[]), Folder::new());
        process.call(&center.request(&folder.store()));
        // Another process of the same wrong clock knows it at once.
        let mut second = off_by(offset).unwrap();
        second.call(&job(&center, &folder.store()));
        assert_eq!((center.refusals(), center.token_requests()), (0, 1), "{offset}");
        // And one after the clock was set right finds out.
        Process::start().call(&job(&center, &folder.store()));
        assert_eq!(center.count("POST /oapi/v1/job/create 200"), 2, "{offset}");
    }
}

#[test]
fn in_the_last_minutes_of_a_token() {
    let _company = in_company();
    // By the wrong clock the token is over, or has not begun.
    for offset in [AHEAD, BEHIND] {
        let Some(mut process) = off_by(offset) else { return };
        let (center, folder) = (Center::start(&["--token-ttl", "600"]), Folder::new());
        Process::start().call(&center.request(&folder.store()));
        process.call(&job(&center, &folder.store()));
        assert_eq!(center.count("POST /oapi/v1/job/create 200"), 1, "{offset}");
    }
}

#[test]
fn a_clock_that_is_set_right_between_two_calls() {
    let _company = in_company();
    for (before, after) in [(AHEAD, "+0"), (BEHIND, "+0"), ("+0", AHEAD), ("+0", BEHIND)] {
        let (center, folder) = (Center::start(&["--token-ttl", "600"]), Folder::new());
        let clock = folder.path("clock");
        fs::write(&clock, before).unwrap();
        let Some(mut process) =
            with_clock(&[("FAKETIME_TIMESTAMP_FILE", clock.to_str().unwrap()), ("FAKETIME_NO_CACHE", "1")])
        else {
            return;
        };
        process.call(&center.request(&json!("memory")));
        fs::write(&clock, after).unwrap();
        process.call(&job(&center, &json!("memory")));
        assert_eq!(center.count("POST /oapi/v1/job/create 200"), 1, "from {before} to {after}");
        assert!(center.refusals() <= 1, "from {before} to {after}: {:?}", center.requests());
    }
}

/// The wall's time, in milliseconds.
fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}

#[test]
fn not_from_a_cache_nor_from_a_proxy() {
    let _company = in_company();
    let hour = 3_600_000;
    let offsets = Arc::new(Mutex::new(Vec::new()));
    let seen = offsets.clone();
    let server = Server::start(move |connection| {
        while let Some(text) = connection.request() {
            let stamp =
                text.lines().find_map(|line| line.to_lowercase().strip_prefix("timestamp:")?.trim().parse().ok());
            let later = httpdate::fmt_http_date(SystemTime::now() + std::time::Duration::from_secs(3600));
            let dated = |status: &str, more: &str, body: &str| {
                reply(status, body).replacen("\r\n", &format!("\r\nDate: {later}\r\n{more}"), 1)
            };
            let Some(stamp) = stamp else {
                connection.send(reply("200 OK", r#"{"code":0,"result":{"accessToken":"t0ken"}}"#).as_bytes());
                continue;
            };
            let stamp: i64 = stamp;
            let mut offsets = seen.lock().unwrap();
            offsets.push((stamp - now() + hour / 2).div_euclid(hour));
            let answer = match offsets.len() {
                1 => dated("200 OK", "Age: 7\r\n", r#"{"code":0}"#),
                2 => dated("502 Bad Gateway", "", "<html>a proxy's page"),
                3 => reply("200 OK", r#"{"code":0}"#),
                _ => dated("200 OK", "", r#"{"code":0}"#),
            };
            connection.send(answer.as_bytes());
        }
    });
    let request = json!({
        "host": server.url(), "proxy": null, "mode": "get", "rest_type": "/a", "accesskey": "access", "secretkey": "secret",
    });
    let mut process = Process::start();
    for _ in 0..4 {
        process.call(&request);
    }
    assert_eq!(*offsets.lock().unwrap(), [0, 0, 0, 0, 1], "only after the control center's own JSON, in hours");
}
