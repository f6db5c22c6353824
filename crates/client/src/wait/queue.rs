//! Orders that wait for one thread, which ends with the last of those who give them.
//!
//! A channel of the standard library would do, but is 12 KB of code.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::basics::locks::lock;

struct State<T> {
    waiting: VecDeque<T>,
    givers: usize,
    has_taker: bool,
}

struct Shared<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

/// Where orders are given; each clone counts.
pub(crate) struct Giver<T>(Arc<Shared<T>>);

/// Where they are taken, in their order.
pub(crate) struct Taker<T>(Arc<Shared<T>>);

/// Nobody takes orders any more.
pub(crate) struct Closed;

/// Why no order was taken.
#[derive(Debug, PartialEq)]
pub(crate) enum Nothing {
    InTime,
    /// All that could give one have gone.
    EverMore,
}

pub(crate) fn queue<T>() -> (Giver<T>, Taker<T>) {
    let state = State { waiting: VecDeque::new(), givers: 1, has_taker: true };
    let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
    (Giver(shared.clone()), Taker(shared))
}

impl<T> Shared<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        lock(&self.state)
    }
}

impl<T> Giver<T> {
    pub(crate) fn give(&self, order: T) -> Result<(), Closed> {
        let mut state = self.0.state();
        if !state.has_taker {
            return Err(Closed);
        }
        state.waiting.push_back(order);
        drop(state);
        self.0.changed.notify_one();
        Ok(())
    }
}

impl<T> Clone for Giver<T> {
    fn clone(&self) -> Self {
        self.0.state().givers += 1;
        Giver(self.0.clone())
    }
}

impl<T> Drop for Giver<T> {
    fn drop(&mut self) {
        self.0.state().givers -= 1;
        self.0.changed.notify_one();
    }
}

impl<T> Taker<T> {
    /// The next order. Without a limit it is waited for as long as somebody could give one.
    pub(crate) fn take(&self, limit: Option<Duration>) -> Result<T, Nothing> {
        let idle = |state: &mut State<T>| state.waiting.is_empty() && state.givers > 0;
        let (state, changed) = (self.0.state(), &self.0.changed);
        let mut state = match limit {
            None => changed.wait_while(state, idle).unwrap_or_else(PoisonError::into_inner),
            Some(limit) => changed.wait_timeout_while(state, limit, idle).unwrap_or_else(PoisonError::into_inner).0,
        };
        match state.waiting.pop_front() {
            Some(order) => Ok(order),
            None if state.givers == 0 => Err(Nothing::EverMore),
            None => Err(Nothing::InTime),
        }
    }
}

impl<T> Drop for Taker<T> {
    fn drop(&mut self) {
        let left = {
            let mut state = self.0.state();
            state.has_taker = false;
            std::mem::take(&mut state.waiting)
        };
        // Whoever waits for one of these learns that nobody does it. Not under the lock: one may give an order as it goes.
        drop(left);
    }
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::Instant;

    use super::*;

    const NOW: Option<Duration> = Some(Duration::ZERO);
    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn orders_come_in_their_order_and_end_with_those_who_give_them() {
        let (giver, taker) = queue();
        assert_eq!(taker.take(NOW), Err(Nothing::InTime));
        let other = giver.clone();
        assert!(giver.give(1).is_ok() && other.give(2).is_ok());
        drop(giver);
        assert_eq!((taker.take(None), taker.take(NOW), taker.take(NOW)), (Ok(1), Ok(2), Err(Nothing::InTime)));
        let waits = thread::spawn(move || {
            let begun = Instant::now();
            (taker.take(None), taker.take(Some(MINUTE)), begun.elapsed())
        });
        assert!(other.give(3).is_ok());
        // It waits by then, if the machine is not too busy.
        thread::sleep(Duration::from_millis(100));
        drop(other);
        let (order, end, waited) = waits.join().unwrap();
        assert_eq!((order, end), (Ok(3), Err(Nothing::EverMore)));
        assert!(waited < MINUTE / 2, "it was not woken: {waited:?}");
    }

    #[test]
    fn no_order_is_left_with_a_taker_that_has_gone() {
        /// Holds who gave it, as a lease does.
        struct Order(#[expect(dead_code)] Arc<()>, #[expect(dead_code)] Giver<Order>);
        let (giver, taker) = queue();
        let (order, kept) = (Arc::new(()), Arc::new(()));
        assert!(giver.give(Order(order.clone(), giver.clone())).is_ok());
        drop(taker);
        assert_eq!(Arc::strong_count(&order), 1);
        assert!(giver.give(Order(kept.clone(), giver.clone())).is_err());
        assert_eq!(Arc::strong_count(&kept), 1);
    }
}
