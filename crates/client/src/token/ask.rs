//! What a call needs, what is asked of the control center for it, and what comes of that.

use std::cell::Cell;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::clock::Observed;
use crate::error::Error;
use rpa_signing::Secret;

/// A store that is slow or lost takes so much of a call's time in all, and at most half of what it has.
const STORES_SHARE: Duration = Duration::from_millis(500);
/// Who answers within this is not slow: to wait for another process's token takes many looks.
const QUICK: Duration = Duration::from_millis(20);

/// What a call needs.
pub(crate) struct Need<'a> {
    pub(super) ask: &'a Ask<'a>,
    pub(super) deadline: Instant,
    /// How long a token lives where the server's reply does not tell it.
    pub(super) lifetime: Option<Duration>,
    stores_share: Cell<Duration>,
}

impl<'a> Need<'a> {
    pub(crate) fn new(ask: &'a Ask<'a>, deadline: Instant, lifetime: Option<Duration>) -> Need<'a> {
        let left = deadline.saturating_duration_since(Instant::now());
        Need { ask, deadline, lifetime, stores_share: Cell::new(STORES_SHARE.min(left.div_f64(2.0))) }
    }

    /// Lets the store work, for as long as it may; `None` if it has used up its share, or the call its time.
    pub(super) fn of_store<T>(&self, work: impl FnOnce(Duration) -> T) -> Option<T> {
        let share = self.stores_share.get();
        let begun = Instant::now();
        // A store that stalls late must not put off the end of the call.
        let limit = share.min(self.deadline.saturating_duration_since(begun));
        let result = (!limit.is_zero()).then(|| work(limit));
        self.stores_share.set(share.saturating_sub(begun.elapsed().saturating_sub(QUICK)));
        result
    }
}

/// How to ask for a token.
pub(crate) enum By {
    Refresh(Secret),
    Keys,
}

/// The control center's JSON.
pub(crate) struct Reply {
    pub(crate) text: Zeroizing<Vec<u8>>,
    pub(crate) status: u16,
    pub(crate) observed: Option<Observed>,
}

/// Asks the control center, before the deadline.
pub(crate) type Ask<'a> = dyn Fn(&By, Instant) -> Result<Reply, Error> + 'a;

/// Why there is no token.
#[derive(Clone)]
pub(crate) enum Failure {
    Error(Error),
    /// The control center refuses the keys: its own JSON.
    Refused(Vec<u8>),
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn a_slow_store_uses_up_its_share_and_a_quick_one_never_does() {
        let ask = |_: &By, _| unreachable!();
        let need = |seconds| Need::new(&ask, Instant::now() + Duration::from_secs(seconds), None);
        let slow = need(60);
        let mut limits = Vec::new();
        while slow
            .of_store(|limit| {
                limits.push(limit);
                thread::sleep(Duration::from_millis(200))
            })
            .is_some()
        {}
        assert_eq!(limits[0], STORES_SHARE);
        assert_eq!(limits.len(), 3, "{limits:?}");
        let quick = need(60);
        for _ in 0..10_000 {
            assert!(quick.of_store(|_| ()).is_some());
        }
        assert!(quick.stores_share.get() > STORES_SHARE / 2);
        assert!(need(0).of_store(|_| ()).is_none(), "a call whose time is up");
    }

    #[test]
    fn a_store_that_is_asked_late_has_what_is_left_of_the_call() {
        let ask = |_: &By, _| unreachable!();
        let need = Need::new(&ask, Instant::now() + Duration::from_millis(300), None);
        assert!(need.of_store(|limit| limit).unwrap() > Duration::from_millis(100));
        thread::sleep(Duration::from_millis(250));
        let late = need.of_store(|limit| limit);
        assert!(late.is_none_or(|limit| limit <= Duration::from_millis(50)), "{late:?}");
        thread::sleep(Duration::from_millis(60));
        assert!(need.of_store(|_| ()).is_none());
    }
}
