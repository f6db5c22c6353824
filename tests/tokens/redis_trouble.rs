//! Redis is stopped, frozen, restarted empty and made read-only while processes call: none of their calls fails, and none
//! takes long.

use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::center::Center;
use crate::orders::{Order, Report};
use crate::place::start_redis;
use crate::process::Process;
use crate::redis::Redis;
use crate::{alone, long_or};

type Change = fn(&mut Redis);

/// What is done to Redis, and how it is undone.
const TROUBLES: [(&str, Change, Change); 4] = [
    ("stopped", Redis::stop, Redis::restart),
    ("frozen", |redis| redis.signal("STOP"), |redis| redis.signal("CONT")),
    ("restarted empty", Redis::restart, |_| {}),
    (
        "read-only",
        |redis| drop(redis.cli(&["replicaof", "127.0.0.1", "1"])),
        |redis| {
            drop(redis.cli(&["replicaof", "no", "one"]));
        },
    ),
];

/// All at once, while something is done; the longest call of all.
fn under_load(processes: &mut [Process], order: &Order, meanwhile: impl FnOnce()) -> Duration {
    processes.iter_mut().for_each(|process| process.begin(order));
    thread::sleep(Duration::from_millis(order.millis / 4));
    meanwhile();
    let longest = |report: Report| {
        assert_eq!(report.failed, 0, "{:?}", report.failures);
        assert!(report.calls > 10, "{} calls", report.calls);
        report.longest_us
    };
    let all = processes.iter_mut().map(|process| longest(process.report()));
    Duration::from_micros(all.max().unwrap())
}

#[test]
fn no_call_fails_and_none_takes_long() {
    let _alone = alone();
    let Some(mut redis) = start_redis(&[]) else { return };
    // The token is renewed every 800 ms.
    let center = Center::start(&["--token-ttl", "1"]);
    let request = center.request(&json!({ "redis": redis.url() }));
    let order = Order { threads: 4, millis: long_or(1_200, 10_000), pause_millis: 20, ..Order::call(request.clone()) };
    let mut processes = [(); 2].map(|()| Process::start());
    processes.iter_mut().for_each(Process::is_ready);
    // The first calls of all build connections; they are not normal.
    under_load(&mut processes, &Order { millis: 200, ..order.clone() }, || {});
    let normal = under_load(&mut processes, &order, || {});
    println!("normal: {normal:?} at most");
    for (name, change, undo) in TROUBLES {
        let longest = under_load(&mut processes, &order, || change(&mut redis));
        println!("{name}: {longest:?} at most");
        assert!(longest < normal + Duration::from_millis(600), "{name}: {longest:?}, normally {normal:?}");
        undo(&mut redis);
        // They come back by themselves: both have the same token again.
        let mut seen = Vec::new();
        for _ in 0..40 {
            thread::sleep(Duration::from_millis(150));
            seen = processes.iter_mut().map(|process| process.sign(&request)).collect();
            if seen.iter().all(|sign| sign["token"]["store_trouble"].is_null())
                && seen[0]["headers"]["accesstoken"] == seen[1]["headers"]["accesstoken"]
            {
                break;
            }
        }
        assert_eq!(seen[0]["headers"]["accesstoken"], seen[1]["headers"]["accesstoken"], "after {name}: {seen:?}");
    }
}

#[test]
fn the_first_call_of_a_process_while_redis_is_frozen_or_gone() {
    let _alone = alone();
    let Some(mut redis) = start_redis(&[]) else { return };
    let center = Center::start(&[]);
    let request = center.request(&json!({ "redis": redis.url() }));
    let first_call = || {
        let mut process = Process::start();
        process.is_ready();
        process.begin(&Order::call(request.clone()));
        let report = process.report();
        assert_eq!(report.failed, 0, "{:?}", report.failures);
        Duration::from_micros(report.longest_us)
    };
    let normal = first_call();
    redis.signal("STOP");
    let frozen = first_call();
    redis.stop();
    let gone = first_call();
    println!("first call: {normal:?}, while Redis is frozen {frozen:?}, while it is gone {gone:?}");
    assert!(frozen < normal + Duration::from_millis(600) && gone < normal + Duration::from_millis(600));
}

#[test]
fn a_call_keeps_its_own_limit_while_redis_is_frozen() {
    let _alone = alone();
    let Some(redis) = start_redis(&[]) else { return };
    let center = Center::start(&[]);
    let request = center.with(&json!({ "redis": redis.url() }), json!({ "timeout_ms": 300 }));
    redis.signal("STOP");
    let mut process = Process::start();
    process.is_ready();
    process.begin(&Order::call(request));
    let report = process.report();
    println!("first call with a limit of 300 ms, while Redis is frozen: {} us", report.longest_us);
    assert_eq!(report.failed, 0, "half of its time is left for the call: {:?}", report.failures);
    assert!(report.longest_us < 400_000, "{} us", report.longest_us);
}
