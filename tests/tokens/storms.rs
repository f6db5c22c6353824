//! Many processes and one token at a time, while something goes wrong: no refusal reaches a caller.

use std::fs;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::in_company;
use crate::orders::Order;
use crate::place::{Folder, start_redis};
use crate::process::Process;
use crate::single_center::SingleCenter;

const HOURS: Duration = Duration::from_secs(7_200);

/// So many processes of two threads call for so long, while something happens. None of their calls fails.
fn storm(center: &SingleCenter, processes: usize, store: &Value, millis: u64, meanwhile: impl FnOnce()) -> u64 {
    let mut processes: Vec<_> = (0..processes).map(|_| Process::start()).collect();
    processes.iter_mut().for_each(Process::is_ready);
    let order = Order { threads: 2, millis, pause_millis: 10, ..Order::call(center.request(store, json!({}))) };
    processes.iter_mut().for_each(|process| process.begin(&order));
    thread::sleep(Duration::from_millis(millis / 4));
    meanwhile();
    let mut calls = 0;
    for process in &mut processes {
        let report = process.report();
        assert_eq!(report.failed, 0, "of {} calls: {:?}", report.calls, report.failures);
        calls += report.calls;
    }
    println!("{calls} calls, {} token requests", center.asked());
    calls
}

#[test]
fn an_api_without_rights_keeps_no_other_from_healing() {
    let _company = in_company();
    let center = SingleCenter::start(HOURS, Some(7_200.0));
    let mut process = Process::start();
    let [denied, ok] = ["/denied", "/ok"].map(|path| center.request(&json!("memory"), json!({ "rest_type": path })));
    for _ in 0..5 {
        for _ in 0..3 {
            assert_eq!(process.ask("rpa_call", &denied)["code"], 401, "as it came");
            process.call(&ok);
        }
        center.evict();
        // Evicted a second time at once.
        process.call(&ok);
        center.evict();
        process.call(&ok);
    }
    // One for the process, one that the first refusal cost, and one for each eviction.
    assert!(center.asked() <= 2 + 10, "{}", center.asked());
}

#[test]
fn parties_that_evict_each_other_both_get_their_work_done() {
    let _company = in_company();
    let center = SingleCenter::start(HOURS, Some(7_200.0));
    let calls = storm(&center, 3, &json!("memory"), 4_000, || {});
    // Not a token for each call.
    assert!(center.asked() as u64 * 2 < calls, "{} tokens for {calls} calls", center.asked());
}

#[test]
fn what_cannot_be_healed_says_why() {
    let _company = in_company();
    let center = SingleCenter::start(HOURS, Some(7_200.0));
    let mut process = Process::start();
    let request = center.request(&json!("memory"), json!({ "timeout_ms": 1_500 }));
    process.call(&request);
    // From now on all tokens are ended as soon as they are given.
    center.live(Duration::ZERO);
    center.evict();
    let told = process.ask("rpa_call", &request);
    let error = &told["error"];
    assert_eq!(
        (&told["code"], &error["kind"], &error["delivered"]),
        (&json!(40), &json!("response"), &json!("yes")),
        "{told}"
    );
    assert!(told["msg"].as_str().unwrap().contains("共用一个token_store"), "{told}");
    assert!(error["detail"].as_str().unwrap().contains("something else gets tokens"), "{told}");
    assert_eq!((&error["http_status"], &error["token"]["refusal"]), (&json!(401), &json!("eviction")), "{told}");
    // And the next one is none the worse for it.
    center.live(HOURS);
    process.call(&center.request(&json!("memory"), json!({})));
}

#[test]
fn redis_password_is_another_for_a_while() {
    let _company = in_company();
    let Some(redis) = start_redis(&["--requirepass", "one"]) else { return };
    let center = SingleCenter::start(Duration::from_secs(1), Some(1.0));
    let store = json!({ "redis": format!("redis://:one@127.0.0.1:{}/0", redis.port) });
    let password = |of, to| {
        redis.cli(&["-a", of, "config", "set", "requirepass", to]);
        redis.cli(&["-a", to, "client", "kill", "type", "normal"]);
    };
    storm(&center, 3, &store, 4_000, || {
        password("one", "two");
        thread::sleep(Duration::from_millis(1_500));
        password("two", "one");
    });
}

#[test]
fn redis_restarts_three_times() {
    let _company = in_company();
    let Some(mut redis) = start_redis(&[]) else { return };
    let center = SingleCenter::start(Duration::from_secs(1), Some(1.0));
    let store = json!({ "redis": redis.url() });
    storm(&center, 3, &store, 4_000, || {
        for _ in 0..3 {
            redis.stop();
            thread::sleep(Duration::from_millis(300));
            redis.restart();
            thread::sleep(Duration::from_millis(400));
        }
    });
}

#[test]
fn the_file_cannot_be_written_for_a_while() {
    let _company = in_company();
    let folder = Folder::new();
    let center = SingleCenter::start(Duration::from_secs(1), Some(1.0));
    let (place, aside) = (folder.path("tokens"), folder.path("aside"));
    fs::create_dir(&place).unwrap();
    storm(&center, 3, &json!({ "file": place.join("token.json") }), 4_000, || {
        // Even for one who may write everywhere.
        fs::rename(&place, &aside).unwrap();
        fs::write(&place, "").unwrap();
        thread::sleep(Duration::from_millis(1_500));
        fs::remove_file(&place).unwrap();
        fs::rename(&aside, &place).unwrap();
    });
}

#[test]
fn tokens_that_simply_expire_are_no_evictions() {
    let _company = in_company();
    let life = Duration::from_millis(1_200);
    // Not told, and in milliseconds, which would be 20 minutes.
    for told in [None, Some(1_200.0)] {
        let center = SingleCenter::start(life, told);
        let request = center.request(&json!("memory"), json!({}));
        let mut process = Process::start();
        process.begin(&Order { millis: 6_000, pause_millis: 20, ..Order::call(request.clone()) });
        let report = process.report();
        assert_eq!(report.failed, 0, "{:?}", report.failures);
        let signed = process.sign(&request);
        if told.is_none() {
            assert_eq!(signed["token"]["evictions"], 0, "{signed}");
        }
        assert!(center.asked() >= 4, "{}", center.asked());
    }
}
