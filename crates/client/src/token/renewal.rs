//! One thread's way to a new token: from the store, or else from the control center.
//!
//! It is a thread of its own, so that a request that was sent is waited for, however long the call lasts that wanted it: a
//! reply that nobody takes may have ended the token before, and used up its refresh token.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::ask::{Ask, By, Failure, NoReply, Reply};
use super::issued::Issued;
use super::refusal::is_failure;
use super::shared_token::SharedToken;
use super::store::{Lease, Trouble};
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
/// A store that does not answer one question within this is lost.
const STORE_ANSWERS: Duration = Duration::from_millis(500);
/// So much time it has at least.
const HURRIED_STORE: Duration = Duration::from_millis(100);
/// Who answers within this is not slow: to wait for another process's token takes many looks.
const QUICK: Duration = Duration::from_millis(20);
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
    pub(super) shared: Arc<SharedToken>,
    pub(super) number: u64,
    pub(super) lease: Arc<Mutex<Option<Lease>>>,
    pub(super) ask: Arc<Ask>,
    pub(super) settings: Arc<Options>,
    /// How long a token lives where the server's reply does not tell it.
    pub(super) lifetime: Option<Duration>,
    pub(super) purpose: Purpose,
    /// For so long another process's token is waited for.
    pub(super) deadline: Instant,
    /// For so long the store may work, while a call waits.
    pub(super) store_time: Duration,
    pub(super) longest_request: Duration,
}

enum Outcome {
    Found(Source),
    Failed(Box<Failed>),
    /// Somebody else is at it.
    LeftToOthers,
}

/// A request that brought no token.
struct Failed {
    failure: Failure,
    /// How long the server asks to wait before the next one.
    retry_after: Option<Duration>,
}

impl Renewal {
    pub(super) fn new(
        shared: Arc<SharedToken>,
        ask: Arc<Ask>,
        settings: Arc<Options>,
        lifetime: Option<Duration>,
        purpose: Purpose,
        time_left: Duration,
    ) -> Renewal {
        let store_time = match purpose {
            // Half of the time is left for the call. One that is in a hurry must not make a store look slow that is not.
            Purpose::Needed { .. } => (time_left / 2).max(HURRIED_STORE),
            Purpose::Ahead => LONGEST_REQUEST,
        };
        let (number, lease, deadline) = (0, Arc::default(), Instant::now() + time_left);
        Renewal {
            shared,
            number,
            lease,
            ask,
            settings,
            lifetime,
            purpose,
            deadline,
            store_time,
            longest_request: LONGEST_REQUEST,
        }
    }

    /// Goes the whole way, and tells those who wait what has come of it.
    pub(super) fn run(mut self) {
        let landing = Landing {
            shared: self.shared.clone(),
            number: self.number,
            settings: self.settings.clone(),
            ahead: matches!(self.purpose, Purpose::Ahead),
            landed: false,
        };
        let outcome = match self.purpose.clone() {
            Purpose::Needed { refused, is_evicted, pause } => self.fetch(refused.as_deref(), is_evicted, pause),
            Purpose::Ahead => self.renew(),
        };
        let busy = matches!(&outcome, Outcome::Failed(failed) if is_busy(&failed.failure));
        let pause = landing.land(outcome);
        let lease = lock(&self.lease).take();
        if busy && lease.is_some() {
            thread::sleep(pause.min(LONGEST_HOLD));
        }
    }

    /// A token, since there is none that works.
    fn fetch(&mut self, refused: Option<&StoredToken>, is_evicted: bool, pause: Duration) -> Outcome {
        let mut look = LOOK;
        if let Some(found) = self.look(refused) {
            return found;
        }
        if !pause.is_zero() {
            thread::sleep(pause);
        }
        loop {
            match self.lease() {
                // Whoever had the lease before may have got one.
                Ok(Some(lease)) => {
                    return self.look(refused).unwrap_or_else(|| self.ask(Some(lease), is_evicted));
                }
                // Without the store every process is on its own.
                Err(Trouble(_)) => return self.ask(None, is_evicted),
                Ok(None) => {}
            }
            let left = self.deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Outcome::LeftToOthers;
            }
            // Not all at once.
            thread::sleep(look.mul_f64(0.5 + fastrand::f64()).min(left));
            look = (look * 2).min(LONGEST_LOOK);
            if let Some(found) = self.look(refused) {
                return found;
            }
        }
    }

    /// A newer token in place of one that still works for a while.
    fn renew(&mut self) -> Outcome {
        let present = self.shared.state().token.present().cloned();
        if let Some(found) = self.look(present.as_deref()) {
            return found;
        }
        match self.lease() {
            Ok(None) => Outcome::LeftToOthers,
            Ok(Some(lease)) => self.look(present.as_deref()).unwrap_or_else(|| self.ask(Some(lease), false)),
            Err(Trouble(_)) => self.ask(None, false),
        }
    }

    /// What the store holds, if it may follow the one that was refused, and works.
    fn look(&mut self, refused: Option<&StoredToken>) -> Option<Outcome> {
        let shared = self.shared.clone();
        let found = self.of_store(|limit| shared.store.load(shared.account.name(), limit)).ok()?;
        let mut state = shared.state();
        if let Some(token) = found.and_then(|sealed| StoredToken::open(&sealed, &shared.account)) {
            state.token.adopt(Arc::new(token), refused);
        }
        let now = state.token.now();
        state.token.usable(refused, now).map(|_| Outcome::Found(Source::Store))
    }

    fn lease(&mut self) -> Result<Option<Lease>, Trouble> {
        let shared = self.shared.clone();
        let above = shared.state().token.present().map_or(0, |token| token.generation);
        let lease = self.of_store(|limit| shared.store.try_lease(shared.account.name(), above, limit));
        if matches!(lease, Ok(None)) {
            // The time goes to another process, and not to the store.
            self.store_time = self.store_time.max(STORE_ANSWERS);
        }
        lease
    }

    /// Lets the store work for as long as it may, and remembers for the caller whether it can be used.
    fn of_store<T>(&mut self, work: impl FnOnce(Duration) -> Result<T, Trouble>) -> Result<T, Trouble> {
        let (begun, limit) = (Instant::now(), STORE_ANSWERS.min(self.store_time));
        let result = match limit.is_zero() {
            true => Err(Trouble("the store of `token_store` is too slow".to_owned())),
            false => work(limit),
        };
        self.store_time = self.store_time.saturating_sub(begun.elapsed().saturating_sub(QUICK));
        self.shared.state().token.store_said(&result);
        result
    }

    /// Asks the control center: by the refresh token, and by the keys where there is none or it fails. A token that was
    /// evicted has taken its refresh token with it.
    fn ask(&mut self, lease: Option<Lease>, is_evicted: bool) -> Outcome {
        let now = Instant::now();
        let alone = (self.deadline.saturating_duration_since(now) / 2).clamp(ALONE_AT_LEAST, ALONE_AT_MOST);
        let (number, refresh) = {
            let mut state = self.shared.state();
            if let Some(under_way) = state.under_way.as_mut().filter(|under_way| under_way.number == self.number) {
                under_way.overdue_at = Some(now + alone);
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
                Err(failed) if is_busy(&failed.failure) => return Outcome::Failed(failed),
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
        let reply = (self.ask)(by, until);
        let had = Instant::now();
        let mut state = self.shared.state();
        let issued = match &reply {
            Ok(reply) => {
                match reply.observed {
                    Some(observed) => state.token.clock.observe(observed),
                    None => state.token.clock.observe_nothing(),
                }
                read(reply).map_err(|failure| Box::new(Failed { failure, retry_after: reply.retry_after }))
            }
            Err(no_reply) => {
                let retry_after = no_reply.error.retry_after;
                Err(Box::new(Failed { failure: Failure::Error(no_reply.clone()), retry_after }))
            }
        };
        let issued = issued.inspect_err(|failed| {
            let no_token = match &failed.failure {
                Failure::Refused { .. } => true,
                Failure::Error(NoReply { error, .. }) => error.delivered == Delivered::No,
            };
            if no_token {
                state.token.asked_in_vain(before);
            }
            if no_token && matches!((by, &failed.failure), (By::Refresh(_), Failure::Error(_))) {
                state.token.refresh_was_not_sent();
            }
        })?;
        let refresh = match (issued.refresh, by) {
            (None, By::Refresh(refresh)) => Some(refresh.clone()),
            (refresh, _) => refresh,
        };
        let issued = Issued { refresh, ..issued };
        let token = state.token.token(issued, number, Got { asked, had }, self.lifetime);
        drop(state);
        Ok(self.keep(token))
    }

    /// Keeps a new token, here and in the store. One whose reply came late does not take the place of a newer one.
    fn keep(&mut self, token: StoredToken) -> Source {
        let shared = self.shared.clone();
        self.store_time = self.store_time.max(STORE_ANSWERS);
        let sealed = token.seal(&shared.account);
        let saved =
            sealed.map(|sealed| self.of_store(|limit| shared.store.save(shared.account.name(), &sealed, limit)));
        let token = Arc::new(token);
        shared.state().token.adopt(token.clone(), None);
        match saved {
            Some(Ok(false)) if self.look(Some(&token)).is_some() => Source::Store,
            _ => Source::Server,
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
        Failure::Error(NoReply { error, may_repeat: false })
    })
}

/// Ends a renewal, also where its thread panics.
struct Landing {
    shared: Arc<SharedToken>,
    number: u64,
    settings: Arc<Options>,
    ahead: bool,
    landed: bool,
}

impl Landing {
    /// How long nobody asks.
    fn land(mut self, outcome: Outcome) -> Duration {
        self.end(outcome)
    }

    fn end(&mut self, outcome: Outcome) -> Duration {
        self.landed = true;
        let mut state = self.shared.state();
        let mut pause = Duration::ZERO;
        match outcome {
            Outcome::Found(source) => {
                if source == Source::Server {
                    state.token.endpoint.is_well();
                }
                state.found = Some((self.number, source));
            }
            Outcome::Failed(failed) => {
                let (Failed { failure, retry_after }, now) = (*failed, Instant::now());
                pause = state.token.endpoint.failed(failure, self.settings.clone(), retry_after, self.number, now);
                if self.ahead {
                    state.token.rest(pause);
                }
            }
            Outcome::LeftToOthers if self.ahead => state.token.rest_a_moment(),
            Outcome::LeftToOthers => {}
        }
        if state.under_way.as_ref().is_some_and(|under_way| under_way.number == self.number) {
            state.under_way = None;
        }
        drop(state);
        self.shared.wake();
        pause
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        if !self.landed {
            let error =
                Error::new(Kind::Internal, "程序内部错误", "a thread that was getting a token ended without one");
            let failure = Failure::Error(NoReply { error, may_repeat: false });
            self.end(Outcome::Failed(Box::new(Failed { failure, retry_after: None })));
        }
    }
}
