//! A look at a store, for whoever wants to know whether it can be used: what a call would do there is tried, and what that
//! leaves behind is taken away.

use std::time::{Duration, Instant};

use super::file;
#[cfg(feature = "redis")]
use super::redis;
use crate::request::Place;

/// What was found.
#[derive(Default)]
pub(crate) struct Examined {
    /// Each with its name: `writable`, `locks`, `version`, `latency_us`.
    pub(crate) facts: Vec<(&'static str, String)>,
    /// Why it cannot be used: in English, and in Chinese between the last parentheses.
    pub(crate) trouble: Option<String>,
}

/// Looks at the store of this place. It takes as long as a drive or a server takes to answer.
pub(crate) fn examine(place: &Place, until: Instant) -> Examined {
    let left = until.saturating_duration_since(Instant::now()).min(Duration::from_secs(5));
    match place {
        Place::Memory => Examined::default(),
        Place::File(path) => file::examine::examine(path, Instant::now().checked_add(left).unwrap_or(until)),
        #[cfg(feature = "redis")]
        Place::Redis(server) => redis::examine::examine(server),
        #[cfg(not(feature = "redis"))]
        Place::Redis(_) => Examined::default(),
    }
}
