//! How long a connection may lie idle and be used again, where the server says it: `Keep-Alive: timeout=20`.
//!
//! A request on a connection that the server is just closing is the one doubt that no check removes: it may have
//! arrived. Who stops before the server does leaves no room for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The server's limit in milliseconds, shared between a connection and whoever reads the head of its reply.
#[derive(Debug, Clone)]
pub(crate) struct ServersLimit(Arc<AtomicU64>);

impl ServersLimit {
    /// From the value of a Keep-Alive header (RFC 2068, 19.7.1.1), `timeout=20, max=100`. What is not understood
    /// changes nothing.
    pub(crate) fn learn(&self, header: &str) {
        let timeout = header.split(',').find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.trim().eq_ignore_ascii_case("timeout").then(|| value.trim().trim_matches('"').parse::<u64>().ok())?
        });
        if let Some(seconds) = timeout {
            let whole = seconds.saturating_mul(1000);
            // The reply was on its way for a while, and so will be the request.
            self.0.store(whole.saturating_sub(1000).max(whole / 2), Ordering::Relaxed);
        }
    }
}

/// Since when a connection is idle, and for how long it may be.
#[derive(Debug)]
pub(crate) struct Idle {
    since: Instant,
    limit: ServersLimit,
}

impl Idle {
    pub(crate) fn new() -> Idle {
        Idle { since: Instant::now(), limit: ServersLimit(Arc::new(AtomicU64::new(u64::MAX))) }
    }

    pub(crate) fn limit(&self) -> ServersLimit {
        self.limit.clone()
    }

    /// Something came from the server.
    pub(crate) fn begin(&mut self) {
        self.since = Instant::now();
    }

    pub(crate) fn is_over(&self) -> bool {
        self.since.elapsed() >= Duration::from_millis(self.limit.0.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_limit_less_a_margin() {
        for (header, expected) in [
            ("timeout=20, max=100", 19_000),
            ("max=100, Timeout = \"5\"", 4_000),
            ("timeout=1", 500),
            ("timeout=0", 0),
            ("timeout=99999999999999999999", u64::MAX),
            ("timeout=-1", u64::MAX),
            ("timeout", u64::MAX),
            ("", u64::MAX),
        ] {
            let limit = Idle::new().limit();
            limit.learn(header);
            assert_eq!(limit.0.load(Ordering::Relaxed), expected, "{header}");
        }
    }
}
