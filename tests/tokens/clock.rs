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
        assert_eq!((center.refusals(), center.token_requests()), (1, 1), "{offset}: the refusal told the time");
        process.call(&job(&center, &folder.store()));
        assert_eq!((center.refusals(), center.token_requests()), (1, 1), "{offset}: once");
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
        assert_eq!((center.refusals(), center.token_requests()), (1, 1), "{offset}");
        // Another process of the same wrong clock knows it at once.
        let mut second = off_by(offset).unwrap();
        second.call(&job(&center, &folder.store()));
        assert_eq!((center.refusals(), center.token_requests()), (1, 1), "{offset}");
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
        // One for each clock that was wrong.
        assert!(center.refusals() <= 2, "from {before} to {after}: {:?}", center.requests());
    }
}

/// The wall's time, in milliseconds.
fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}

/// A control center that refuses all timestamps but those that are `right_by` hours ahead of this machine's clock, and
/// answers each call with what `dated` makes of its number and its JSON. The hours by which calls were stamped.
fn strict_center(
    right_by: i64,
    dated: impl Fn(usize, &str) -> String + Send + Sync + 'static,
) -> (Server, Arc<Mutex<Vec<i64>>>) {
    let hour = 3_600_000;
    let offsets = Arc::new(Mutex::new(Vec::new()));
    let seen = offsets.clone();
    let server = Server::start(move |connection| {
        while let Some(text) = connection.request() {
            let stamp = text
                .lines()
                .find_map(|line| line.to_lowercase().strip_prefix("timestamp:")?.trim().parse::<i64>().ok());
            let Some(stamp) = stamp else {
                connection.send(reply("200 OK", r#"{"code":0,"result":{"accessToken":"t0ken"}}"#).as_bytes());
                continue;
            };
            let (offset, number) = {
                let mut offsets = seen.lock().unwrap();
                offsets.push((stamp - now() + hour / 2).div_euclid(hour));
                (offsets[offsets.len() - 1], offsets.len())
            };
            let json = match offset == right_by {
                true => r#"{"code":0}"#,
                false => r#"{"code":403,"msg":"timestamp与服务器时间相差超过10分钟"}"#,
            };
            connection.send(dated(number, json).as_bytes());
        }
    });
    (server, offsets)
}

/// A reply with a `Date` so many hours from now, and further headers.
fn with_date(status: &str, hours: u64, more: &str, body: &str) -> String {
    let date = httpdate::fmt_http_date(SystemTime::now() + std::time::Duration::from_secs(3600 * hours));
    reply(status, body).replacen("\r\n", &format!("\r\nDate: {date}\r\n{more}"), 1)
}

fn request(server: &Server) -> Value {
    json!({
        "host": server.url(), "proxy": null, "mode": "get", "rest_type": "/a", "accesskey": "access", "secretkey": "secret",
    })
}

#[test]
fn not_from_a_cache_nor_from_a_proxy() {
    let _company = in_company();
    let (server, offsets) = strict_center(1, |number, json| match number {
        1 => with_date("200 OK", 1, "Age: 7\r\n", json),
        2 => with_date("502 Bad Gateway", 1, "", "<html>a proxy's page"),
        3 | 4 => reply("200 OK", json),
        // From no cache, which this gateway says.
        _ => with_date("200 OK", 1, "Age: 0\r\n", json),
    });
    let mut process = Process::start();
    for _ in 0..4 {
        process.ask("rpa_call", &request(&server));
    }
    assert_eq!(*offsets.lock().unwrap(), [0, 0, 0, 0, 0, 1], "only after the control center's own JSON, in hours");
}

#[test]
fn a_gateway_with_a_wrong_clock_costs_no_refusal() {
    let _company = in_company();
    // Of two gateways in turn one is an hour ahead; the control center behind them is right.
    let (server, offsets) = strict_center(0, |number, json| with_date("200 OK", number as u64 % 2, "", json));
    let mut process = Process::start();
    for _ in 0..6 {
        process.call(&request(&server));
    }
    assert_eq!(*offsets.lock().unwrap(), [0; 6]);
}

#[test]
fn a_gateway_with_a_wrong_clock_before_a_machine_with_another() {
    let _company = in_company();
    // This machine is an hour behind, one gateway two hours ahead of it.
    let (server, offsets) = strict_center(1, |number, json| with_date("200 OK", 2 - number as u64 % 2, "", json));
    let mut process = Process::start();
    for _ in 0..6 {
        process.call(&request(&server));
    }
    assert_eq!(*offsets.lock().unwrap(), [0, 1, 1, 1, 1, 1, 1], "what has helped is remembered");
}

#[test]
fn a_wrong_date_is_tried_once_and_given_up() {
    let _company = in_company();
    // Refuses all, for a reason of its own.
    let (server, offsets) = strict_center(9, |_, json| with_date("200 OK", 1, "", json));
    let folder = Folder::new();
    let mut with_store = request(&server);
    with_store["token_store"] = folder.store();
    let mut process = Process::start();
    for _ in 0..3 {
        let told = process.ask("rpa_call", &with_store);
        assert_eq!(told["code"], 403, "{told}");
    }
    assert_eq!(*offsets.lock().unwrap(), [0, 1, 0, 0]);
    Process::start().sign(&with_store);
    let told = process.sign(&with_store);
    assert!(!told["notes"].to_string().contains("corrected"), "it was not passed on: {told}");
}

#[test]
fn a_field_switches_the_correction_off() {
    let _company = in_company();
    let (server, offsets) = strict_center(1, |_, json| with_date("200 OK", 1, "", json));
    let mut process = Process::start();
    let mut off = request(&server);
    off["correct_clock"] = false.into();
    for _ in 0..2 {
        assert_eq!(process.ask("rpa_call", &off)["code"], 403);
    }
    process.call(&request(&server));
    assert_eq!(process.ask("rpa_call", &off)["code"], 403, "though a correction is known by now");
    assert_eq!(*offsets.lock().unwrap(), [0, 0, 0, 1, 0]);
}
