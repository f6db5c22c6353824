//! One thread's way to a new token: from the store, or else from the control center.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use super::answer::{Answer, Life};
use super::ask::{By, Failure, Need, Reply};
use super::clock::{Clock, machine};
use super::facts::Source;
use super::keeper::{Keeper, out_of_time};
use super::record::Record;
use super::refusal::{Refusal, is_failure};
use super::store::{Lease, Trouble};
use crate::error::{Error, Kind};

/// A renewal that nobody depends on yet takes at most this long, and at most half of what its caller has left.
const LONGEST_RENEWAL: Duration = Duration::from_secs(1);
/// Between two looks whether another process has got the token.
const LOOK: Duration = Duration::from_millis(20);
/// Between two attempts to renew a token that still works: a quarter of what it has left, within these.
const SHORTEST_REST: Duration = Duration::from_millis(50);
const LONGEST_REST: Duration = Duration::from_secs(30);

pub(super) type Found = (Arc<Record>, Source);

/// While it lives no other thread sets out.
pub(super) struct Flight<'k> {
    pub(super) keeper: &'k Keeper,
    pub(super) need: &'k Need<'k>,
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.keeper.land();
    }
}

impl Flight<'_> {
    /// A token, since there is none that works.
    pub(super) fn fetch(self, refused: Option<&Record>) -> Result<Found, Failure> {
        let found = self.try_fetch(refused);
        // Before the landing, which wakes those who wait.
        self.keeper.state().failure = found.as_ref().err().map(|failure| (failure.clone(), Instant::now()));
        found
    }

    fn try_fetch(&self, refused: Option<&Record>) -> Result<Found, Failure> {
        loop {
            if let Some(found) = self.look(refused) {
                return Ok(found);
            }
            match self.lease() {
                Ok(Some(lease)) => {
                    // Whoever had the lease before may have got one.
                    return match self.look(refused) {
                        Some(found) => Ok(found),
                        None => self.ask(Some(&lease), refused, self.need.deadline),
                    };
                }
                // Without the store every process is on its own.
                Err(Trouble(_)) => return self.ask(None, refused, self.need.deadline),
                Ok(None) => {}
            }
            let left = self.need.deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(out_of_time());
            }
            // Not all at once.
            thread::sleep(LOOK.mul_f64(0.5 + fastrand::f64()).min(left));
        }
    }

    /// A newer token in place of one that still works for a while. If that fails, the present one does.
    pub(super) fn renew(self, present: Arc<Record>) -> Found {
        let (found, rest) = self.try_renew(&present);
        self.keeper.state().rests_until = Instant::now().checked_add(rest);
        found.unwrap_or((present, Source::Memory))
    }

    /// The newer token, if there is one, and for how long to leave it at that.
    fn try_renew(&self, present: &Record) -> (Option<Found>, Duration) {
        if let Some(found) = self.look(Some(present)) {
            return (Some(found), Duration::ZERO);
        }
        let lease = match self.lease() {
            // Somebody else is at it.
            Ok(None) => return (None, SHORTEST_REST),
            Ok(Some(lease)) => Some(lease),
            Err(Trouble(_)) => None,
        };
        if lease.is_some()
            && let Some(found) = self.look(Some(present))
        {
            return (Some(found), Duration::ZERO);
        }
        let left = self.need.deadline.saturating_duration_since(Instant::now());
        let limit = Instant::now().checked_add(LONGEST_RENEWAL.min(left.div_f64(2.0)));
        match self.ask(lease.as_ref(), None, limit.unwrap_or(self.need.deadline)) {
            Ok(found) => (Some(found), Duration::ZERO),
            Err(_) => {
                let now = self.keeper.state().now_ms();
                let rest = now.map_or(LONGEST_REST, |now| present.rest(now));
                (None, rest.clamp(SHORTEST_REST, LONGEST_REST))
            }
        }
    }

    /// What the store holds, if it may follow the one that was refused, and works.
    fn look(&self, refused: Option<&Record>) -> Option<Found> {
        let Keeper { store, account, .. } = self.keeper;
        let found = self.of_store(|limit| store.load(account.name(), limit)).ok()?;
        let record = found.and_then(|sealed| Record::open(&sealed, account));
        let mut state = self.keeper.state();
        if let Some(record) = record {
            // Another machine's clock says nothing about this one's.
            if state.clock.is_none() && !record.machine.is_empty() && record.machine == machine() {
                state.clock = Some(Clock { ahead_ms: record.ahead_ms });
            }
            state.adopt(Arc::new(record), refused);
        }
        state.usable(refused).map(|record| (record, Source::Store))
    }

    fn lease(&self) -> Result<Option<Lease>, Trouble> {
        let Keeper { store, account, .. } = self.keeper;
        let above = self.keeper.state().record.as_ref().map_or(0, |record| record.generation);
        self.of_store(|limit| store.try_lease(account.name(), above, limit))
    }

    /// Lets the store work, and remembers for the caller whether it can be used.
    fn of_store<T>(&self, work: impl FnOnce(Duration) -> Result<T, Trouble>) -> Result<T, Trouble> {
        let slow = || Err(Trouble("the store of `token_store` is too slow".to_owned()));
        let result = self.need.of_store(work).unwrap_or_else(slow);
        self.keeper.state().trouble = result.as_ref().err().cloned();
        result
    }

    /// Asks the control center: by the refresh token, and by the keys where there is none or it fails. A token that was
    /// evicted has taken its refresh token with it.
    fn ask(&self, lease: Option<&Lease>, refused: Option<&Record>, deadline: Instant) -> Result<Found, Failure> {
        let (present, now, dead_refresh) = {
            let state = self.keeper.state();
            (state.record.clone(), state.now_ms(), state.dead_refresh)
        };
        let last = present.as_ref().map_or(0, |present| present.generation);
        let generation = lease.map_or(last.saturating_add(1), |lease| lease.generation);
        let evicted = refused.is_some_and(|record| Refusal::of(record, now) == Refusal::Eviction);
        let refresh = present.as_ref().and_then(|present| present.refresh.clone());
        if let Some(refresh) = refresh.filter(|_| !evicted && dead_refresh != last) {
            // A refresh that hangs leaves time for the keys.
            let left = deadline.saturating_duration_since(Instant::now());
            let half = Instant::now().checked_add(left.div_f64(2.0)).unwrap_or(deadline);
            match self.ask_by(&By::Refresh(refresh), generation, half) {
                Ok(record) => return Ok(self.keep(record)),
                Err(Failure::Refused(_)) => self.keeper.state().dead_refresh = last,
                // A proxy that has refused its password would be asked with it once more.
                Err(Failure::Error(error)) if error.is_final => return Err(Failure::Error(error)),
                Err(Failure::Error(_)) => {}
            }
        }
        self.ask_by(&By::Keys, generation, deadline).map(|record| self.keep(record))
    }

    fn ask_by(&self, by: &By, generation: u64, deadline: Instant) -> Result<Record, Failure> {
        let begun = SystemTime::now();
        let reply = (self.need.ask)(by, deadline).map_err(Failure::Error)?;
        if let Some(observed) = reply.observed {
            self.keeper.observe(observed);
        }
        let answer = read(&reply)?;
        if reply.observed.is_none() && !matches!(answer.life, Some(Life::Ends(_))) {
            // A server that tells no time: how long its token lives can be counted by this machine's clock as well.
            self.keeper.state().clock.get_or_insert_default();
        }
        let clock = self.keeper.clock();
        // The token is as old as the question at most.
        let issued_ms = clock.correct(begun);
        let lifetime = || self.need.lifetime.map(Life::Lasts);
        let expires_ms = answer.life.or_else(lifetime).and_then(|life| match life {
            Life::Lasts(life) => Some(issued_ms.saturating_add(u64::try_from(life.as_millis()).unwrap_or(u64::MAX))),
            // A time that has passed is a slip of time zones.
            Life::Ends(at) => Some(at).filter(|&at| at > issued_ms),
        });
        let refresh = match (answer.refresh, by) {
            (None, By::Refresh(refresh)) => Some(refresh.clone()),
            (refresh, _) => refresh,
        };
        let (access, machine) = (answer.access, machine().to_owned());
        Ok(Record { generation, access, refresh, issued_ms, expires_ms, ahead_ms: clock.ahead_ms, machine })
    }

    /// Keeps a new token, here and in the store. One whose reply came late does not take the place of a newer one.
    fn keep(&self, record: Record) -> Found {
        let Keeper { store, account, .. } = self.keeper;
        let sealed = record.seal(account);
        let saved = sealed.map(|sealed| self.of_store(|limit| store.save(account.name(), &sealed, limit)));
        let record = Arc::new(record);
        self.keeper.state().adopt(record.clone(), None);
        let newer = if saved == Some(Ok(false)) { self.look(Some(&record)) } else { None };
        newer.unwrap_or((record, Source::Server))
    }
}

/// The tokens in a reply. Without them: the control center says why, or the reply's shape is one that nobody has seen.
fn read(reply: &Reply) -> Result<Answer, Failure> {
    if is_failure(reply.status, &reply.text) {
        return Err(Failure::Refused(reply.text.to_vec()));
    }
    Answer::read(&reply.text).ok_or_else(|| {
        let detail = "the control center's reply to the token call holds no access token in a known field: it is neither an object with `accessToken` nor an array";
        let error = Error::new(Kind::Response, "返回内容中没有token", detail);
        Failure::Error(Error { http_status: Some(reply.status), ..error })
    })
}
