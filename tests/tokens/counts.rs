//! How often the control center is asked for a token, however many call at once.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::center::Center;
use crate::orders::Order;
use crate::place::{in_file, in_redis};
use crate::process::Process;
use crate::{alone, in_company, long_or};

fn ready(number: usize) -> Vec<Process> {
    let mut processes: Vec<_> = (0..number).map(|_| Process::start()).collect();
    processes.iter_mut().for_each(Process::is_ready);
    processes
}

/// All carry out the same order at once, and none of their calls fails. How many there were, and how long it took.
fn at_once(processes: &mut [Process], order: &Order) -> (u64, Duration) {
    let begun = Instant::now();
    processes.iter_mut().for_each(|process| process.begin(order));
    let mut calls = 0;
    for process in processes {
        let report = process.report();
        assert_eq!(report.failed, 0, "{:?}", report.failures);
        calls += report.calls;
    }
    (calls, begun.elapsed())
}

fn many_calls(store: &Value) {
    let _alone = alone();
    let center = Center::start(&[]);
    let calls = long_or(1_600, 20_000);
    let order = Order { threads: 8, calls: calls / 16, ..Order::call(center.request(store)) };
    let (made, took) = at_once(&mut ready(16), &order);
    assert_eq!((made, center.refusals()), (calls, 0));
    assert_eq!(center.token_requests(), 1);
    println!("{made} calls of 16 processes of 8 threads in {took:?}: one token request");
}

#[test]
fn sixteen_processes_of_eight_threads_and_a_file() {
    in_file(many_calls);
}

#[test]
fn sixteen_processes_of_eight_threads_and_redis() {
    in_redis(many_calls);
}

fn short_lifetimes(store: &Value) {
    const LIFETIME: Duration = Duration::from_secs(2);
    let _company = in_company();
    let center = Center::start(&["--token-ttl", "2"]);
    let millis = long_or(4_000, 60_000);
    let order = Order { threads: 8, millis, pause_millis: 100, ..Order::call(center.request(store)) };
    let (made, took) = at_once(&mut ready(long_or(4, 16)), &order);
    // Renewed when a fifth is left.
    let (least, most) = (took.div_duration_f64(LIFETIME), 1.0 + took.div_duration_f64(LIFETIME * 4 / 5));
    let asked = center.token_requests();
    println!("{made} calls in {took:?}: {asked} token requests, of at most {most:.1}; {} refusals", center.refusals());
    assert!((least.floor()..=most).contains(&(asked as f64)), "{asked} token requests in {took:?}");
}

#[test]
fn a_lifetime_of_two_seconds_and_a_file() {
    in_file(short_lifetimes);
}

#[test]
fn a_lifetime_of_two_seconds_and_redis() {
    in_redis(short_lifetimes);
}

fn all_at_the_same_moment(store: &Value) {
    let _alone = alone();
    let center = Center::start(&[]);
    let (_, took) = at_once(&mut ready(200), &Order::call(center.request(store)));
    assert_eq!((center.token_requests(), center.refusals()), (1, 0));
    println!("200 processes got one token in {took:?}");
}

#[test]
fn two_hundred_processes_at_the_same_moment_and_a_file() {
    in_file(all_at_the_same_moment);
}

#[test]
fn two_hundred_processes_at_the_same_moment_and_redis() {
    in_redis(all_at_the_same_moment);
}
