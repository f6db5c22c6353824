//! A store that stalls late puts off the end of no call.

use std::fs::File;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::alone;
use crate::place::Folder;
use crate::process::Process;
use crate::server::{Server, reply};

const LIMIT_MS: u64 = 1000;

/// How long a call took whose token came a moment before its time was up, into a store that `stall` makes hang just then.
fn elapsed_ms(store: &Value, stall: impl Fn() + Send + Sync + 'static) -> u64 {
    let server = Server::start(move |connection| {
        while let Some(seen) = connection.request() {
            if seen.starts_with("GET /oapi/v1/token") {
                stall();
                thread::sleep(Duration::from_millis(LIMIT_MS - 80));
                connection.send(reply("200 OK", r#"{"code":0,"result":["t0ken","refre5h"]}"#).as_bytes());
            }
        }
    });
    let request = json!({
        "host": server.url(), "proxy": null, "mode": "get", "rest_type": "/a", "timeout_ms": LIMIT_MS, "retry": 1,
        "accesskey": "demo-access-key", "secretkey": "demo-secret-key", "token_store": store,
    });
    let told = Process::start().ask("rpa_call", &request);
    assert_eq!(told["error"]["kind"], "timeout", "{told}");
    told["error"]["elapsed_ms"].as_u64().unwrap()
}

/// A machine that is busy may be late a few times, but not each time.
fn is_in_time(elapsed_ms: impl Fn() -> u64) {
    let mut all = Vec::new();
    while all.len() < 6 {
        all.push(elapsed_ms());
        if all.iter().any(|elapsed| *elapsed < LIMIT_MS + 200) {
            return;
        }
    }
    panic!("{all:?}");
}

#[test]
fn a_lock_that_hangs_late_costs_no_time_beyond_the_limit() {
    let _alone = alone();
    is_in_time(|| {
        let folder = Folder::new();
        let lock_file = folder.path("tokens.lock");
        elapsed_ms(&json!({ "file": folder.path("tokens") }), move || {
            let lock = File::create(&lock_file).unwrap();
            lock.lock().unwrap();
            thread::spawn(move || {
                thread::sleep(Duration::from_secs(4));
                drop(lock);
            });
        })
    });
}

#[test]
fn a_redis_that_hangs_late_costs_no_time_beyond_the_limit() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    let _alone = alone();
    is_in_time(|| {
        let hangs = Arc::new(AtomicBool::new(false));
        let hung = hangs.clone();
        // As much of Redis as is asked for before a token is there: nothing is kept, and the lease is free.
        let redis = Server::start(move |connection| {
            use std::io::Read;
            let mut piece = [0; 4096];
            while let Ok(1..) = connection.stream.read(&mut piece) {
                if hung.load(Ordering::SeqCst) {
                    thread::sleep(Duration::from_secs(4));
                }
                let asks = piece.starts_with(b"*4\r\n$5\r\nHMGET");
                connection.send(if asks { b"*2\r\n$-1\r\n$-1\r\n" } else { b":1\r\n" });
            }
        });
        let store = json!({ "redis": format!("redis://{}", redis.address()) });
        elapsed_ms(&store, move || hangs.store(true, Ordering::SeqCst))
    });
}
