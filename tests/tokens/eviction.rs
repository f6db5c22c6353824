//! A control center that knows one token at a time, and two groups of processes that call it.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::center::Center;
use crate::orders::Order;
use crate::place::{Folder, start_redis};
use crate::process::Process;
use crate::{in_company, long_or};

/// A call whose reply is a page, so that it is an error, which tells of the token.
fn failing(center: &Center, store: &Value) -> Value {
    let page = json!({ "body": "<html>", "contentType": "text/html" });
    center.with(store, json!({ "rest_type": "/oapi/v1/reply", "data_json": page }))
}

#[test]
fn with_separate_stores_each_eviction_is_healed_and_told() {
    let _company = in_company();
    let center = Center::start(&["--single-token"]);
    let folders = [Folder::new(), Folder::new()];
    let stores = folders.each_ref().map(Folder::store);
    let mut groups = [0, 1].map(|_| [Process::start(), Process::start()]);
    // The groups take turns, and within a group the second process takes over from the first.
    const ROUNDS: usize = 6;
    for round in 0..ROUNDS {
        for (group, store) in groups.iter_mut().zip(&stores) {
            let member = &mut group[round / 3];
            member.call(&center.request(store));
            let held = member.sign(&center.request(store))["token"].clone();
            // Only the first call of each group finds no token that the other one has evicted.
            assert_eq!(held["evictions"], round % 3 + round / 3, "round {round}: {held}");
        }
    }
    let turns = 2 * ROUNDS;
    assert_eq!(center.count("GET /oapi/v1/echo 401"), turns - 2);
    assert_eq!(center.count("GET /oapi/v1/echo 200"), turns, "each was healed within its call");
    assert_eq!(center.count("GET /oapi/v1/token 200"), turns, "by one new token");
    for (group, store) in groups.iter_mut().zip(&stores) {
        let told = group[1].ask("rpa_call", &failing(&center, store))["error"].clone();
        let token = &told["token"];
        assert_eq!([&token["refusal"], &token["source"]], ["eviction", "server"], "{told}");
        assert_eq!((&token["renewed"], &token["evictions"]), (&json!(true), &json!(ROUNDS / 2 + 1)), "{told}");
        assert!(token["age_ms"].as_u64().unwrap() < 5_000, "{told}");
        let detail = told["detail"].as_str().unwrap();
        assert!(detail.contains("4 times within an hour") && detail.contains("`token_store`"), "{detail}");
    }
}

#[test]
fn with_a_shared_redis_there_is_none() {
    let _company = in_company();
    let Some(redis) = start_redis(&[]) else { return };
    let center = Center::start(&["--single-token", "--token-ttl", "2"]);
    let store = json!({ "redis": redis.url() });
    let mut processes = [(); 4].map(|()| Process::start());
    let load = |millis| Order { threads: 2, millis, pause_millis: 20, ..Order::call(center.request(&store)) };
    for millis in [1_000, long_or(4_000, 30_000)] {
        processes.iter_mut().for_each(|process| process.begin(&load(millis)));
        for process in &mut processes {
            let report = process.report();
            assert_eq!(report.failed, 0, "{:?}", report.failures);
        }
    }
    // A token that another of them has renewed is told apart from one that a stranger has evicted.
    for process in &mut processes {
        let held = process.sign(&center.request(&store))["token"].clone();
        assert_eq!(held["evictions"], 0, "{held}");
    }
    let renewed = center.token_requests();
    println!("{renewed} tokens, {} calls refused since another one had renewed", center.refusals());
    assert!(renewed > 2, "{renewed}");
}

#[test]
fn the_token_of_the_store_is_taken_where_it_is_newer() {
    let _company = in_company();
    let (center, folder) = (Center::start(&["--single-token"]), Folder::new());
    let store = folder.store();
    let (mut late, mut early) = (Process::start(), Process::start());
    late.call(&center.request(&store));
    // By this rule the call gets a new token, which evicts the other process's.
    early.call(&center.with(&store, json!({ "token_refused": { "http_status": [200] } })));
    assert_eq!(center.token_requests(), 2);
    let told = late.ask("rpa_call", &failing(&center, &store))["error"].clone();
    let token = &told["token"];
    assert_eq!([&token["refusal"], &token["source"]], ["renewed", "store"], "{told}");
    assert_eq!((&token["renewed"], &token["evictions"]), (&json!(false), &json!(0)), "{told}");
    assert_eq!((center.token_requests(), center.refusals()), (2, 1), "no token was fetched");
}

#[test]
fn an_expiry_is_told_as_one() {
    let _company = in_company();
    // This shape tells no lifetime.
    let center = Center::start(&["--token-ttl", "0.3", "--token-shape", "array"]);
    let mut process = Process::start();
    let with = |mut request: Value| {
        request["token_ttl_ms"] = 2_000.into();
        request
    };
    process.call(&with(center.request(&json!("memory"))));
    thread::sleep(Duration::from_millis(400));
    let told = process.ask("rpa_call", &with(failing(&center, &json!("memory"))))["error"].clone();
    assert_eq!(told["token"]["refusal"], "expiry", "within the two seconds by which clocks may differ: {told}");
}

#[test]
fn what_the_store_holds_may_be_evicted_as_well() {
    let _company = in_company();
    let center = Center::start(&["--single-token"]);
    let folders = [Folder::new(), Folder::new()];
    let mut groups = [0, 1].map(|_| [Process::start(), Process::start()]);
    // Within a group, too, they take turns: each finds a token in the store that is newer than its own, and evicted.
    for round in 0..6 {
        for (group, folder) in groups.iter_mut().zip(&folders) {
            group[round % 2].call(&center.request(&folder.store()));
        }
    }
    // One refusal each in the first two rounds, two in the others.
    assert_eq!(center.count("GET /oapi/v1/echo 401"), 2 + 4 * 4);
    assert_eq!((center.count("GET /oapi/v1/echo 200"), center.token_requests()), (12, 12));
    let held = groups[0][1].sign(&center.request(&folders[0].store()))["token"].clone();
    assert_eq!(held["evictions"], 3, "{held}");
}
