//! What a process knows of one account's token, and the rules that follow from it. No thread, no store and no request: who
//! asks says what time it is.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::clock::{Clock, Observed, machine};
use super::endpoint::Endpoint;
use super::evictions::Evictions;
use super::issued::Issued;
use super::lifetimes::{End, Lifetimes, SHORTEST};
use super::rights::{Advice, Rights};
use super::store::Trouble;
use super::stored_token::{Got, Moment, Number, StoredToken, clocks_with};
use crate::basics::time::unix_ms;
use crate::error::{Refusal, TokenFacts};
use rpa_signing::Secret;

/// Between two attempts to renew a token that still works: a quarter of what it has left, within these.
const SHORTEST_REST: Duration = Duration::from_millis(50);
const LONGEST_REST: Duration = Duration::from_secs(30);
/// Without their store processes end each other's tokens; for so long after it came back nobody else is accused.
const STORE_ECHOES: Duration = Duration::from_secs(10);

#[derive(Default)]
pub(super) struct AccountToken {
    present: Option<Arc<StoredToken>>,
    pub(super) clock: Clock,
    pub(super) lifetimes: Lifetimes,
    pub(super) evictions: Evictions,
    pub(super) rights: Rights,
    pub(super) endpoint: Endpoint,
    /// Which encoding works, as a stored token has it; `None` until this process has seen that.
    encoding: Option<String>,
    /// The greatest age at which the token of this number was seen to work.
    worked: (Number, Duration),
    /// The latest token that was refused.
    last_refused: Option<Number>,
    /// The token that was there as this process last asked for another one, which may have ended it.
    asked_over: Option<Number>,
    /// The generation whose refresh token was refused, or may be used up.
    dead_refresh: Option<u64>,
    /// A token that still works is not renewed before this.
    rests_until: Option<Instant>,
    trouble: Option<Trouble>,
    had_trouble: Option<Instant>,
}

/// A token that was refused, as one that takes its place remembers it.
#[derive(Debug, Clone)]
pub(super) struct Refused {
    pub(super) refusal: Refusal,
    token: Number,
    end: Option<End>,
    /// How long to wait before another one is got.
    pub(super) wait: Duration,
    is_counted: bool,
}

impl AccountToken {
    pub(super) fn now(&self) -> Moment {
        Moment {
            instant: Instant::now(),
            unix_ms: unix_ms(SystemTime::now()),
            ahead_ms: self.clock.is_confirmed().then(|| self.clock.ahead_ms()),
        }
    }

    pub(super) fn present(&self) -> Option<&Arc<StoredToken>> {
        self.present.as_ref()
    }

    /// The present token, if it may follow the one that was refused, and has not expired.
    pub(super) fn usable(&self, refused: Option<&StoredToken>, now: Moment) -> Option<Arc<StoredToken>> {
        let follows = |token: &&Arc<StoredToken>| refused.is_none_or(|refused| token.may_follow(refused));
        self.present.as_ref().filter(follows).filter(|token| !token.is_expired(now)).cloned()
    }

    /// Takes a token from the store or from the control center, unless the present one is as new or newer. Two processes
    /// that were both without their store may have given one number to two tokens; then the other one may follow the one
    /// that was refused.
    pub(super) fn adopt(&mut self, token: Arc<StoredToken>, refused: Option<&StoredToken>) {
        if let Some(&ahead_ms) = token.clocks.get(machine()) {
            self.clock.adopt(ahead_ms);
        }
        let follows = |present: &Arc<StoredToken>| {
            token.is_newer_than(present)
                || refused.is_some_and(|refused| present.access == refused.access && token.may_follow(refused))
        };
        if self.present.as_ref().is_none_or(follows) {
            self.present = Some(token);
        }
    }

    #[cfg(test)]
    pub(super) fn put(&mut self, token: StoredToken) {
        self.present = Some(Arc::new(token));
    }

    /// Whether a renewal on the side is called for.
    pub(super) fn is_time_to_renew(&self, token: &StoredToken, now: Moment) -> bool {
        token.is_due(now) && self.rests_until.is_none_or(|until| now.instant >= until)
    }

    /// A renewal on the side has come to nothing: when to try again.
    pub(super) fn rest(&mut self, at_least: Duration) {
        let now = self.now();
        let left = self.present.as_ref().and_then(|token| token.life_left(now));
        let rest = left.map_or(LONGEST_REST, |left| (left / 4).clamp(SHORTEST_REST, LONGEST_REST));
        self.rests_until = Some(now.instant + rest.max(at_least));
    }

    /// Somebody else is renewing.
    pub(super) fn rest_a_moment(&mut self) {
        self.rests_until = Some(Instant::now() + SHORTEST_REST);
    }

    /// What the store said last.
    pub(super) fn store_said<T>(&mut self, result: &Result<T, Trouble>) {
        self.trouble = result.as_ref().err().cloned();
        if self.trouble.is_some() {
            self.had_trouble = Some(Instant::now());
        }
    }

    /// The refresh token to ask with. One that was sent with a request is used up, unless that could not be delivered.
    pub(super) fn take_refresh(&mut self, evicted: bool) -> Option<Secret> {
        let present = self.present.as_ref()?;
        let refresh = present.refresh.clone().filter(|_| !evicted && self.dead_refresh != Some(present.generation))?;
        self.dead_refresh = Some(present.generation);
        Some(refresh)
    }

    pub(super) fn refresh_was_not_sent(&mut self) {
        self.dead_refresh = None;
    }

    /// A token is being asked for. From now on a refusal of the present one may be our own doing.
    pub(super) fn asks(&mut self) -> Option<Number> {
        std::mem::replace(&mut self.asked_over, self.present.as_ref().map(|token| token.number()))
    }

    /// It was not given.
    pub(super) fn asked_in_vain(&mut self, before: Option<Number>) {
        self.asked_over = before;
    }

    /// A token call was answered, perhaps with a time.
    pub(super) fn token_call_answered(&mut self, observed: Option<Observed>) {
        match observed {
            Some(observed) => self.clock.observe(observed),
            None => self.clock.observe_nothing(),
        }
    }

    /// The token that a reply holds, as it is kept. `lifetime`: what the caller knows of that.
    pub(super) fn token(&self, issued: Issued, number: Number, got: Got, lifetime: Option<Duration>) -> StoredToken {
        let since =
            |instant: Instant| i64::try_from(instant.elapsed().as_millis()).expect("no request takes that long");
        let issued_ms = unix_ms(SystemTime::now()) + self.clock.ahead_ms() - since(got.asked);
        let told = issued.life.and_then(|life| self.lifetimes.told(life, issued_ms));
        let life = told.or(lifetime).or_else(|| self.lifetimes.seen());
        let milliseconds = |life: Duration| i64::try_from(life.as_millis()).ok();
        StoredToken {
            generation: number.0,
            alone: number.1,
            access: issued.access,
            refresh: issued.refresh,
            issued_ms,
            expires_ms: life.and_then(milliseconds).and_then(|life| issued_ms.checked_add(life)),
            ahead_ms: self.clock.ahead_ms(),
            machine: machine().to_owned(),
            unconfirmed: !self.clock.is_confirmed(),
            clocks: clocks_with(self.clocks(), self.clock.ahead_ms()),
            encoding: self.encoding().to_owned(),
            got: Some(got),
        }
    }

    /// A token was taken by an API, in a call that was sent then.
    pub(super) fn works(&mut self, token: &StoredToken, api: &str, sent: Instant) {
        self.rights.taken(api, token.number(), sent);
        if let Some(age) = token.age_at_least(sent) {
            self.lifetimes.works(age);
            if self.worked.0 != token.number() || self.worked.1 < age {
                self.worked = (token.number(), age);
            }
        }
    }

    /// A token was refused. What that looks like by its times, and what is to be done.
    pub(super) fn refused(&mut self, token: &StoredToken, api: &str, got: u32) -> (Refused, Advice) {
        let now = self.now();
        let worked = if self.worked.0 == token.number() { self.worked.1 } else { Duration::ZERO };
        let age = token.age(now);
        let looks_like = self.lifetimes.refusal(token.life(), worked, age);
        let is_ours = self.asked_over.is_some_and(|over| token.number() <= over);
        let refusal = if is_ours && looks_like == Refusal::Eviction { Refusal::Renewed } else { looks_like };
        let evictions_go_on = self.evictions.go_on(now.instant);
        let (advice, wait) = self.rights.refused(api, token.number(), got, evictions_go_on, now.instant);
        // However it looks by its times: who got a token a moment ago must not get the next one at once.
        if refusal != Refusal::Renewed && advice != Advice::HandOn && self.last_refused < Some(token.number()) {
            self.last_refused = Some(token.number());
            if let Some(life) = token.age_at_least(now.instant).or(age) {
                self.evictions.lived(life);
            }
        }
        let end = age.map(|refused| End { told: token.life(), worked, refused });
        (Refused { refusal, token: token.number(), end, wait, is_counted: false }, advice)
    }

    /// Nobody who shares the store had a newer token.
    pub(super) fn count_eviction(&mut self, refused: &mut Refused) {
        // What processes do to each other while they are without their store is told as the store's trouble.
        let now = Instant::now();
        let echoes = self.had_trouble.is_some_and(|at| now.duration_since(at) < STORE_ECHOES);
        if refused.refusal == Refusal::Eviction && !echoes {
            self.evictions.count(refused.token, now);
            refused.is_counted = true;
        }
    }

    /// What machines' clocks are corrected by, as far as the present token tells it.
    pub(super) fn clocks(&self) -> BTreeMap<String, i64> {
        self.present.as_ref().map_or_else(BTreeMap::new, |token| token.clocks.clone())
    }

    /// Which encoding works, as far as this process or the present token knows.
    pub(super) fn encoding(&self) -> &str {
        let kept = || self.present.as_ref().map_or("", |token| &token.encoding);
        self.encoding.as_deref().unwrap_or_else(kept)
    }

    /// A call has shown it.
    pub(super) fn encoding_is(&mut self, encoding: String) {
        self.encoding = Some(encoding);
    }

    /// The call that was refused with one token was taken with the next one.
    pub(super) fn was_healed(&mut self, refused: &Refused) {
        match (refused.refusal, refused.end) {
            (Refusal::Renewed, _) | (Refusal::Expiry, None) => {}
            (Refusal::Expiry, Some(end)) if end.refused >= SHORTEST => self.lifetimes.ended(end),
            _ => self.evictions.is_certain(Instant::now()),
        }
    }

    /// The refusal had nothing to do with the token.
    pub(super) fn was_no_eviction(&mut self, refused: &Refused) {
        if refused.is_counted {
            self.evictions.take_back(refused.token);
        }
    }

    pub(super) fn facts(&self) -> TokenFacts {
        TokenFacts {
            evictions: self.evictions.recent(Instant::now()),
            store_trouble: self.trouble.as_ref().map(|Trouble(why)| why.clone()),
            ..TokenFacts::default()
        }
    }
}
