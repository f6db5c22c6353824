//! What a reply says, and when it came.

use std::time::{Duration, Instant};

use serde_json::Value;

/// Code, kind, delivered and attempts of an error.
pub fn facts(reply: &Value) -> (u64, &str, &str, u64) {
    let error = &reply["error"];
    let text = |name: &str| error[name].as_str().unwrap_or_else(|| panic!("{reply}"));
    (reply["code"].as_u64().unwrap(), text("kind"), text("delivered"), error["attempts"].as_u64().unwrap())
}

/// Runs a call that must end at its limit, and not 100 ms later. A machine that is busy with something else may be late
/// once; a limit that does not hold is late each time.
#[track_caller]
pub fn ends_at(limit: Duration, call: impl Fn() -> Value) -> Value {
    let mut took = Duration::ZERO;
    for _ in 0..5 {
        let started = Instant::now();
        let reply = call();
        took = started.elapsed();
        assert!(took >= limit, "ended after {took:?}, before its limit: {reply}");
        if took < limit + Duration::from_millis(100) {
            return reply;
        }
    }
    panic!("took {took:?} each time, with a limit of {limit:?}");
}
