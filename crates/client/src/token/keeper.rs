//! Keeps one account's token for this process: hands it out, and sees to it that one thread gets a new one while the
//! others wait, or go on with the present one.

use std::sync::{Arc, MutexGuard};
use std::time::{Duration, Instant, SystemTime};

use super::account::Account;
use super::account_token::Refused;
use super::ask::{Failure, Need, NoReply};
use super::clock::Observed;
use super::endpoint::Pause;
use super::notice;
use super::renewal::{Purpose, Renewal, Settings};
use super::rights::Advice;
use super::shared_token::{SharedToken, State, UnderWay};
use super::store::Store;
use super::store_access::StoreAccess;
use super::stored_token::StoredToken;
use crate::basics::locks::lock;
use crate::basics::threads;
use crate::basics::time::unix_ms;
use crate::error::{Error, Kind, Refusal, Source, TokenFacts};
use rpa_signing::Secret;
use rpa_signing::scheme::{Encoding, Scheme};

/// A token to call with.
pub(crate) struct Held {
    pub(crate) token: Secret,
    pub(crate) facts: TokenFacts,
    stored: Arc<StoredToken>,
}

impl Held {
    /// Which encoding works in this generation, as it is kept beside the token.
    pub(crate) fn encoding(&self, scheme: &'static dyn Scheme) -> Option<Encoding> {
        let (generation, encoding) = self.stored.encoding.split_once(' ')?;
        let kept = if encoding == "java" { Encoding::Java } else { Encoding::Python };
        (generation == scheme.name()).then_some(kept)
    }

    /// How long it lives yet, in milliseconds, where that is known.
    pub(crate) fn life_left_ms(&self) -> Option<i64> {
        Some(self.stored.expires_ms? - unix_ms(SystemTime::now()))
    }
}

/// What a call has been through with its tokens.
#[derive(Default)]
pub(crate) struct Troubles {
    /// When its first token was refused.
    since: Option<Instant>,
    /// How many tokens were got since then, and refused.
    got: u32,
    /// The last token that was refused.
    last: Option<Refused>,
}

impl Troubles {
    /// What the last refusal looks like.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        self.last.as_ref().map(|refused| refused.refusal)
    }

    /// How many tokens that were got for this call were refused.
    pub(crate) fn tokens_refused(&self) -> u32 {
        self.got
    }
}

pub(crate) struct Keeper {
    pub(super) shared: Arc<SharedToken>,
}

impl Keeper {
    pub(super) fn new(account: Account, store: Arc<dyn Store>) -> Keeper {
        Keeper { shared: Arc::new(SharedToken::new(account, store)) }
    }

    /// How far the control center's clock is ahead of this machine's, in milliseconds, if calls were refused for that.
    pub(crate) fn ahead_ms(&self) -> i64 {
        self.shared.state().token.clock.ahead_ms()
    }

    /// A reply has come. It may tell a time.
    pub(crate) fn observe(&self, observed: Option<Observed>) {
        if let Some(observed) = observed {
            self.shared.state().token.clock.observe(observed);
        }
    }

    /// The clock to stamp a call by that was refused for its time under all of these.
    pub(crate) fn another_clock(&self, refused: &[i64]) -> Option<i64> {
        self.shared.state().token.clock.another(refused, Instant::now())
    }

    /// A call that was stamped by this was taken. What was learned from a refusal is told to others, before the deadline.
    pub(crate) fn clock_is_right(&self, ahead_ms: i64, after_a_refusal: bool, deadline: Instant) {
        let changes = self.shared.state().token.clock.taken(ahead_ms, after_a_refusal, Instant::now());
        if changes {
            notice::spread(&self.shared, deadline);
        }
    }

    /// A call has shown which encoding works in this generation, or that none is known to any more. Others are told before
    /// the deadline, unless they would try that first anyway. One generation is kept.
    pub(crate) fn encoding_is(&self, scheme: &'static dyn Scheme, works: Option<Encoding>, deadline: Instant) {
        {
            let mut state = self.shared.state();
            let before = state.token.encoding();
            let is_of_this = before.split(' ').next() == Some(scheme.name());
            let now = works.map_or_else(String::new, |works| [scheme.name(), " ", works.name()].concat());
            let is_usual = works.is_none_or(|works| works == scheme.usual().0);
            if before == now || (is_usual && !is_of_this) {
                return;
            }
            state.token.encoding_is(now);
        }
        notice::spread(&self.shared, deadline);
    }

    /// A call that was stamped by this was refused like the one before.
    pub(crate) fn clock_is_no_better(&self, ahead_ms: i64) {
        self.shared.state().token.clock.refused_again(ahead_ms, Instant::now());
    }

    /// What to tell a caller whose machine's clock is far off.
    pub(crate) fn clock_warning(&self) -> Option<String> {
        self.shared.state().token.clock.warning()
    }

    /// What is known, for an error of a call that got no token.
    pub(crate) fn facts(&self) -> TokenFacts {
        self.shared.state().token.facts()
    }

    /// The token that this process or the store has, without asking for one. Whoever looks changes nothing.
    pub(crate) fn peek(&self, limit: Duration) -> Option<Held> {
        let found = |source| {
            let state = self.shared.state();
            let token = state.token.usable(None, state.token.now())?;
            Some(held(&state, token, source, true))
        };
        found(Source::Memory).or_else(|| {
            StoreAccess::new(self.shared.clone(), limit).has_newer(None);
            found(Source::Store)
        })
    }

    /// A token that works, as far as anyone knows.
    pub(crate) fn token(&self, need: &Need<'_>) -> Result<Held, Failure> {
        self.newer_than(None, Duration::ZERO, false, need)
    }

    /// An API took the token, in a call that was sent then.
    pub(crate) fn works(&self, held: &Held, api: &str, sent: Instant, troubles: &mut Troubles) {
        let mut state = self.shared.state();
        state.token.works(&held.stored, api, sent);
        if let Some(refused) = troubles.last.take() {
            state.token.was_healed(&refused);
        }
    }

    /// An API refused the token. What to do about it.
    pub(crate) fn refused(&self, held: &Held, api: &str, troubles: &mut Troubles) -> Advice {
        let since = *troubles.since.get_or_insert_with(Instant::now);
        if held.stored.got.is_some_and(|got| got.asked >= since) {
            troubles.got += 1;
        }
        let mut state = self.shared.state();
        let (refused, advice) = state.token.refused(&held.stored, api, troubles.got);
        if let (Advice::HandOn, Some(before)) = (advice, &troubles.last) {
            state.token.was_no_eviction(before);
        }
        let refused = troubles.last.insert(refused);
        if advice == Advice::GiveUp {
            state.token.count_eviction(refused);
        }
        advice
    }

    /// A newer token than this one, which an API refused. Where the control center gives that one anew it stands by it: then
    /// it is not the reason, and no eviction.
    pub(crate) fn replace(
        &self,
        held: &Held,
        api: &str,
        troubles: &mut Troubles,
        need: &Need<'_>,
    ) -> Result<Held, Failure> {
        let is_evicted = troubles.refusal() == Some(Refusal::Eviction);
        let wait = troubles.last.as_ref().map_or(Duration::ZERO, |refused| refused.wait);
        let pause = self.shared.state().token.evictions.pause().max(wait).min(need.time_left(Instant::now()) / 2);
        let newer = self.newer_than(Some(&held.stored), pause, is_evicted, need);
        let mut state = self.shared.state();
        if let Ok(same) = &newer
            && same.token == held.token
        {
            state.token.rights.refuses_what_is_given_anew(api, same.stored.number(), Instant::now());
            return newer;
        }
        if let Some(refused) = &mut troubles.last {
            match &newer {
                Ok(Held { facts: TokenFacts { source: Some(Source::Memory | Source::Store), .. }, .. }) => {
                    refused.refusal = Refusal::Renewed;
                }
                _ => state.token.count_eviction(refused),
            }
        }
        let Held { facts, token, stored } = newer?;
        let evictions = state.token.facts().evictions;
        Ok(Held { facts: TokenFacts { refusal: troubles.refusal(), evictions, ..facts }, token, stored })
    }

    fn newer_than(
        &self,
        refused: Option<&Arc<StoredToken>>,
        pause: Duration,
        is_evicted: bool,
        need: &Need<'_>,
    ) -> Result<Held, Failure> {
        let came = Instant::now();
        let mut state = self.shared.state();
        let had_one = state.token.present().is_some();
        // The renewal that this caller has begun, the one that it waits for, and how many it has seen fail.
        let (mut own, mut awaited, mut failed) = (None, None, 0);
        loop {
            let now = state.token.now();
            if let Some(token) = state.token.usable(refused.map(Arc::as_ref), now) {
                if state.under_way.is_none() && state.token.is_time_to_renew(&token, now) {
                    drop(self.begin(state, Purpose::Ahead, need));
                    state = self.shared.state();
                }
                let source =
                    state.found.filter(|(number, _)| own == Some(*number)).map_or(Source::Memory, |(_, source)| source);
                return Ok(held(&state, token, source, had_one));
            }
            // Whoever asked once more would get it once more.
            let is_given_anew = |token: &&Arc<StoredToken>| {
                refused.is_some_and(|refused| refused.access == token.access)
                    && token.got.is_some_and(|got| got.asked >= came)
            };
            if let Some(same) = state.token.present().filter(is_given_anew).cloned() {
                return Ok(held(&state, same, Source::Server, had_one));
            }
            if let Some(failure) =
                awaited.take().and_then(|number| state.token.endpoint.failure_of(number, need.options))
            {
                failed += 1;
                match failure.clone() {
                    Failure::Error(no_reply) if no_reply.may_repeat && failed < need.options.retry => {}
                    failure => return Err(after(failed, failure)),
                }
            }
            if need.time_left(now.instant).is_zero() {
                return Err(out_of_time(failed));
            }
            if let Some(under_way) = &state.under_way {
                let overdue_at = under_way.overdue_at(need, now.instant);
                if overdue_at.is_none_or(|at| now.instant < at) {
                    let number = under_way.number;
                    state = self.shared.wait(state, overdue_at.map_or(need.deadline, |at| at.min(need.deadline)));
                    awaited = Some(number).filter(|number| !state.goes_on(*number));
                    continue;
                }
            }
            match state.token.endpoint.pause(need.options, now.instant) {
                Some(Pause::Refused(failure)) => return Err(failure),
                Some(Pause::Until(until, failure)) if until >= need.deadline => return Err(after(failed, failure)),
                Some(Pause::Until(until, _)) => {
                    state = self.shared.wait(state, until);
                    continue;
                }
                None => {}
            }
            let purpose = Purpose::Needed { refused: refused.cloned(), is_evicted, pause };
            let number;
            (state, number) = self.begin(state, purpose, need);
            own = Some(number);
            awaited = own.filter(|number| !state.goes_on(*number));
        }
    }

    /// Begins a renewal, in the place of one that is overdue.
    fn begin<'s>(
        &'s self,
        mut state: MutexGuard<'s, State>,
        purpose: Purpose,
        need: &Need<'_>,
    ) -> (MutexGuard<'s, State>, u64) {
        state.renewals += 1;
        let number = state.renewals;
        let (lease, options) = (Arc::default(), Arc::new(need.options.clone()));
        let settings = Arc::clone(&options);
        let overdue = state.under_way.replace(UnderWay { number, lease: Arc::clone(&lease), settings, asked: None });
        drop(state);
        let settings = Settings {
            ask: (need.asking)(),
            options,
            lifetime: need.lifetime,
            time_left: need.time_left(Instant::now()),
        };
        let renewal = Renewal::new(self.shared.clone(), number, lease, settings, purpose);
        // Its answer may come yet, and then it is kept; but its right to ask goes over.
        drop(overdue.and_then(|overdue| lock(&overdue.lease).take()));
        start(renewal);
        (self.shared.state(), number)
    }
}

/// On a thread of its own; where the system has none to give, on this one, and within its call's time.
fn start(renewal: Renewal) {
    let renewal = Arc::new(std::sync::Mutex::new(Some(renewal)));
    let run = |renewal: &std::sync::Mutex<Option<Renewal>>| {
        // The lock is given back before the work begins.
        let taken = lock(renewal).take();
        if let Some(renewal) = taken {
            renewal.run();
        }
    };
    let on_its_own = renewal.clone();
    let thread = threads::spawn("token", move || run(&on_its_own));
    if thread.is_err() {
        if let Some(renewal) = lock(&renewal).as_mut() {
            renewal.keep_to_the_call();
        }
        run(&renewal);
    }
}

impl State {
    fn goes_on(&self, number: u64) -> bool {
        self.under_way.as_ref().is_some_and(|under_way| under_way.number == number)
    }
}

/// `had_one`: there was a token before this one was found.
fn held(state: &State, stored: Arc<StoredToken>, source: Source, had_one: bool) -> Held {
    let age = stored.age(state.token.now());
    let age_ms = age.map(|age| u64::try_from(age.as_millis()).expect("no token is older than 1970"));
    let renewed = source == Source::Server && had_one;
    let facts = TokenFacts { source: Some(source), age_ms, renewed, ..state.token.facts() };
    Held { token: stored.access.clone(), facts, stored }
}

/// The failure of so many attempts.
fn after(attempts: u32, failure: Failure) -> Failure {
    match failure {
        Failure::Error(NoReply { error, may_repeat }) => {
            let attempts = attempts.max(error.attempts);
            Failure::Error(NoReply { error: Box::new(Error { attempts, ..*error }), may_repeat })
        }
        refused => refused,
    }
}

/// The token is being got, and this caller's time is up.
fn out_of_time(attempts: u32) -> Failure {
    let detail = "timed out while waiting for the token (`timeout_ms`); the request for it goes on, and later calls find what it brings";
    let error = Error { attempts, ..Error::new(Kind::Timeout, "等待token超时", detail) };
    Failure::Error(NoReply { error: Box::new(error), may_repeat: false })
}
