//! Calls by a name whose lookup hangs until the file that its argument names is gone, and says how many threads that took.
//! Runs on Linux alone.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use rpa_test_support::programs;
use rpa_test_support::replies::facts;
use rpa_test_support::requests::create_job;
use rpa_test_support::server::{Server, reply};
use serde_json::json;

fn main() {
    let library = programs::library();
    let server = Server::answering(reply("200 OK", "{\"code\":0}"));
    let host = format!("http://rpa.hung:{}", server.address().port());
    let call = |timeout: u64| {
        let limits = json!({ "timeout_ms": timeout, "retry": 1 });
        let started = Instant::now();
        let reply = library.json("rpa_call", &create_job(&host, "post", limits));
        (reply, started.elapsed())
    };
    let threads = || fs::read_dir("/proc/self/task").unwrap().count();
    let before = threads();
    thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| {
                for _ in 0..10 {
                    let (reply, took) = call(100);
                    assert_eq!(facts(&reply), (40, "timeout", "no", 1));
                    assert!(reply["error"]["detail"].as_str().unwrap().contains("looking up the name"), "{reply}");
                    assert!(took >= Duration::from_millis(100), "{took:?}");
                }
            });
        }
    });
    // A thread that was joined may still be on its way out.
    let ended = Instant::now() + Duration::from_secs(10);
    while threads() > before + 1 && Instant::now() < ended {
        thread::sleep(Duration::from_millis(20));
    }
    let after = threads();
    fs::remove_file(programs::argument(1)).unwrap();
    let (found, _) = call(20_000);
    println!("{}", json!({ "before": before, "after": after, "found": found }));
}
