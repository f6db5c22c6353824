//! Processes that are killed at random moments while they renew.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::center::Center;
use crate::orders::Order;
use crate::place::{in_file, in_redis};
use crate::process::Process;
use crate::{alone, long_or};

/// Kills so many, one after the other; how long the next calls of another process took each time.
fn kill(store: &Value, number: u64) -> Vec<Duration> {
    let center = Center::start(&["--token-delay-millis", "5"]);
    // By this rule each reply refuses the token: each call gets a new one, and the second reply is handed on as it came.
    let renewing = center.with(store, json!({ "token_refused": { "http_status": [200] } }));
    let mut survivor = Process::start();
    survivor.call(&renewing);
    let one = |_| {
        let mut victim = Process::start();
        victim.is_ready();
        victim.begin(&Order { threads: 2, calls: 1_000_000, ..Order::call(renewing.clone()) });
        thread::sleep(Duration::from_micros(fastrand::u64(..60_000)));
        victim.kill();
        let begun = Instant::now();
        // The first call may find a newer token than its own in the store. For the second it must ask itself.
        survivor.call(&renewing);
        survivor.call(&renewing);
        let took = begun.elapsed();
        // A store that was damaged would be as good as empty.
        let held = Process::start().sign(&center.request(store))["token"].clone();
        assert_eq!(held["source"], "store", "{held}");
        assert!(held["store_trouble"].is_null(), "{held}");
        took
    };
    (0..number).map(one).collect()
}

/// Several control centers at once, since each waits most of the time.
fn killed_while_renewing(store: &Value, centers: u64, number: u64) {
    let _alone = alone();
    let mut took: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..centers).map(|_| scope.spawn(|| kill(store, number / centers))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    took.sort_unstable();
    let (median, longest) = (took[took.len() / 2], took[took.len() - 1]);
    println!("after {} kills the next two calls took {median:?} in the median, {longest:?} at most", took.len());
    assert!(longest < Duration::from_secs(2), "{took:?}");
}

#[test]
fn with_a_file() {
    in_file(|store| killed_while_renewing(store, 2, long_or(30, 500)));
}

#[test]
fn with_redis() {
    in_redis(|store| killed_while_renewing(store, 4, long_or(12, 500)));
}
