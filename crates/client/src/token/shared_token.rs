//! An account's token as the threads of a process share it.

use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::account::Account;
use super::account_token::AccountToken;
use super::ask::Need;
use super::store::{Lease, Store};
use crate::basics::locks;
use crate::error::Source;
use crate::request::Options;

pub(super) struct SharedToken {
    pub(super) account: Account,
    pub(super) store: Arc<dyn Store>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) token: AccountToken,
    /// Counts renewals; the latest has this number.
    pub(super) renewals: u64,
    /// The latest renewal, while it goes on.
    pub(super) under_way: Option<UnderWay>,
    /// Which renewal found the present token, and where.
    pub(super) found: Option<(u64, Source)>,
}

/// A renewal that goes on.
pub(super) struct UnderWay {
    pub(super) number: u64,
    /// Its right to ask. Who overtakes it takes that away.
    pub(super) lease: Arc<Mutex<Option<Lease>>>,
    /// How it asks.
    pub(super) settings: Arc<Options>,
    /// When it asked, and how long it is alone in that.
    pub(super) asked: Option<(Instant, Duration)>,
}

/// How long a call with other options waits for this renewal: what takes so long may lie in the options of the call that
/// began it.
const ANOTHER_WAY: Duration = Duration::from_secs(1);

impl UnderWay {
    /// When somebody who needs a token may ask as well; `None` while nothing is asked.
    pub(super) fn overdue_at(&self, need: &Need<'_>, now: Instant) -> Option<Instant> {
        let (asked, alone) = self.asked?;
        let same_way = self.settings.travels_like(need.options);
        Some(asked + if same_way { alone } else { ANOTHER_WAY.min(need.time_left(now) / 2) })
    }
}

impl SharedToken {
    pub(super) fn new(account: Account, store: Arc<dyn Store>) -> SharedToken {
        SharedToken { account, store, state: Mutex::default(), changed: Condvar::new() }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        locks::lock(&self.state)
    }

    /// Waits for a change, or until then.
    pub(super) fn wait<'s>(&self, state: MutexGuard<'s, State>, until: Instant) -> MutexGuard<'s, State> {
        let limit = until.saturating_duration_since(Instant::now());
        // A limit of zero would make this a loop that only spins.
        locks::wait(&self.changed, state, limit.max(Duration::from_millis(1)))
    }

    pub(super) fn wake(&self) {
        self.changed.notify_all();
    }
}
