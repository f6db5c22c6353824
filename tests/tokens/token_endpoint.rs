//! A token endpoint that is slow, hangs, is busy, or cannot be reached by one caller's settings.

use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::harness::Library;
use crate::in_company;
use crate::orders::Order;
use crate::place::Folder;
use crate::process::Process;
use crate::server::{Server, reply};
use crate::single_center::{Endpoint, SingleCenter};

#[test]
fn that_hangs_costs_no_post_while_the_token_works() {
    let _company = in_company();
    let center = SingleCenter::start(Duration::from_secs(10), Some(10.0));
    let request = center.request(&json!("memory"), json!({ "mode": "post", "timeout_ms": 3_000 }));
    let mut process = Process::start();
    process.call(&request);
    center.endpoint(Endpoint::Hangs(Duration::from_secs(15)));
    // Renewed when a fifth of its life is left.
    process.begin(&Order { threads: 2, millis: 9_300, pause_millis: 20, ..Order::call(request) });
    let report = process.report();
    assert_eq!(report.failed, 0, "{:?}", report.failures);
    assert_eq!(center.asked(), 2, "one request is on its way");
}

#[test]
fn that_is_slow_is_asked_once_for_each_token() {
    let _company = in_company();
    for delay in [600, 1_500] {
        let folder = Folder::new();
        let center = SingleCenter::start(Duration::from_secs(4), Some(4.0));
        center.endpoint(Endpoint::Gives(Duration::from_millis(delay)));
        let request = center.request(&folder.store(), json!({}));
        let mut processes = [(); 2].map(|()| Process::start());
        processes.iter_mut().for_each(Process::is_ready);
        let order = Order { threads: 2, millis: 9_000, pause_millis: 20, ..Order::call(request.clone()) };
        processes.iter_mut().for_each(|process| process.begin(&order));
        for process in &mut processes {
            let report = process.report();
            assert_eq!(report.failed, 0, "{:?}", report.failures);
        }
        // Each lives at least for four fifths of its time, but for what its own delay takes.
        assert!((2..=5).contains(&center.asked()), "{delay} ms: {}", center.asked());
        for process in &mut processes {
            let signed = process.sign(&request);
            assert_eq!(signed["token"]["evictions"], 0, "nobody else is accused: {signed}");
        }
    }
}

#[test]
fn what_it_gives_late_is_kept_beyond_the_call_that_asked() {
    let _company = in_company();
    let (center, folder) = (SingleCenter::start(Duration::from_secs(60), Some(60.0)), Folder::new());
    center.endpoint(Endpoint::Gives(Duration::from_millis(800)));
    let mut process = Process::start();
    let told = process.ask("rpa_call", &center.request(&folder.store(), json!({ "timeout_ms": 200 })));
    assert_eq!((&told["error"]["kind"], &told["error"]["delivered"]), (&json!("timeout"), &json!("no")), "{told}");
    process.call(&center.request(&folder.store(), json!({})));
    Process::start().call(&center.request(&folder.store(), json!({})));
    assert_eq!(center.asked(), 1);
}

#[test]
fn that_is_busy_is_left_alone_by_all_until_it_says() {
    let _company = in_company();
    let busy = |body: &str| reply("429 Busy", body).replacen("\r\n", "\r\nRetry-After: 3\r\n", 1);
    for body in [r#"{"code":429,"msg":"busy"}"#, "<html>busy</html>"] {
        for shared in [false, true] {
            let folder = Folder::new();
            let store = if shared { folder.store() } else { json!("memory") };
            let center = SingleCenter::start(Duration::from_secs(60), Some(60.0));
            center.endpoint(Endpoint::Answers(busy(body)));
            let mut processes = [(); 4].map(|()| Process::start());
            processes.iter_mut().for_each(Process::is_ready);
            let hurried = center.request(&store, json!({ "timeout_ms": 1_000 }));
            for process in &mut processes {
                process.begin(&Order { threads: 4, millis: 1_200, pause_millis: 5, ..Order::call(hurried.clone()) });
            }
            for process in &mut processes {
                let report = process.report();
                assert_eq!(report.failed, report.calls);
                assert!(report.longest_us < 2_000_000, "a caller's own limit holds: {} us", report.longest_us);
            }
            let most = if shared { 2 } else { 4 };
            assert!(center.asked() <= most, "{body} {store}: {} requests", center.asked());
            // Once it is well, nothing of that is left.
            center.endpoint(Endpoint::Gives(Duration::ZERO));
            processes[0].call(&center.request(&store, json!({})));
            processes[1].call(&center.request(&store, json!({})));
        }
    }
}

#[test]
fn that_one_caller_cannot_reach_is_reached_by_the_others() {
    let _company = in_company();
    // One answers at once with nothing, the other one never.
    for silence in [Duration::from_millis(300), Duration::from_secs(15)] {
        let dead_proxy = Server::start(move |_| thread::sleep(silence));
        let center = SingleCenter::start(Duration::from_secs(60), Some(60.0));
        let library = Library::load();
        let of = |fields: serde_json::Value| library.json("rpa_call", &center.request(&json!("memory"), fields));
        thread::scope(|scope| {
            let wrong = scope.spawn(|| of(json!({ "proxy": dead_proxy.url(), "retry": 1, "timeout_ms": 4_000 })));
            thread::sleep(Duration::from_millis(50));
            let right: Vec<_> = (0..4).map(|_| scope.spawn(|| of(json!({ "timeout_ms": 10_000 })))).collect();
            for thread in right {
                let told = thread.join().unwrap();
                assert_eq!(told["code"], 0, "{told}");
            }
            let told = wrong.join().unwrap();
            assert_eq!(told["code"], 40, "its own error: {told}");
        });
    }
}
