//! One thread's way to a new token: from the store, or else from the control center.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use super::answer::{Answer, Life};
use super::ask::{By, Failure, Reply};
use super::clock::{Clock, machine};
use super::facts::Source;
use super::keeper::{Keeper, Need, out_of_time};
use super::record::Record;
use super::refusal::{Refusal, is_success};
use super::store::{Lease, Trouble};
use crate::error::{Delivered, Error, Kind};

/// A renewal that nobody depends on yet takes at most this long, and at most half of what its caller has left.
const LONGEST_RENEWAL: Duration = Duration::from_secs(5);
/// Between two looks whether another process has got the token.
const LOOK: Duration = Duration::from_millis(20);
/// Between two attempts to renew a token that still works: a quarter of what it has left, within these.
const SHORTEST_REST: Duration = Duration::from_millis(50);
const LONGEST_REST: Duration = Duration::from_secs(30);

type Found = (Arc<Record>, Source);

/// While it lives no other thread sets out.
pub(super) struct Flight<'k> {
    pub(super) keeper: &'k Keeper,
    pub(super) need: &'k Need<'k>,
    /// The generation that was refused.
    pub(super) above: u64,
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.keeper.land();
    }
}

impl Flight<'_> {
    /// A token, since there is none that works.
    pub(super) fn fetch(self, refused: Option<&Record>) -> Result<Found, Failure> {
        loop {
            if let Some(record) = self.look() {
                return Ok((record, Source::Store));
            }
            match self.lease() {
                Ok(Some(lease)) => {
                    // Whoever had the lease before may have got one.
                    if let Some(record) = self.look() {
                        return Ok((record, Source::Store));
                    }
                    return self.ask(Some(&lease), refused, self.need.deadline);
                }
                // Without the store every process is on its own.
                Err(Trouble(_)) => return self.ask(None, refused, self.need.deadline),
                Ok(None) => {}
            }
            if Instant::now() >= self.need.deadline {
                return Err(out_of_time());
            }
            thread::sleep(LOOK.mul_f64(0.5 + fastrand::f64()));
        }
    }

    /// A newer token in place of one that still works for a while. If that fails, the present one does.
    pub(super) fn renew(self, present: Arc<Record>) -> Found {
        if let Some(record) = self.look_above(present.generation) {
            return (record, Source::Store);
        }
        let mut rest = SHORTEST_REST;
        if let Ok(Some(lease)) = self.lease() {
            if let Some(record) = self.look_above(present.generation) {
                return (record, Source::Store);
            }
            let left = self.need.deadline.saturating_duration_since(Instant::now());
            let limit =
                Instant::now().checked_add(LONGEST_RENEWAL.min(left.div_f64(2.0))).unwrap_or(self.need.deadline);
            if let Ok(found) = self.ask(Some(&lease), None, limit) {
                return found;
            }
            let state = self.keeper.state();
            rest = state.now_ms().map_or(LONGEST_REST, |now| present.rest(now)).clamp(SHORTEST_REST, LONGEST_REST);
        }
        self.keeper.state().rests_until = Instant::now().checked_add(rest);
        (present, Source::Memory)
    }

    /// What the store holds, if that is newer and works.
    fn look(&self) -> Option<Arc<Record>> {
        self.look_above(self.above)
    }

    fn look_above(&self, above: u64) -> Option<Arc<Record>> {
        let Keeper { store, account, .. } = self.keeper;
        let found = self.heed(store.load(account.name(), self.patience())).ok()?;
        let record = found.and_then(|sealed| Record::open(&sealed, account));
        let mut state = self.keeper.state();
        if let Some(record) = record {
            // Another machine's clock says nothing about this one's.
            if state.clock.is_none() && record.machine == machine() {
                state.clock = Some(Clock { ahead_ms: record.ahead_ms });
            }
            state.adopt(Arc::new(record));
        }
        state.usable(above)
    }

    fn lease(&self) -> Result<Option<Lease>, Trouble> {
        let above = self.keeper.state().record.as_ref().map_or(0, |record| record.generation);
        self.heed(self.keeper.store.try_lease(self.keeper.account.name(), above, self.patience()))
    }

    /// A store that hangs leaves half of the caller's time for the call.
    fn patience(&self) -> Duration {
        self.need.deadline.saturating_duration_since(Instant::now()).div_f64(2.0)
    }

    /// Remembers for the caller whether the store can be used.
    fn heed<T>(&self, result: Result<T, Trouble>) -> Result<T, Trouble> {
        self.keeper.state().trouble = result.as_ref().err().cloned();
        result
    }

    /// Asks the control center: by the refresh token, and by the keys where there is none or it fails. A token that was
    /// evicted has taken its refresh token with it.
    fn ask(&self, lease: Option<&Lease>, refused: Option<&Record>, deadline: Instant) -> Result<Found, Failure> {
        let (present, now) = {
            let state = self.keeper.state();
            (state.record.clone(), state.now_ms())
        };
        let generation = match (lease, &present) {
            (Some(lease), _) => lease.generation,
            (None, Some(present)) => present.generation.saturating_add(1),
            (None, None) => 1,
        };
        let evicted = refused.is_some_and(|record| Refusal::of(record, now) == Refusal::Eviction);
        let refresh = present.as_ref().and_then(|present| present.refresh.clone()).filter(|_| !evicted);
        if let Some(refresh) = refresh
            && let Ok(record) = self.ask_by(&By::Refresh(refresh), generation, deadline)
        {
            return Ok(self.keep(record));
        }
        self.ask_by(&By::Keys, generation, deadline).map(|record| self.keep(record))
    }

    fn ask_by(&self, by: &By, generation: u64, deadline: Instant) -> Result<Record, Failure> {
        let begun = SystemTime::now();
        let reply = (self.need.ask)(by, deadline).map_err(Failure::Error)?;
        if let Some(observed) = reply.observed {
            self.keeper.observe(observed);
        }
        let Some(answer) = Answer::read(&reply.text) else { return Err(no_token(&reply)) };
        if reply.observed.is_none() && !matches!(answer.life, Some(Life::Ends(_))) {
            // A server that tells no time: how long its token lives can be counted by this machine's clock as well.
            self.keeper.state().clock.get_or_insert_default();
        }
        let clock = self.keeper.clock();
        // The token is as old as the question at most.
        let issued_ms = clock.correct(begun);
        let lifetime = || self.need.lifetime.map(Life::Lasts);
        let expires_ms = answer.life.or_else(lifetime).map(|life| match life {
            Life::Lasts(life) => issued_ms.saturating_add(u64::try_from(life.as_millis()).unwrap_or(u64::MAX)),
            Life::Ends(at) => at,
        });
        let refresh = match (answer.refresh, by) {
            (None, By::Refresh(refresh)) => Some(refresh.clone()),
            (refresh, _) => refresh,
        };
        Ok(Record {
            generation,
            access: answer.access,
            refresh,
            issued_ms,
            expires_ms,
            ahead_ms: clock.ahead_ms,
            machine: machine().to_owned(),
        })
    }

    /// Keeps a new token, here and in the store. One whose reply came late does not take the place of a newer one.
    fn keep(&self, record: Record) -> Found {
        let Keeper { store, account, .. } = self.keeper;
        let saved = record.seal(account).map(|sealed| self.heed(store.save(account.name(), &sealed, self.patience())));
        let record = Arc::new(record);
        self.keeper.state().adopt(record.clone());
        let newer = match saved {
            Some(Ok(false)) => self.look_above(record.generation),
            _ => None,
        };
        newer.map_or((record, Source::Server), |newer| (newer, Source::Store))
    }
}

/// The reply holds no token: the control center says why, or its shape is one that nobody has seen.
fn no_token(reply: &Reply) -> Failure {
    if !is_success(reply.status, &reply.text) {
        return Failure::Refused(reply.text.to_string());
    }
    let detail = "the control center's reply to the token call holds no access token in a known field: it is neither an object with `accessToken` nor an array";
    let error = Error::new(Kind::Response, "返回内容中没有token", detail);
    Failure::Error(Error { http_status: Some(reply.status), delivered: Delivered::No, ..error })
}
