//! A process that is frozen or slow while it asks for a token.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::center::Center;
use crate::in_company;
use crate::orders::Order;
use crate::place::{Folder, start_redis};
use crate::process::Process;

#[test]
fn a_reply_that_is_three_seconds_late_replaces_nothing() {
    let _company = in_company();
    let Some(redis) = start_redis(&[]) else { return };
    let center = Center::start(&["--single-token", "--token-delay-millis", "3000"]);
    let request = center.request(&json!({ "redis": redis.url() }));
    let (mut slow, mut quick, mut third) = (Process::start(), Process::start(), Process::start());
    quick.is_ready();
    slow.is_ready();
    slow.begin(&Order::call(request.clone()));
    thread::sleep(Duration::from_millis(500));
    // Nobody renews its lease now.
    slow.signal("STOP");
    quick.call(&request);
    slow.signal("CONT");
    let report = slow.report();
    assert_eq!(report.failed, 0, "{:?}", report.failures);
    // The first token was evicted by the second one, so that whoever called with it would have been refused.
    assert_eq!((center.token_requests(), center.refusals()), (2, 0));
    let held = third.sign(&request);
    assert_eq!(held["token"]["source"], "store");
    for process in [&mut slow, &mut quick] {
        assert_eq!(process.sign(&request)["headers"]["accesstoken"], held["headers"]["accesstoken"]);
    }
}

#[test]
fn the_others_wait_within_their_own_limits() {
    let _company = in_company();
    let (center, folder) = (Center::start(&["--token-delay-millis", "1500"]), Folder::new());
    let store = folder.store();
    let (mut slow, mut hurried, mut patient) = (Process::start(), Process::start(), Process::start());
    [&mut slow, &mut hurried, &mut patient].into_iter().for_each(Process::is_ready);
    slow.begin(&Order::call(center.request(&store)));
    thread::sleep(Duration::from_millis(300));
    patient.begin(&Order::call(center.request(&store)));
    let begun = Instant::now();
    let told = hurried.ask("rpa_call", &center.with(&store, json!({ "timeout_ms": 500 })));
    let took = begun.elapsed();
    assert_eq!([&told["error"]["kind"], &told["error"]["delivered"]], ["timeout", "no"], "{told}");
    assert!((500..900).contains(&took.as_millis()), "{took:?}");
    for mut process in [slow, patient] {
        let report = process.report();
        assert_eq!(report.failed, 0, "{:?}", report.failures);
    }
    assert_eq!(center.token_requests(), 1);
}

#[test]
fn one_that_dies_while_it_asks_is_followed_at_once() {
    let _company = in_company();
    let (center, folder) = (Center::start(&["--token-delay-millis", "400"]), Folder::new());
    let request = center.request(&folder.store());
    let (mut dying, mut next) = (Process::start(), Process::start());
    [&mut dying, &mut next].into_iter().for_each(Process::is_ready);
    dying.begin(&Order::call(request.clone()));
    thread::sleep(Duration::from_millis(150));
    next.begin(&Order::call(request));
    thread::sleep(Duration::from_millis(50));
    let begun = Instant::now();
    dying.kill();
    let report = next.report();
    assert_eq!(report.failed, 0, "{:?}", report.failures);
    // Half a second would be enough; its own token takes most of that.
    assert!((400..1200).contains(&begun.elapsed().as_millis()), "{:?}", begun.elapsed());
}
