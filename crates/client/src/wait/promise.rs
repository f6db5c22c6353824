//! An answer that another thread gives, in time or not: what all waiting for other threads is made of.
//!
//! A channel of the standard library would do, but is 7 KB of code for each type that goes through it.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::basics::locks::lock;

enum State<T> {
    Awaited,
    Given(T),
    /// Taken, or its giver has gone without giving any.
    Gone,
}

struct Shared<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

/// Where the answer is put.
pub(crate) struct Giver<T>(Arc<Shared<T>>);

/// Where it is waited for.
pub(crate) struct Taker<T>(Arc<Shared<T>>);

pub(crate) fn promise<T>() -> (Giver<T>, Taker<T>) {
    let shared = Arc::new(Shared { state: Mutex::new(State::Awaited), changed: Condvar::new() });
    (Giver(shared.clone()), Taker(shared))
}

impl<T> Shared<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        lock(&self.state)
    }
}

impl<T> Giver<T> {
    pub(crate) fn give(self, answer: T) {
        *self.0.state() = State::Given(answer);
    }
}

impl<T> Drop for Giver<T> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        if matches!(*state, State::Awaited) {
            *state = State::Gone;
        }
        drop(state);
        self.0.changed.notify_all();
    }
}

/// There never will be an answer: who had to give it has gone.
pub(crate) struct Lost;

impl<T> Taker<T> {
    /// The answer, once; `None` if it does not come within `limit`, or never will.
    pub(crate) fn take(&self, limit: Duration) -> Option<T> {
        let mut state = self.after(limit);
        match std::mem::replace(&mut *state, State::Gone) {
            State::Given(answer) => Some(answer),
            State::Awaited => {
                *state = State::Awaited;
                None
            }
            State::Gone => None,
        }
    }

    /// The answer, for each of several who wait for it; `None` if it does not come within `limit`.
    pub(crate) fn share(&self, limit: Duration) -> Result<Option<T>, Lost>
    where
        T: Clone,
    {
        match &*self.after(limit) {
            State::Given(answer) => Ok(Some(answer.clone())),
            State::Awaited => Ok(None),
            State::Gone => Err(Lost),
        }
    }

    /// The state once there is an answer, or after `limit`.
    fn after(&self, limit: Duration) -> MutexGuard<'_, State<T>> {
        let awaited = |state: &mut State<T>| matches!(state, State::Awaited);
        let waited = self.0.changed.wait_timeout_while(self.0.state(), limit, awaited);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    const NOW: Duration = Duration::ZERO;
    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn an_answer_comes_once_also_after_its_time() {
        let (giver, taker) = promise();
        assert_eq!(taker.take(NOW), None);
        giver.give(7);
        assert_eq!(taker.take(NOW), Some(7));
        assert_eq!(taker.take(MINUTE), None, "there is no other to wait for");
    }

    #[test]
    fn nobody_waits_for_a_giver_that_has_gone() {
        let (giver, taker) = promise::<u8>();
        let gone = thread::spawn(move || {
            let _giver = giver;
            panic!("on purpose");
        });
        assert_eq!(taker.take(MINUTE), None);
        assert!(gone.join().is_err());
        let (giver, taker) = promise();
        drop(taker);
        giver.give("to nobody");
    }
}
