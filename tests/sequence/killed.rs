//! Processes that are killed at random moments while they start work and wait for it, and while they gather a list. The next
//! one goes on, and no work is started twice.
//!
//! Who calls again does what the pages say: the same call, with the same file; with the text, where a start has told it; and
//! nothing where the library says that the start is in doubt. That a process was killed after the work was over, and before
//! it could tell, is seen by nobody unless the file is kept: so without that the work ends in the last process alone.

use std::collections::HashMap;
use std::env;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::center::{Answer, Center, parameter};
use crate::folder::Folder;
use crate::programs::helper;

/// What the control center knows of some work.
#[derive(Default, Clone, Debug)]
struct Work {
    starts: u32,
    asked: u32,
    may_end: bool,
}

type Works = Arc<Mutex<HashMap<String, Work>>>;

/// So often a process of one work is killed, at most.
const MOST_KILLS: u64 = 3;
const WORKERS: usize = 2;

fn runs() -> u64 {
    env::var("RPA_TEST_KILLS").map_or(20, |number| number.parse().expect("RPA_TEST_KILLS is a number"))
}

fn begin(request: &Value) -> Child {
    helper("one_call").arg(request.to_string()).stdout(Stdio::piped()).spawn().expect("the program can be started")
}

/// The reply of a process that ends by itself.
fn reply_of(child: Child) -> Option<Value> {
    let output = child.wait_with_output().unwrap();
    output.status.success().then(|| serde_json::from_slice(&output.stdout).unwrap())
}

/// Starts the call, kills it within so many microseconds, and gives its reply if it was quicker.
fn killed_within(request: &Value, most: u64) -> Option<Value> {
    let mut child = begin(request);
    thread::sleep(Duration::from_micros(fastrand::u64(..most)));
    let _ = child.kill();
    reply_of(child)
}

fn is_in_doubt(reply: &Value, file: &Path) -> bool {
    let is_so = reply["error"]["delivered"] == "unknown";
    if is_so {
        // What was sent may still be on its way: nobody can know, and so the library does not start again.
        assert_eq!(reply["error"]["field"], "wait.resume_file", "{reply}");
        assert!(file.exists());
    }
    is_so
}

struct Killing {
    works: Works,
    center: Center,
    folder: Folder,
    kills: AtomicU64,
    doubts: AtomicU64,
    went_on: AtomicU64,
}

impl Killing {
    fn new() -> Killing {
        let works = Works::default();
        let noted = works.clone();
        let center = Center::start(move |line, _| {
            thread::sleep(Duration::from_millis(3));
            let name = parameter(line, "name").to_owned();
            let mut noted = noted.lock().unwrap();
            let work = noted.entry(name.clone()).or_default();
            if line.contains("/job/start") {
                work.starts += 1;
                return Answer::Json(json!({ "code": 0, "result": { "name": name } }).to_string());
            }
            work.asked += 1;
            let is_done = work.may_end && work.asked >= 2;
            Answer::Json(json!({ "code": 0, "result": { "done": is_done } }).to_string())
        });
        let number = || AtomicU64::new(0);
        Killing { works, center, folder: Folder::new("killed"), kills: number(), doubts: number(), went_on: number() }
    }

    fn may_end(&self, name: &str) {
        self.works.lock().unwrap().entry(name.to_owned()).or_default().may_end = true;
    }

    fn starts(&self, name: &str) -> u32 {
        self.works.lock().unwrap().get(name).map_or(0, |work| work.starts)
    }

    fn request(&self, name: &str, wait: Value) -> Value {
        let usual = json!({
            "rest_type": "/job/status", "data_json": { "name": { "pointer": "/result/name" } }, "every_ms": 100,
            "until": [{ "pointer": "/result/done", "in": [true] }],
        });
        self.center.request(json!({
            "rest_type": "/job/start", "mode": "post", "data_json": { "name": name },
            "wait": crate::with_all(usual, wait),
        }))
    }

    /// By a file; `keeps`: it stays when the work is over, and the work may end in any process.
    fn by_file(&self, name: &str, keeps: bool) {
        let file = self.folder.join(format!("{name}.resume"));
        let request = self.request(name, json!({ "resume_file": file, "keep_file": keeps }));
        if keeps {
            self.may_end(name);
        }
        for _ in 0..fastrand::u64(1..=MOST_KILLS) {
            match killed_within(&request, if keeps { 300_000 } else { 60_000 }) {
                None => _ = self.kills.fetch_add(1, Ordering::SeqCst),
                Some(reply) if is_in_doubt(&reply, &file) => break,
                Some(reply) => assert!(keeps && reply["result"]["reply"]["result"]["done"] == true, "{reply}"),
            }
        }
        self.went_on.fetch_add(u64::from(file.exists()), Ordering::SeqCst);
        self.may_end(name);
        let reply = reply_of(begin(&request)).expect("nobody kills it");
        if is_in_doubt(&reply, &file) {
            self.doubts.fetch_add(1, Ordering::SeqCst);
            return;
        }
        assert_eq!(reply["result"]["reply"]["result"]["done"], true, "{reply}");
        assert_eq!((file.exists(), self.starts(name)), (keeps, 1), "{reply}");
        if keeps {
            // Over and told, and still nothing is started, until somebody takes the file away.
            let again = reply_of(begin(&request)).expect("nobody kills it");
            assert_eq!((&again["result"]["started"], self.starts(name)), (&reply["result"]["started"], 1), "{again}");
        }
    }

    /// By the text of a call that only starts.
    fn by_text(&self, name: &str) {
        let started = self.center.call(self.request(name, json!({ "timeout_ms": 0 })));
        let request = self.center.request(json!({ "resume": started["result"]["resume"] }));
        for _ in 0..fastrand::u64(1..=MOST_KILLS) {
            assert_eq!(killed_within(&request, 60_000), None, "the work may not end yet");
            self.kills.fetch_add(1, Ordering::SeqCst);
        }
        self.may_end(name);
        let reply = reply_of(begin(&request)).expect("nobody kills it");
        assert_eq!(reply["result"]["reply"]["result"]["done"], true, "{reply}");
        assert_eq!(self.starts(name), 1, "{reply}");
    }
}

#[test]
fn no_work_is_started_twice() {
    let (runs, killing, next) = (runs(), Killing::new(), AtomicU64::new(0));
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                loop {
                    let run = next.fetch_add(1, Ordering::SeqCst);
                    let name = format!("w{run}");
                    match run {
                        run if run >= runs => return,
                        run if run % 5 == 4 => killing.by_text(&name),
                        run => killing.by_file(&name, run % 5 >= 2),
                    }
                }
            });
        }
    });
    let works = killing.works.lock().unwrap();
    let twice: Vec<_> = works.iter().filter(|(_, work)| work.starts > 1).collect();
    let [kills, doubts, went_on] =
        [&killing.kills, &killing.doubts, &killing.went_on].map(|n| n.load(Ordering::SeqCst));
    println!(
        "{runs} works, {kills} processes killed, {went_on} works left a file, {doubts} in doubt, {} started twice",
        twice.len()
    );
    assert!(twice.is_empty(), "{twice:?}");
}

/// Gathering only reads: made again it brings the same, and leaves nothing behind.
#[test]
fn a_list_is_gathered_anew() {
    let center = Center::start(|line, _| {
        thread::sleep(Duration::from_millis(4));
        let page: u64 = parameter(line, "pageNum").parse().unwrap();
        let items: Vec<u64> = (0..3).map(|item| page * 10 + item).filter(|item| *item < 62).collect();
        Answer::Json(json!({ "code": 0, "result": { "list": items, "total": 17 } }).to_string())
    });
    let mut kills = 0;
    let runs = runs().div_ceil(5);
    for run in 0..runs {
        let request = center.request(json!({
            "rest_type": "/list", "mode": if run % 2 == 0 { "get" } else { "post" }, "data_json": { "pageSize": 3 },
            "pages": { "page": "pageNum", "size": "pageSize", "items": "/result/list", "total": "/result/total" },
        }));
        kills += u32::from(killed_within(&request, 60_000).is_none());
        // What the killed one sent is answered by now.
        thread::sleep(Duration::from_millis(20));
        let before = center.seen("/list").len();
        let reply = reply_of(begin(&request)).expect("nobody kills it");
        let expected: Vec<u64> = (10..62).filter(|number| number % 10 < 3).collect();
        assert_eq!(reply["result"]["list"], json!(expected), "{reply}");
        assert!(center.seen("/list").len() - before >= 6);
    }
    println!("{runs} lists, {kills} processes killed");
}
