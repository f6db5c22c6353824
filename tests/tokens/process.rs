//! A process that makes calls as it is told, through the built library. It is this test's own program, started again.

use std::env;
use std::io::{self, BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::harness::{Library, built_library};

/// Calls to be made. `threads` make `calls` in all; or as many as they can within `millis`.
#[derive(Serialize, Deserialize, Default, Clone)]
pub struct Order {
    pub function: String,
    pub request: Value,
    pub threads: u64,
    pub calls: u64,
    pub millis: u64,
    /// Of a thread, between two calls.
    pub pause_millis: u64,
}

/// What came of them.
#[derive(Serialize, Deserialize, Default)]
pub struct Report {
    pub calls: u64,
    pub failed: u64,
    /// The replies of those that failed, but not of all if there are many.
    pub failures: Vec<Value>,
    /// How long the longest call took.
    pub longest_us: u64,
    /// The reply to a single call.
    pub reply: Value,
}

impl Order {
    pub fn call(request: Value) -> Order {
        Order { function: "rpa_call".to_owned(), request, threads: 1, calls: 1, ..Order::default() }
    }
}

/// Not a test: reads orders, one a line, and tells what came of each.
#[test]
#[ignore = "run by other tests, as a process of its own"]
fn child() {
    let library = Library::of(Path::new(&env::var_os("RPA_TEST_LIBRARY").expect("run by another test")));
    for line in io::stdin().lock().lines() {
        let order: Order = serde_json::from_str(&line.unwrap()).unwrap();
        let report = carry_out(&library, &order);
        println!("told: {}", serde_json::to_string(&report).unwrap());
    }
}

fn carry_out(library: &Library, order: &Order) -> Report {
    let (report, begun) = (Mutex::new(Report::default()), AtomicU64::new(0));
    let end = Instant::now() + Duration::from_millis(order.millis);
    let request = order.request.to_string();
    let is_over = || match order.millis {
        0 => begun.fetch_add(1, Ordering::SeqCst) >= order.calls,
        _ => Instant::now() >= end,
    };
    let work = || {
        while !is_over() {
            let started = Instant::now();
            let reply = library.call(&order.function, &request);
            let took = started.elapsed().as_micros() as u64;
            let reply: Value = serde_json::from_str(&reply).unwrap();
            let mut report = report.lock().unwrap();
            report.calls += 1;
            report.longest_us = report.longest_us.max(took);
            if reply["code"] != 0 {
                report.failed += 1;
                if report.failures.len() < 5 {
                    report.failures.push(reply.clone());
                }
            }
            if (order.millis, order.calls) == (0, 1) {
                report.reply = reply;
            }
            drop(report);
            thread::sleep(Duration::from_millis(order.pause_millis));
        }
    };
    thread::scope(|scope| (0..order.threads).for_each(|_| drop(scope.spawn(work))));
    report.into_inner().unwrap()
}

/// Ends when it is dropped.
pub struct Process {
    child: Child,
    orders: Option<ChildStdin>,
    told: Lines<BufReader<ChildStdout>>,
}

impl Process {
    pub fn start() -> Process {
        Process::start_in(&[])
    }

    /// With further variables in its environment.
    pub fn start_in(environment: &[(String, String)]) -> Process {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--ignored", "--exact", "process::child", "--nocapture", "--test-threads=1"]);
        command.env("RPA_TEST_LIBRARY", built_library()).envs(environment.iter().cloned());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let orders = child.stdin.take();
        let told = BufReader::new(child.stdout.take().unwrap()).lines();
        Process { child, orders, told }
    }

    /// Waits until it has loaded the library.
    pub fn is_ready(&mut self) {
        self.begin(&Order::default());
        self.report();
    }

    pub fn begin(&mut self, order: &Order) {
        let line = serde_json::to_string(order).unwrap() + "\n";
        self.orders.as_mut().unwrap().write_all(line.as_bytes()).unwrap();
    }

    pub fn report(&mut self) -> Report {
        let told = self.told.by_ref().map_while(Result::ok);
        let line = told.into_iter().find_map(|line| line.split_once("told: ").map(|(_, report)| report.to_owned()));
        serde_json::from_str(&line.expect("the process goes on until it is told to end")).unwrap()
    }

    /// One call of a function, and its reply.
    pub fn ask(&mut self, function: &str, request: &Value) -> Value {
        self.begin(&Order { function: function.to_owned(), ..Order::call(request.clone()) });
        self.report().reply
    }

    /// A call that must succeed.
    #[track_caller]
    pub fn call(&mut self, request: &Value) -> Value {
        let reply = self.ask("rpa_call", request);
        assert_eq!(reply["code"], 0, "{reply}");
        reply
    }

    /// What `rpa_sign` says, which must succeed.
    #[track_caller]
    pub fn sign(&mut self, request: &Value) -> Value {
        let reply = self.ask("rpa_sign", request);
        assert_eq!(reply["code"], 0, "{reply}");
        reply["result"].clone()
    }

    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status();
        assert!(sent.unwrap().success());
    }

    /// SIGKILL.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.orders.take());
        // One that is in the middle of something, or frozen, is not waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
