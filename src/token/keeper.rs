//! Keeps one account's token for this process: hands it out, and sees to it that one thread gets a new one while the
//! others wait, or go on with the present one.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::account::Account;
use super::ask::{Ask, Failure};
use super::clock::{Clock, Observed};
use super::evictions::Evictions;
use super::facts::{Facts, Source};
use super::flight::Flight;
use super::record::Record;
use super::refusal::Refusal;
use super::store::{Store, Trouble};
use crate::error::{Error, Kind};
use crate::secret::Secret;

/// What a call needs.
pub(crate) struct Need<'a> {
    pub(crate) ask: &'a Ask<'a>,
    pub(crate) deadline: Instant,
    /// How long a token lives where the server's reply does not tell it.
    pub(crate) lifetime: Option<Duration>,
}

/// A token to call with.
pub(crate) struct Held {
    pub(crate) token: Secret,
    pub(crate) facts: Facts,
    record: Arc<Record>,
}

pub(crate) struct Keeper {
    pub(super) account: Account,
    pub(super) store: Arc<dyn Store>,
    state: Mutex<State>,
    landed: Condvar,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) record: Option<Arc<Record>>,
    /// The control center's clock, once this process has measured it or has found it beside a token of this machine.
    pub(super) clock: Option<Clock>,
    /// A thread is on its way to a new token.
    in_flight: bool,
    /// Counts them.
    flights: u64,
    /// How the last one failed.
    pub(super) failure: Option<Failure>,
    /// A token that still works is not renewed before this.
    pub(super) rests_until: Option<Instant>,
    evictions: Evictions,
    pub(super) trouble: Option<Trouble>,
}

impl Keeper {
    pub(super) fn new(account: Account, store: Arc<dyn Store>) -> Keeper {
        Keeper { account, store, state: Mutex::default(), landed: Condvar::new() }
    }

    /// The control center's clock, as far as it is known.
    pub(crate) fn clock(&self) -> Clock {
        self.state().clock.unwrap_or_default()
    }

    /// A reply has come, which tells the control center's time.
    pub(crate) fn observe(&self, observed: Observed) -> Clock {
        let mut state = self.state();
        let clock = state.clock.unwrap_or_default().after(observed);
        state.clock = Some(clock);
        clock
    }

    /// What is known, for an error of a call that got no token.
    pub(crate) fn facts(&self) -> Facts {
        self.state().facts()
    }

    /// A token that works, as far as anyone knows.
    pub(crate) fn token(&self, need: &Need<'_>) -> Result<Held, Failure> {
        self.newer_than(None, need)
    }

    /// A newer token than this one, which the server has refused.
    pub(crate) fn replace(&self, refused: &Held, need: &Need<'_>) -> Result<Held, Failure> {
        let newer = self.newer_than(Some(&refused.record), need);
        let mut state = self.state();
        let shared = newer.as_ref().is_ok_and(|newer| newer.facts.source != Some(Source::Server));
        let refusal = if shared { Refusal::Renewed } else { Refusal::of(&refused.record, state.now_ms()) };
        if refusal == Refusal::Eviction {
            state.evictions.count();
        }
        let newer = newer?;
        let facts =
            Facts { refusal: Some(refusal), renewed: !shared, evictions: state.evictions.recent(), ..newer.facts };
        Ok(Held { facts, ..newer })
    }

    fn newer_than(&self, refused: Option<&Record>, need: &Need<'_>) -> Result<Held, Failure> {
        let above = refused.map_or(0, |refused| refused.generation);
        let mut waited_for = None;
        let mut state = self.state();
        loop {
            let usable = state.usable(above);
            match usable {
                Some(record) if state.in_flight || !state.is_time_to_renew(&record) => {
                    return Ok(state.hold(record, Source::Memory));
                }
                None if state.in_flight => {
                    waited_for = Some(state.flights);
                    state = self.wait(state, need.deadline)?;
                    continue;
                }
                _ => {}
            }
            // The failure of the one that was waited for is everybody's.
            if let Some(failure) = state.failure.clone().filter(|_| waited_for == Some(state.flights))
                && failure.is_for_all()
            {
                return Err(failure);
            }
            let flight = self.take_off(&mut state, need, above);
            drop(state);
            return match usable {
                Some(record) => Ok(self.hold(flight.renew(record))),
                None => flight.fetch(refused).map(|found| self.hold(found)),
            };
        }
    }

    fn hold(&self, (record, source): (Arc<Record>, Source)) -> Held {
        self.state().hold(record, source)
    }

    fn take_off<'k>(&'k self, state: &mut State, need: &'k Need<'k>, above: u64) -> Flight<'k> {
        state.in_flight = true;
        state.flights = state.flights.saturating_add(1);
        state.failure = None;
        Flight { keeper: self, need, above }
    }

    /// The flight is over, however it ended.
    pub(super) fn land(&self) {
        self.state().in_flight = false;
        self.landed.notify_all();
    }

    fn wait<'s>(&self, state: MutexGuard<'s, State>, deadline: Instant) -> Result<MutexGuard<'s, State>, Failure> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(out_of_time());
        }
        Ok(self.landed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0)
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody else gets the token, and this caller's time is up.
pub(super) fn out_of_time() -> Failure {
    let detail = "timed out while another thread or process was getting the token (`timeout_ms`)";
    Failure::Error(Error::new(Kind::Timeout, "等待token超时", detail))
}

impl State {
    /// The control center's time. `None` while its clock is not known: no token is held for expired by a guess.
    pub(super) fn now_ms(&self) -> Option<u64> {
        Some(self.clock?.correct(SystemTime::now()))
    }

    /// The present token, if it is newer than the generation that was refused, and has not expired.
    pub(super) fn usable(&self, above: u64) -> Option<Arc<Record>> {
        let record = self.record.as_ref().filter(|record| record.generation > above)?;
        let expired = self.now_ms().is_some_and(|now| record.is_expired(now));
        (!expired).then(|| record.clone())
    }

    /// Takes this record, unless the present one is as new or newer.
    pub(super) fn adopt(&mut self, record: Arc<Record>) {
        if self.record.as_ref().is_none_or(|present| present.generation < record.generation) {
            self.record = Some(record);
        }
    }

    fn is_time_to_renew(&self, record: &Record) -> bool {
        self.now_ms().is_some_and(|now| record.is_due(now))
            && self.rests_until.is_none_or(|until| Instant::now() >= until)
    }

    fn hold(&self, record: Arc<Record>, source: Source) -> Held {
        let age = self.now_ms().map(|now| record.age_ms(now));
        let facts = Facts { source: Some(source), age_ms: age, ..self.facts() };
        Held { token: record.access.clone(), facts, record }
    }

    fn facts(&self) -> Facts {
        Facts {
            evictions: self.evictions.recent(),
            store_trouble: self.trouble.as_ref().map(|Trouble(why)| why.clone()),
            ..Facts::default()
        }
    }
}
