//! Work that may block for longer than anyone waits: a name lookup, a file on a network drive.
//!
//! It runs on a thread of its own, and whoever wants the same meanwhile waits for the same. So work that never ends
//! costs one thread, however many calls are made.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// The work that is under way, each under its key.
pub(crate) struct SingleFlight<K, T> {
    flights: Mutex<Vec<(K, Arc<Flight<T>>)>>,
}

struct Flight<T> {
    state: Mutex<State<T>>,
    landed: Condvar,
}

enum State<T> {
    UnderWay,
    Done(T),
    /// The thread ended without a result: the work panicked.
    Lost,
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
        let flight = self.join(key, work)?;
        let under_way = |state: &mut State<T>| matches!(state, State::UnderWay);
        let waited = flight.landed.wait_timeout_while(lock(&flight.state), limit, under_way);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        match &*state {
            State::UnderWay => Ok(None),
            State::Done(result) => Ok(Some(result.clone())),
            State::Lost => Err(io::Error::other("a thread ended without an answer")),
        }
    }

    fn join(&'static self, key: K, work: impl FnOnce(&K) -> T + Send + 'static) -> io::Result<Arc<Flight<T>>> {
        let flight = {
            let mut flights = lock(&self.flights);
            if let Some((_, flight)) = flights.iter().find(|(other, _)| *other == key) {
                return Ok(flight.clone());
            }
            let flight = Arc::new(Flight { state: Mutex::new(State::UnderWay), landed: Condvar::new() });
            flights.push((key.clone(), flight.clone()));
            flight
        };
        // Lands in any case: where no thread can be made, the work is dropped here and now. So no lock may be held.
        let landing = Landing { flights: self, flight: flight.clone() };
        thread::Builder::new().spawn(move || {
            let result = work(&key);
            landing.land(State::Done(result));
        })?;
        Ok(flight)
    }
}

/// Ends a flight, also where its work panics.
struct Landing<K: 'static, T: 'static> {
    flights: &'static SingleFlight<K, T>,
    flight: Arc<Flight<T>>,
}

impl<K, T> Landing<K, T> {
    fn land(&self, state: State<T>) {
        // Who comes from now on begins anew: what was found is as old as the flight.
        lock(&self.flights.flights).retain(|(_, flight)| !Arc::ptr_eq(flight, &self.flight));
        *lock(&self.flight.state) = state;
        self.flight.landed.notify_all();
    }
}

impl<K, T> Drop for Landing<K, T> {
    fn drop(&mut self) {
        let lost = matches!(*lock(&self.flight.state), State::UnderWay);
        if lost {
            self.land(State::Lost);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

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
                let _ = lock(&gate).recv();
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
        assert!(lock(&FLIGHTS.flights).is_empty());
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
