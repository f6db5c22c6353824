//! Many threads, many calls, some of them failing in every way: each answers in time, and nothing is left behind.
//!
//! `RPA_TEST_LOAD_CALLS=200000 cargo test --release --test load -- --nocapture` is the long form.
#![cfg(target_os = "linux")]

use rpa_test_support::{harness, programs};

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, ChildStdin, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use harness::{ControlCenter, Library};
use rpa_test_support::requests::create_job;
use serde_json::{Value, json};

const THREADS: u64 = 64;
const LIMIT: Duration = Duration::from_millis(1000);
const KEEP_ALIVE: Duration = Duration::from_millis(1500);

struct Served {
    child: Child,
    stdin: Option<ChildStdin>,
    url: String,
}

impl Served {
    fn start() -> Served {
        let mut command = programs::helper("server_that_fails_often");
        command.arg(LIMIT.as_millis().to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdin = child.stdin.take();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
        Served { child, stdin, url: url.trim_end().to_owned() }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.child.wait();
    }
}

/// What this process holds.
#[derive(Debug)]
struct Held {
    descriptors: usize,
    threads: usize,
    resident_kib: u64,
}

fn held() -> Held {
    let count = |folder: &str| fs::read_dir(folder).unwrap().count();
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    Held {
        descriptors: count("/proc/self/fd"),
        threads: count("/proc/self/task"),
        resident_kib: resident.trim().trim_end_matches(" kB").parse().unwrap(),
    }
}

struct Load<'a> {
    library: &'a Library,
    requests: [Value; 3],
    kinds: Mutex<BTreeMap<String, u64>>,
    /// The latest of all, in microseconds past its limit.
    late: AtomicU64,
}

impl Load<'_> {
    fn run(&self, calls: u64) {
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| (0..calls / THREADS).for_each(|_| self.call()));
            }
        });
    }

    fn call(&self) {
        // To nobody, over TLS, and to the server that fails.
        let request = match fastrand::u8(..100) {
            0 => &self.requests[0],
            1..10 => &self.requests[1],
            _ => &self.requests[2],
        };
        let started = Instant::now();
        let told = self.library.json("rpa_call", request);
        let late = started.elapsed().saturating_sub(LIMIT);
        self.late.fetch_max(late.as_micros() as u64, Ordering::SeqCst);
        let kind = told["error"]["kind"].as_str().unwrap_or("answered").to_owned();
        assert!(told["error"].is_object() || told["code"].is_u64(), "{told}");
        *self.kinds.lock().unwrap().entry(kind).or_default() += 1;
    }
}

#[test]
fn nothing_is_left_behind() {
    let calls = env::var("RPA_TEST_LOAD_CALLS").map_or(12_800, |calls| calls.parse::<u64>().expect("a number"));
    let (library, server, tls) = (Library::load(), Served::start(), ControlCenter::start(&["--tls"]));
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let request = |host: &str, tls: Value| {
        let further = json!({
            "rest_type": "/oapi/v1/echo", "tls": tls, "timeout_ms": LIMIT.as_millis() as u64,
            "keep_alive_ms": KEEP_ALIVE.as_millis() as u64, "retry": 2,
        });
        create_job(host, "post", further)
    };
    let requests = [
        request(&format!("http://{nobody}"), json!({})),
        request(tls.text("base"), json!({ "pin_sha256": tls.text("fingerprint") })),
        request(&server.url, json!({})),
    ];
    // What is made once is made before the count: the library, its agents, a thread's own.
    let load = Load { library: &library, requests, kinds: Mutex::default(), late: AtomicU64::new(0) };
    load.run(THREADS * 10);
    let at_rest = || {
        thread::sleep(KEEP_ALIVE + Duration::from_millis(300));
        // Idle connections are let go as the next call is made.
        for request in &load.requests[1..] {
            library.json("rpa_call", request);
        }
        held()
    };
    let begun = at_rest();
    load.run(calls / 2);
    let first = at_rest();
    load.run(calls / 2);
    let second = at_rest();
    let late = Duration::from_micros(load.late.load(Ordering::SeqCst));
    println!("{calls} calls of {THREADS} threads: {:?}", load.kinds.lock().unwrap());
    println!("latest: {late:?} past its limit of {LIMIT:?}");
    println!("held before, after one half and after the other:\n{begun:?}\n{first:?}\n{second:?}");
    let kinds = load.kinds.lock().unwrap();
    for kind in ["answered", "connect", "disconnected", "response", "timeout"] {
        assert!(kinds.contains_key(kind), "{kind} is not among {kinds:?}");
    }
    assert!(late < Duration::from_secs(2), "{late:?}");
    // One connection to each server may wait for the next call.
    for held in [&first, &second] {
        assert!(held.descriptors <= begun.descriptors + 2, "{held:?}, at first {begun:?}");
        assert!(held.threads <= begun.threads, "{held:?}, at first {begun:?}");
    }
    // The allocator needs some thousand calls until it has all that it wants.
    let more = if calls >= 200_000 { 1024 } else { 4096 };
    assert!(second.resident_kib <= first.resident_kib + more, "{second:?} after {first:?}");
}
