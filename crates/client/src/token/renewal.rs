//! One thread's way to a new token: from the store, or else from the control center.
//!
//! It is a thread of its own, so that a request that was sent is waited for, however long the call lasts that wanted it: a
//! reply that nobody takes may have ended the token before, and used up its refresh token.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::ask::{Ask, By, Failure, NoReply, Reply};
use super::issued::Issued;
use super::landing::{Failed, Landing, Outcome};
use super::refusal::is_failure;
use super::shared_token::SharedToken;
use super::store::{Lease, Trouble};
use super::store_access::StoreAccess;
use super::stored_token::{Got, Number, StoredToken};
use crate::basics::locks::lock;
use crate::error::{Delivered, Error, Kind, Source};
use crate::request::Options;

/// Between two looks whether another process has got the token; they grow.
const LOOK: Duration = Duration::from_millis(20);
const LONGEST_LOOK: Duration = Duration::from_millis(200);
/// A request that is not answered by then is given up.
const LONGEST_REQUEST: Duration = Duration::from_secs(60);
/// For so long at least nobody else asks; and no longer than this, though the one who began it would wait.
const ALONE_AT_LEAST: Duration = Duration::from_secs(5);
const ALONE_AT_MOST: Duration = Duration::from_secs(15);
/// While a control center is too busy, other processes that share the store are kept from asking, for so long at most.
const LONGEST_HOLD: Duration = Duration::from_secs(10);

/// What a renewal is for.
#[derive(Clone)]
pub(super) enum Purpose {
    /// A call waits for it. The token that it was refused with, if there was one; and how long to leave another party alone.
    Needed { refused: Option<Arc<StoredToken>>, is_evicted: bool, pause: Duration },
    /// The present token still works.
    Ahead,
}

pub(super) struct Renewal {
    shared: Arc<SharedToken>,
    store: StoreAccess,
    number: u64,
    /// The right to ask, where one who overtakes this renewal can take it away.
    lease: Arc<Mutex<Option<Lease>>>,
    settings: Settings,
    purpose: Purpose,
    /// For so long another process's token is waited for.
    deadline: Instant,
    longest_request: Duration,
}

/// What a renewal takes along of the call that began it.
pub(super) struct Settings {
    pub(super) ask: Arc<Ask>,
    pub(super) options: Arc<Options>,
    /// How long a token lives where the server's reply does not tell it.
    pub(super) lifetime: Option<Duration>,
    pub(super) time_left: Duration,
}

impl Renewal {
    pub(super) fn new(
        shared: Arc<SharedToken>,
        number: u64,
        lease: Arc<Mutex<Option<Lease>>>,
        settings: Settings,
        purpose: Purpose,
    ) -> Renewal {
        let store_time = match purpose {
            // Half of the time is left for the call.
            Purpose::Needed { .. } => settings.time_left / 2,
            Purpose::Ahead => LONGEST_REQUEST,
        };
        let store = StoreAccess::new(shared.clone(), store_time);
        let deadline = Instant::now() + settings.time_left;
        Renewal { shared, store, number, lease, settings, purpose, deadline, longest_request: LONGEST_REQUEST }
    }

    /// For one that runs on its call's own thread.
    pub(super) fn keep_to_the_call(&mut self) {
        self.longest_request = Duration::ZERO;
    }

    /// Goes the whole way, and tells those who wait what has come of it.
    pub(super) fn run(mut self) {
        let ahead = matches!(self.purpose, Purpose::Ahead);
        let landing = Landing::new(self.shared.clone(), self.number, self.settings.options.clone(), ahead);
        let outcome = match self.purpose.clone() {
            Purpose::Needed { refused, is_evicted, pause } => self.fetch(refused.as_deref(), is_evicted, pause),
            Purpose::Ahead => self.renew(),
        };
        let lease = lock(&self.lease).take();
        let is_busy = matches!(&outcome, Outcome::Failed(failed) if is_busy(&failed.failure));
        // A lease that is not held is given back before anybody wakes: the process may end with the call.
        let held = lease.filter(|_| is_busy);
        let pause = landing.land(outcome);
        if held.is_some() {
            thread::sleep(pause.min(LONGEST_HOLD));
        }
    }

    /// A token, since there is none that works.
    fn fetch(&mut self, refused: Option<&StoredToken>, is_evicted: bool, pause: Duration) -> Outcome {
        let mut look = LOOK;
        if self.store.has_newer(refused) {
            return Outcome::Found(Source::Store);
        }
        thread::sleep(pause);
        loop {
            match self.store.lease() {
                // Whoever had the lease before may have got one.
                Ok(Some(_)) if self.store.has_newer(refused) => return Outcome::Found(Source::Store),
                Ok(Some(lease)) => return self.ask(Some(lease), is_evicted),
                // Without the store every process is on its own.
                Err(Trouble(_)) => return self.ask(None, is_evicted),
                Ok(None) => {}
            }
            let left = self.deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Outcome::LeftToOthers;
            }
            // With a jitter, so that processes do not look together.
            thread::sleep(look.mul_f64(0.5 + fastrand::f64()).min(left));
            look = (look * 2).min(LONGEST_LOOK);
            if self.store.has_newer(refused) {
                return Outcome::Found(Source::Store);
            }
        }
    }

    /// A newer token in place of one that still works for a while.
    fn renew(&mut self) -> Outcome {
        let present = self.shared.state().token.present().cloned();
        if self.store.has_newer(present.as_deref()) {
            return Outcome::Found(Source::Store);
        }
        match self.store.lease() {
            Ok(None) => Outcome::LeftToOthers,
            Ok(Some(_)) if self.store.has_newer(present.as_deref()) => Outcome::Found(Source::Store),
            Ok(Some(lease)) => self.ask(Some(lease), false),
            Err(Trouble(_)) => self.ask(None, false),
        }
    }

    /// Asks the control center: by the refresh token, and by the keys where there is none or it fails. A token that was
    /// evicted has taken its refresh token with it.
    fn ask(&mut self, lease: Option<Lease>, is_evicted: bool) -> Outcome {
        let now = Instant::now();
        let alone = (self.deadline.saturating_duration_since(now) / 2).clamp(ALONE_AT_LEAST, ALONE_AT_MOST);
        let (number, refresh) = {
            let mut state = self.shared.state();
            if let Some(under_way) = state.under_way.as_mut().filter(|under_way| under_way.number == self.number) {
                under_way.asked = Some((now, alone));
            }
            let present = state.token.present().map_or((0, 0), |token| token.number());
            let number = lease.as_ref().map_or((present.0, present.1 + 1), |lease| (lease.generation, 0));
            (number, state.token.take_refresh(is_evicted))
        };
        *lock(&self.lease) = lease;
        let until = self.deadline.max(now + self.longest_request);
        if let Some(refresh) = refresh {
            match self.ask_by(&By::Refresh(refresh), number, until) {
                Ok(source) => return Outcome::Found(source),
                Err(failed) if is_busy(&failed.failure) || is_final(&failed.failure) => return Outcome::Failed(failed),
                Err(_) => {}
            }
        }
        match self.ask_by(&By::Keys, number, until) {
            Ok(source) => Outcome::Found(source),
            Err(failed) => Outcome::Failed(failed),
        }
    }

    fn ask_by(&mut self, by: &By, number: Number, until: Instant) -> Result<Source, Box<Failed>> {
        let before = self.shared.state().token.asks();
        let asked = Instant::now();
        let reply = (self.settings.ask)(by, until);
        let got = Got { asked, had: Instant::now() };
        let issued = match &reply {
            Ok(reply) => {
                self.shared.state().token.token_call_answered(reply.observed);
                read(reply).map_err(|failure| Failed { failure, retry_after: reply.retry_after })
            }
            Err(no_reply) => Err(Failed {
                failure: Failure::Error(no_reply.clone()),
                retry_after: no_reply.error.retry_after.as_deref().copied(),
            }),
        };
        let issued = issued.map_err(|failed| {
            self.note_failure(by, &failed.failure, before);
            Box::new(failed)
        })?;
        let refresh = match (issued.refresh, by) {
            (None, By::Refresh(refresh)) => Some(refresh.clone()),
            (refresh, _) => refresh,
        };
        let issued = Issued { refresh, ..issued };
        let token = self.shared.state().token.token(issued, number, got, self.settings.lifetime);
        Ok(if self.store.keep(token) { Source::Server } else { Source::Store })
    }

    /// Where certainly no token was given, the one before cannot have been ended by that. `before`: what stood there.
    fn note_failure(&self, by: &By, failure: &Failure, before: Option<Number>) {
        let undelivered = matches!(failure, Failure::Error(NoReply { error, .. }) if error.delivered == Delivered::No);
        let mut state = self.shared.state();
        if undelivered || matches!(failure, Failure::Refused { .. }) {
            state.token.asked_in_vain(before);
        }
        if undelivered && matches!(by, By::Refresh(_)) {
            state.token.refresh_was_not_sent();
        }
    }
}

/// A control center that asks for patience, rather than one that refuses.
fn is_busy(failure: &Failure) -> bool {
    match failure {
        Failure::Refused { is_busy, .. } => *is_busy,
        Failure::Error(NoReply { error, .. }) => matches!(error.http_status, Some(429 | 502 | 503 | 504)),
    }
}

/// A proxy that has refused its password would be asked with it once more.
fn is_final(failure: &Failure) -> bool {
    matches!(failure, Failure::Error(no_reply) if no_reply.error.is_final)
}

/// The tokens in a reply. Without them: the control center says why, or the reply's shape is one that nobody has seen.
fn read(reply: &Reply) -> Result<Issued, Failure> {
    if is_failure(reply.status, &reply.text) {
        let is_busy = reply.status == 429 || reply.status >= 500 || reply.retry_after.is_some();
        return Err(Failure::Refused { reply: reply.text.to_vec(), is_busy });
    }
    Issued::read(&reply.text).ok_or_else(|| {
        let detail = "the control center's reply to the token call holds no access token in a known field: it is neither an object with `accessToken` nor an array";
        let error = Error::new(Kind::Response, "返回内容中没有token", detail);
        let error = Error { http_status: Some(reply.status), delivered: Delivered::Yes, ..error };
        Failure::Error(NoReply { error: Box::new(error), may_repeat: false })
    })
}
