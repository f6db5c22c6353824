//! Locks that outlive a panic, and values that do not outlive a fork.

use std::process;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Locks, also after a thread panicked while it had the lock: who uses this leaves nothing half done under its locks.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until somebody says that something has changed, or until so much time has passed.
pub(crate) fn wait<'g, T>(changed: &Condvar, guard: MutexGuard<'g, T>, limit: Duration) -> MutexGuard<'g, T> {
    changed.wait_timeout(guard, limit).unwrap_or_else(PoisonError::into_inner).0
}

/// A value of this process. A process that was forked begins with a new one: the threads that its parent's value counts
/// on do not exist there, and may have held its locks when the process was forked.
pub(crate) struct PerProcess<T>(Mutex<Option<(u32, T)>>);

impl<T> PerProcess<T> {
    pub(crate) const fn new() -> PerProcess<T> {
        PerProcess(Mutex::new(None))
    }

    /// Works with the value, which is made where this process has none.
    pub(crate) fn with<R>(&self, make: impl FnOnce() -> T, work: impl FnOnce(&mut T) -> R) -> R {
        self.within(process::id(), make, work)
    }

    /// The same for who knows the process' number: the system is asked for it at each call.
    pub(crate) fn within<R>(&self, process: u32, make: impl FnOnce() -> T, work: impl FnOnce(&mut T) -> R) -> R {
        let mut kept = lock(&self.0);
        match kept.take() {
            Some((owner, value)) if owner == process => *kept = Some((process, value)),
            other => {
                // Dropping the parent's value might wait for its threads.
                std::mem::forget(other);
                *kept = Some((process, make()));
            }
        }
        let (_, value) = kept.as_mut().expect("it was put there just now");
        work(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_value_is_made_once_and_anew_in_a_process_that_was_forked() {
        let value = PerProcess::new();
        let count = |value: &PerProcess<u32>| {
            value.with(
                || 0,
                |count| {
                    *count += 1;
                    *count
                },
            )
        };
        assert_eq!((count(&value), count(&value)), (1, 2));
        // As a forked process finds it.
        lock(&value.0).as_mut().unwrap().0 += 1;
        assert_eq!((count(&value), count(&value)), (1, 2));
    }

    #[test]
    fn a_panic_leaves_the_lock_usable() {
        let mutex = Arc::new(Mutex::new(1));
        let other = mutex.clone();
        let panicked = std::thread::spawn(move || {
            let _guard = other.lock();
            panic!("on purpose");
        });
        assert!(panicked.join().is_err());
        assert_eq!(*lock(&mutex), 1);
    }
}
