//! A clock that jumps by an hour in the middle of a call, as when a robot's machine asks a time server at last.

use std::env;
use std::fs;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};

use crate::harness::Library;
use crate::server::{Server, reply};
use crate::{ends_at, facts, request, tools};

/// The clock's file, as libfaketime reads it.
fn set_clock(offset: &str) {
    fs::write(env::var("FAKETIME_TIMESTAMP_FILE").unwrap(), offset).unwrap();
}

/// Not a test: makes calls while its own clock jumps.
#[test]
#[ignore = "run by the test below, as a process of its own"]
fn child_whose_clock_jumps() {
    let library = Library::load();
    // Answers what it is asked after a while; what goes to /silent never.
    let server = Server::start(|connection| {
        while let Some(text) = connection.request() {
            if text.contains("/silent") {
                continue;
            }
            thread::sleep(Duration::from_millis(400));
            connection.send(reply("200 OK", "{\"code\":0}").as_bytes());
        }
    });
    let busy = Server::start(|connection| {
        while let Some(text) = connection.request() {
            let now = "Mon, 23 Nov 2026 10:00:00 GMT";
            let soon = "Mon, 23 Nov 2026 10:00:01 GMT";
            let page =
                format!("HTTP/1.1 503 Busy\r\nDate: {now}\r\nRetry-After: {soon}\r\nContent-Length: 4\r\n\r\nbusy");
            drop(text);
            connection.send(page.as_bytes());
        }
    });
    set_clock("+0");
    let real = SystemTime::now();
    for offset in ["+3600", "-3600", "+3600"] {
        thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(Duration::from_millis(150));
                set_clock(offset);
            });
            // A limit of two seconds neither ends early nor late, whatever the clock says.
            for (function, request) in [
                ("rpa_call", request(&server.url(), "post", json!({ "timeout_ms": 2000 }))),
                (
                    "rpa_get_token",
                    json!({ "host": server.url(), "accesskey": "demo-key", "secretkey": "demo-secret", "proxy": null }),
                ),
            ] {
                let started = Instant::now();
                let told = library.json(function, &request);
                assert_eq!(told["code"], 0, "{offset}: {told}");
                assert!(started.elapsed() < Duration::from_secs(3), "{offset}");
            }
        });
        let mut silent = request(&server.url(), "post", json!({ "timeout_ms": 500 }));
        silent["rest_type"] = "/silent".into();
        let told = ends_at(Duration::from_millis(500), || {
            set_clock("+1800");
            let reply = library.json("rpa_call", &silent);
            set_clock(offset);
            reply
        });
        assert_eq!(facts(&told), (40, "timeout", "unknown", 1), "{offset}");
        assert!((500..800).contains(&told["error"]["elapsed_ms"].as_u64().unwrap()), "{offset}: {told}");
        // A second by the server's clock, which a wrong one here does not change.
        let started = Instant::now();
        let told = library.json("rpa_call", &request(&busy.url(), "get", json!({})));
        assert_eq!(facts(&told), (40, "response", "yes", 2), "{offset}");
        assert!((1..4).contains(&started.elapsed().as_secs()), "{offset}: {:?}", started.elapsed());
    }
    let jumped = SystemTime::now().duration_since(real).unwrap();
    assert!(jumped > Duration::from_secs(3000), "the clock did jump");
    println!("calls: {}", json!({ "connections": server.connections() }));
}

#[test]
#[cfg(target_os = "linux")]
fn a_clock_that_jumps_by_an_hour() {
    if !tools::all_run(&["faketime"], "calls while the clock jumps") {
        return;
    }
    let folder = tools::folder(&format!("clock-{}", std::process::id()));
    let preload = Command::new("faketime").args(["-f", "+0", "printenv", "LD_PRELOAD"]).output().unwrap();
    let preload = String::from_utf8(preload.stdout).unwrap();
    let clock = folder.join("clock");
    fs::write(&clock, "+0").unwrap();
    let mut child = Command::new(env::current_exe().unwrap());
    child.args(["--ignored", "--exact", "clock::child_whose_clock_jumps", "--nocapture"]);
    child.env("LD_PRELOAD", preload.trim()).env("FAKETIME_TIMESTAMP_FILE", &clock);
    // The clock of the wall alone jumps; the other one, which counts from the machine's start, does not.
    child.envs([
        ("FAKETIME_NO_CACHE", "1"),
        ("DONT_FAKE_MONOTONIC", "1"),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ("NO_FAKE_STAT", "1"),
    ]);
    let output = tools::succeed(&mut child, "calls while the clock jumps");
    let output = String::from_utf8(output.stdout).unwrap();
    let told = output.lines().find_map(|line| line.split_once("calls: ")).expect("figures").1;
    let told: Value = serde_json::from_str(told).unwrap();
    fs::remove_dir_all(folder).unwrap();
    // One, and another for each call that ran out of time.
    assert!(told["connections"].as_u64().unwrap() <= 30, "{told}");
}
