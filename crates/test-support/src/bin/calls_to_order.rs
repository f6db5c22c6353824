//! Reads orders from stdin, one a line, makes the calls, and writes what came of each.

use std::io::{self, BufRead};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rpa_test_support::harness::Library;
use rpa_test_support::orders::{Order, Report};
use rpa_test_support::programs;
use serde_json::Value;

fn main() {
    let library = programs::library();
    for line in io::stdin().lock().lines() {
        let order: Order = serde_json::from_str(&line.unwrap()).unwrap();
        let report = carry_out(&library, &order);
        println!("{}", serde_json::to_string(&report).unwrap());
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
