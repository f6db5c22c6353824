//! Makes calls while its own clock jumps by an hour, and says how many connections they took. It runs under libfaketime.

use std::env;
use std::fs;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use rpa_test_support::programs;
use rpa_test_support::replies::{ends_at, facts};
use rpa_test_support::requests::create_job;
use rpa_test_support::server::{Server, reply};
use serde_json::json;

/// The clock's file, as libfaketime reads it.
fn set_clock(offset: &str) {
    fs::write(env::var("FAKETIME_TIMESTAMP_FILE").unwrap(), offset).unwrap();
}

fn main() {
    let library = programs::library();
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
                ("rpa_call", create_job(&server.url(), "post", json!({ "timeout_ms": 2000 }))),
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
        let mut silent = create_job(&server.url(), "post", json!({ "timeout_ms": 500 }));
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
        let told = library.json("rpa_call", &create_job(&busy.url(), "get", json!({})));
        assert_eq!(facts(&told), (40, "response", "yes", 2), "{offset}");
        assert!((1..4).contains(&started.elapsed().as_secs()), "{offset}: {:?}", started.elapsed());
    }
    let jumped = SystemTime::now().duration_since(real).unwrap();
    assert!(jumped > Duration::from_secs(3000), "the clock did jump");
    println!("{}", json!({ "connections": server.connections() }));
}
