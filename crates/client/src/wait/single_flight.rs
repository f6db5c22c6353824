//! Work that may block for longer than anyone waits: a name lookup, a file on a network drive.
//!
//! It runs on a thread of its own, and whoever wants the same meanwhile waits for the same. So work that never ends
//! costs one thread, however many calls are made.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use super::promise::{self, Giver, Lost, Taker};
use crate::basics::locks::lock;
use crate::basics::threads;

/// The work that is under way, each under its key.
pub(crate) struct SingleFlight<K, T> {
    flights: Mutex<Vec<(K, Arc<Taker<T>>)>>,
}

impl<K: PartialEq + Clone + Send + 'static, T: Clone + Send + 'static> SingleFlight<K, T> {
    pub(crate) const fn new() -> Self {
        SingleFlight { flights: Mutex::new(Vec::new()) }
    }

    /// The result of `work` under this key, begun now or by another thread before; `None` if that takes longer than
    /// `limit`. It goes on all the same.
    pub(crate) fn wait(
        &'static self,
        key: K,
        limit: Duration,
        work: impl FnOnce(&K) -> T + Send + 'static,
    ) -> io::Result<Option<T>> {
        let result = self.join(key, work)?.share(limit);
        // The work panicked.
        result.map_err(|Lost| io::Error::other("a thread ended without an answer"))
    }

    fn join(&'static self, key: K, work: impl FnOnce(&K) -> T + Send + 'static) -> io::Result<Arc<Taker<T>>> {
        let flight = {
            let mut flights = self.flights();
            if let Some((_, result)) = flights.iter().find(|(other, _)| *other == key) {
                return Ok(result.clone());
            }
            let (giver, result) = promise::promise();
            let result = Arc::new(result);
            flights.push((key.clone(), result.clone()));
            Flight { all: self, giver: Some(giver), result }
        };
        let result = flight.result.clone();
        // Where no thread can be made, the flight ends here and now. So no lock may be held.
        threads::spawn("wait", move || {
            let mut flight = flight;
            flight.land(Some(work(&key)));
        })?;
        Ok(result)
    }
}

impl<K, T> SingleFlight<K, T> {
    fn flights(&self) -> MutexGuard<'_, Vec<(K, Arc<Taker<T>>)>> {
        lock(&self.flights)
    }
}

/// Work that is under way. It ends in any case, also where it panics.
struct Flight<K: 'static, T: 'static> {
    all: &'static SingleFlight<K, T>,
    /// Until it has ended.
    giver: Option<Giver<T>>,
    result: Arc<Taker<T>>,
}

impl<K, T> Flight<K, T> {
    fn land(&mut self, result: Option<T>) {
        let Some(giver) = self.giver.take() else { return };
        // Who comes from now on begins anew: what was found is as old as the flight.
        self.all.flights().retain(|(_, other)| !Arc::ptr_eq(other, &self.result));
        if let Some(result) = result {
            giver.give(result);
        }
    }
}

impl<K, T> Drop for Flight<K, T> {
    fn drop(&mut self) {
        self.land(None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;
    use std::thread;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn many_wait_for_one() {
        static FLIGHTS: SingleFlight<&str, usize> = SingleFlight::new();
        static RUNS: AtomicUsize = AtomicUsize::new(0);
        let (release, gate) = mpsc::channel::<()>();
        let gate = Arc::new(Mutex::new(gate));
        let ask = |key, limit| {
            let gate = gate.clone();
            FLIGHTS.wait(key, limit, move |_| {
                let run = RUNS.fetch_add(1, Ordering::SeqCst);
                let _ = gate.lock().unwrap().recv();
                run
            })
        };
        for _ in 0..100 {
            assert_eq!(ask("hung", Duration::from_millis(1)).unwrap(), None);
        }
        assert_eq!(RUNS.load(Ordering::SeqCst), 1, "one thread for all of them");
        thread::scope(|scope| {
            let waiting: Vec<_> = (0..10).map(|_| scope.spawn(|| ask("hung", MINUTE).unwrap())).collect();
            release.send(()).unwrap();
            drop(release);
            // Those that came too late for the first flight share a second one.
            assert!(waiting.into_iter().all(|thread| thread.join().unwrap().is_some()));
        });
        assert!(FLIGHTS.flights().is_empty());
        assert!(ask("hung", MINUTE).unwrap() > Some(0), "a later one begins anew");
    }

    #[test]
    fn a_panic_is_an_error_for_all_and_hangs_nobody() {
        static FLIGHTS: SingleFlight<(), ()> = SingleFlight::new();
        for _ in 0..2 {
            assert!(FLIGHTS.wait((), MINUTE, |()| panic!("on purpose")).is_err());
        }
    }
}
