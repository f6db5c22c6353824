//! Keeps one account's token for this process: hands it out, and sees to it that one thread gets a new one while the
//! others wait, or go on with the present one.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::account::Account;
use super::ask::{Failure, Need};
use super::clock::{Clock, Observed};
use super::evictions::Evictions;
use super::flight::{Flight, Found};
use super::record::Record;
use super::refusal::by_its_times;
use super::restraint::Restraint;
use super::store::{Store, Trouble};
use crate::error::{Error, Kind, Refusal, Source, TokenFacts};
use rpa_signing::Secret;

/// Keys that were refused are not tried again for this long, by however many threads.
const REFUSAL_STANDS: Duration = Duration::from_secs(1);

/// A token to call with.
pub(crate) struct Held {
    pub(crate) token: Secret,
    pub(crate) facts: TokenFacts,
    /// Nobody has called with it before.
    pub(crate) is_new: bool,
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
    /// How the last one failed, and when.
    pub(super) failure: Option<(Failure, Instant)>,
    /// A token that still works is not renewed before this.
    pub(super) rests_until: Option<Instant>,
    /// The generation whose refresh token was refused.
    pub(super) dead_refresh: u64,
    evictions: Evictions,
    restraint: Restraint,
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
    pub(crate) fn observe(&self, observed: Observed) {
        let mut state = self.state();
        state.clock = Some(state.clock.unwrap_or_default().after(observed));
    }

    /// What is known, for an error of a call that got no token.
    pub(crate) fn facts(&self) -> TokenFacts {
        self.state().facts()
    }

    /// A token that works, as far as anyone knows.
    pub(crate) fn token(&self, need: &Need<'_>) -> Result<Held, Failure> {
        self.newer_than(None, need)
    }

    /// Whether to get another token in place of this refused one. Not where that was of no help just now.
    pub(crate) fn may_replace(&self, refused: &Held) -> bool {
        let state = self.state();
        state.usable(Some(&refused.record)).is_some() || state.restraint.is_over()
    }

    /// A newer token than this one, which the server has refused; and what the refusal looks like.
    pub(crate) fn replace(&self, refused: &Held, need: &Need<'_>) -> (Result<Held, Failure>, Refusal) {
        let newer = self.newer_than(Some(&refused.record), need);
        let mut state = self.state();
        let shared = newer.as_ref().is_ok_and(|newer| newer.facts.source != Some(Source::Server));
        let refusal = if shared { Refusal::Renewed } else { by_its_times(&refused.record, state.now_ms()) };
        if refusal == Refusal::Eviction {
            state.evictions.count(refused.record.generation);
        }
        let evictions = state.evictions.recent();
        let newer = newer.map(|newer| {
            let facts = TokenFacts { refusal: Some(refusal), evictions, ..newer.facts };
            Held { facts, ..newer }
        });
        (newer, refusal)
    }

    /// What became of the call with a token that took another one's place. If it was refused as well, the token was
    /// not the reason, and neither was it evicted.
    pub(crate) fn replaced(&self, newer: &Held, was_of_help: bool) {
        let mut state = self.state();
        if was_of_help {
            state.restraint.lift();
        } else if newer.is_new {
            state.restraint.impose();
            if newer.facts.refusal == Some(Refusal::Eviction) {
                state.evictions.take_back();
            }
        }
    }

    fn newer_than(&self, refused: Option<&Record>, need: &Need<'_>) -> Result<Held, Failure> {
        let mut waited_for = None;
        let mut state = self.state();
        loop {
            let usable = state.usable(refused);
            match usable {
                Some(record) if state.in_flight || !state.is_time_to_renew(&record) => {
                    return Ok(state.hold((record, Source::Memory), false));
                }
                None if state.in_flight => {
                    waited_for = Some(state.flights);
                    state = self.wait(state, need.deadline)?;
                    continue;
                }
                _ => {}
            }
            if let Some(failure) = state.standing_failure(waited_for).filter(|_| usable.is_none()) {
                return Err(failure);
            }
            let had_one = state.record.is_some();
            let flight = self.take_off(&mut state, need);
            drop(state);
            let found = match usable {
                Some(record) => flight.renew(record),
                None => flight.fetch(refused)?,
            };
            return Ok(self.state().hold(found, had_one));
        }
    }

    fn take_off<'k>(&'k self, state: &mut State, need: &'k Need<'k>) -> Flight<'k> {
        state.in_flight = true;
        state.flights = state.flights.saturating_add(1);
        state.failure = None;
        Flight { keeper: self, need }
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

    /// The present token, if it is not the one that was refused or an older one, and has not expired.
    pub(super) fn usable(&self, refused: Option<&Record>) -> Option<Arc<Record>> {
        let record = self.record.as_ref().filter(|record| refused.is_none_or(|refused| record.may_follow(refused)))?;
        let expired = self.now_ms().is_some_and(|now| record.is_expired(now));
        (!expired).then(|| record.clone())
    }

    /// Takes this record, unless the present one is as new or newer. Two processes that were both without their store
    /// may have given one number to two tokens; then the other one may follow the one that was refused.
    pub(super) fn adopt(&mut self, record: Arc<Record>, refused: Option<&Record>) {
        let follows = |present: &Arc<Record>| {
            present.generation < record.generation
                || refused.is_some_and(|refused| present.access == refused.access && record.may_follow(refused))
        };
        if self.record.as_ref().is_none_or(follows) {
            self.record = Some(record);
        }
    }

    /// The failure that this caller need not bring about once more: that of the one it waited for, unless only its own
    /// time ran out, and a refusal of the keys that is just a moment old.
    fn standing_failure(&self, waited_for: Option<u64>) -> Option<Failure> {
        let (failure, at) = self.failure.as_ref()?;
        let stands = match failure {
            Failure::Refused(_) => waited_for == Some(self.flights) || at.elapsed() < REFUSAL_STANDS,
            Failure::Error(error) => waited_for == Some(self.flights) && error.kind != Kind::Timeout,
        };
        stands.then(|| failure.clone())
    }

    fn is_time_to_renew(&self, record: &Record) -> bool {
        self.now_ms().is_some_and(|now| record.is_due(now))
            && self.rests_until.is_none_or(|until| Instant::now() >= until)
    }

    /// `had_one`: there was a token before this one was found.
    fn hold(&self, (record, source): Found, had_one: bool) -> Held {
        let age = self.now_ms().map(|now| record.age_ms(now));
        let is_new = source == Source::Server;
        let facts = TokenFacts { source: Some(source), age_ms: age, renewed: is_new && had_one, ..self.facts() };
        Held { token: record.access.clone(), facts, is_new, record }
    }

    fn facts(&self) -> TokenFacts {
        TokenFacts {
            evictions: self.evictions.recent(),
            store_trouble: self.trouble.as_ref().map(|Trouble(why)| why.clone()),
            ..TokenFacts::default()
        }
    }
}
