//! Processes that are killed at random moments while they start work and wait for it. The next one goes on, and no work is
//! started twice.

use std::collections::HashMap;
use std::env;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::center::{Answer, Center, parameter};
use crate::folder::Folder;
use crate::programs::helper;

/// Of each work: how often it was started, how often it was asked for.
type Works = Arc<Mutex<HashMap<String, (u32, u32)>>>;

#[test]
fn no_work_is_started_twice() {
    let runs: u64 = env::var("RPA_TEST_KILLS").map_or(20, |number| number.parse().expect("RPA_TEST_KILLS is a number"));
    let works = Works::default();
    let noted = works.clone();
    let center = Center::start(move |line, _| {
        thread::sleep(Duration::from_millis(3));
        let name = parameter(line, "name").to_owned();
        let mut noted = noted.lock().unwrap();
        let work = noted.entry(name.clone()).or_default();
        if line.contains("/job/start") {
            work.0 += 1;
            return Answer::Json(json!({ "code": 0, "result": { "name": name } }).to_string());
        }
        work.1 += 1;
        Answer::Json(json!({ "code": 0, "result": { "done": work.1 >= 3 } }).to_string())
    });
    let folder = Folder::new("killed");
    let (mut kills, mut doubts, mut went_on) = (0, 0, 0);
    for run in 0..runs {
        let file = folder.join(format!("{run}.resume"));
        let request = center.request(json!({
            "rest_type": "/job/start", "mode": "post", "data_json": { "name": format!("w{run}") },
            "wait": {
                "rest_type": "/job/status", "data_json": { "name": { "pointer": "/result/name" } }, "every_ms": 100,
                "until": [{ "pointer": "/result/done", "in": [true] }], "resume_file": file,
            },
        }));
        let begin = || {
            let mut command = helper("one_call");
            command.arg(request.to_string()).stdout(Stdio::piped()).spawn().expect("the program can be started")
        };
        let mut victim = begin();
        thread::sleep(Duration::from_micros(fastrand::u64(..60_000)));
        kills += u32::from(victim.try_wait().unwrap().is_none());
        let _ = victim.kill();
        let _ = victim.wait();
        went_on += u32::from(file.exists());
        let output = begin().wait_with_output().unwrap();
        let reply: Value = serde_json::from_slice(&output.stdout).unwrap();
        if reply["error"]["delivered"] == "unknown" {
            // What was sent may still be on its way: nobody can know, and so the library does not start again.
            doubts += 1;
            assert_eq!(reply["error"]["field"], "wait.resume_file", "{reply}");
            assert!(file.exists());
            continue;
        }
        assert_eq!(reply["result"]["reply"]["result"]["done"], true, "{reply}");
        assert!(!file.exists());
    }
    let works = works.lock().unwrap();
    let twice: Vec<_> = works.iter().filter(|(_, (starts, _))| *starts > 1).collect();
    println!(
        "{runs} runs, {kills} killed in mid-work, {went_on} left a file, {doubts} in doubt, {} started twice",
        twice.len()
    );
    assert!(twice.is_empty(), "{twice:?}");
}
