//! What a test has a process of its own call, and what came of it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

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
