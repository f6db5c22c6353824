//! Calls by keys: the library gets the token, and gets another one where the server refuses it.

use std::time::{Duration, Instant};

use crate::call::exchange::{Answered, Replied};
use crate::call::now::now;
use crate::call::retry::{Policy, Repeat};
use crate::call::show::show;
use crate::call::signing::{Finds, Outcome, Signing, note_refusal};
use crate::call::token_call;
use crate::call::unstamped::UnstampedCall;
use crate::error::{Delivered, EVICTED, Error, Kind, Refusal, TokenFacts};
use crate::network::attempt::Progress;
use crate::request::{CallRequest, Keys};
use crate::token::{
    self, Advice, Failure, Held, Keeper, Need, NoReply, Troubles, is_failure, is_refused, may_refuse_time, message,
    names_token, refuses_time, speaks_of_time,
};

/// So many clocks are tried for one call beside the first.
const MOST_CLOCKS: usize = 2;

/// With less time than this a call that was refused again and again is not sent once more.
const LAST_MOMENT: Duration = Duration::from_millis(100);

/// Signs the call with the keys' token and sends it. A token that is refused is replaced, as long as time allows and
/// another one may help. A call that was refused for its time is stamped anew by another clock that is known. What was
/// refused did not run, so a post is sent again, too.
pub(crate) fn call(unstamped: &UnstampedCall<'_>, keys: &Keys, policy: Policy) -> Result<Replied, Error> {
    let keeper = token::keeper(&unstamped.request.address, keys);
    let asking = || token_call::asking(&unstamped.request.address, &unstamped.request.options, keys);
    let options = &unstamped.request.options;
    let need = Need { options, deadline: policy.deadline, lifetime: keys.lifetime, asking: &asking };
    match keeper.token(&need) {
        Ok(held) => {
            let clocks = ClocksTried::new(if keys.correct_clock { keeper.ahead_ms() } else { 0 });
            let api = format!("{} {}", unstamped.method(), unstamped.request.path);
            let troubles = Troubles::default();
            let kept = held.encoding(unstamped.request.scheme);
            let signing =
                Signing::known(unstamped, keys.access.expose(), &held.token, kept, policy.deadline).found_out();
            let keeper = &*keeper;
            CallByKeys { unstamped, keys, keeper, need, policy, api, held, troubles, clocks, signing, refused: 0 }.run()
        }
        Err(failure) => {
            policy.progress().seen().token = Some(keeper.facts());
            without_token(failure, keeper.facts(), &keeper, Delivered::No, "no token could be got")
        }
    }
}

/// Signs the call with the keys' token and shows it.
pub(crate) fn sign(
    unstamped: &UnstampedCall<'_>,
    keys: &Keys,
    deadline: Instant,
    progress: &Progress,
) -> Result<Vec<u8>, Error> {
    let keeper = token::keeper(&unstamped.request.address, keys);
    let asking = || token_call::asking(&unstamped.request.address, &unstamped.request.options, keys);
    let need = Need { options: &unstamped.request.options, deadline, lifetime: keys.lifetime, asking: &asking };
    match keeper.token(&need) {
        Err(failure) => without_token(failure, keeper.facts(), &keeper, Delivered::No, "no token could be got")
            .map(|(reply, _)| reply),
        Ok(held) => {
            let ahead_ms = if keys.correct_clock { keeper.ahead_ms() } else { 0 };
            let warnings = warnings(&held.facts, &keeper).collect();
            progress.seen().token = Some(held.facts.clone());
            let kept = held.encoding(unstamped.request.scheme);
            let signing = Signing::known(unstamped, keys.access.expose(), &held.token, kept, deadline);
            show(unstamped, &held.token, signing.encoding, now(ahead_ms)?, warnings, Some(&held.facts))
        }
    }
}

/// A call by keys, under way.
struct CallByKeys<'c, 'p> {
    unstamped: &'c UnstampedCall<'p>,
    keys: &'c Keys,
    keeper: &'c Keeper,
    need: Need<'c>,
    policy: Policy,
    /// What rights are asked of: the method and the path.
    api: String,
    held: Held,
    troubles: Troubles,
    clocks: ClocksTried,
    signing: Signing,
    /// Attempts that were refused, and answered by another one.
    refused: u32,
}

/// The clocks that a call was stamped by.
struct ClocksTried {
    ahead_ms: i64,
    /// Those under which it was refused, and how: the status and the message.
    refused: Vec<i64>,
    refusal: Option<(u16, String)>,
}

impl ClocksTried {
    fn new(ahead_ms: i64) -> ClocksTried {
        ClocksTried { ahead_ms, refused: Vec::new(), refusal: None }
    }
}

impl CallByKeys<'_, '_> {
    fn run(mut self) -> Result<Replied, Error> {
        loop {
            let mut sent = Instant::now();
            let outcome = self.attempt(&mut sent);
            self.judge_clock(&outcome);
            // What a refusal names besides, a token or the time, is set right first.
            let outcome = match self.names_another_cause(&outcome) {
                true => outcome,
                false => match self.judge_signature(outcome) {
                    Some(outcome) => outcome,
                    None => continue,
                },
            };
            if !self.refuses_token(&outcome) {
                self.note_success(&outcome, sent);
                if !self.stamp_anew(&outcome) {
                    match self.judge_signature(outcome) {
                        Some(outcome) => return self.end(outcome),
                        None => continue,
                    }
                }
                self.refused += 1;
                continue;
            }
            let mut advice = self.keeper.refused(&self.held, &self.api, &mut self.troubles);
            if advice == Advice::Replace {
                if self.is_too_late() {
                    return Err(self.evicted(status(&outcome)));
                }
                let refused = self.held.token.clone();
                if let Some(reply) = self.replace_token(&outcome)? {
                    return Ok(reply);
                }
                if self.held.token == refused {
                    advice = Advice::HandOn;
                }
            }
            match advice {
                Advice::Replace => {}
                Advice::HandOn if self.stamp_anew(&outcome) => {}
                Advice::HandOn => match self.judge_signature(outcome) {
                    Some(outcome) => return self.end(outcome),
                    None => continue,
                },
                Advice::GiveUp => return Err(self.evicted(status(&outcome))),
            }
            self.refused += 1;
        }
    }

    /// Nothing is sent in the last moment that would then be in doubt.
    fn is_too_late(&self) -> bool {
        self.troubles.tokens_refused() > 0 && self.policy.deadline < Instant::now() + LAST_MOMENT
    }

    fn attempt(&mut self, sent: &mut Instant) -> Result<Answered, Error> {
        let CallByKeys { unstamped, keeper, held, policy, clocks, signing, .. } = self;
        let call = policy.call();
        policy.run(|| {
            *sent = Instant::now();
            let answered = unstamped.send(&held.token, signing.encoding, now(clocks.ahead_ms)?, &call)?;
            keeper.observe(answered.observed());
            Ok(answered)
        })
    }

    /// Whether a refusal names the token, or the time where another clock is known.
    fn names_another_cause(&self, outcome: &Outcome) -> bool {
        let Ok(answered) = outcome else { return false };
        let of_time = || {
            let refused = [&self.clocks.refused[..], &[self.clocks.ahead_ms]].concat();
            self.keys.correct_clock && self.keeper.another_clock(&refused).is_some() && speaks_of_time(&answered.text)
        };
        is_failure(answered.status(), &answered.text) && (names_token(&self.keys.refusal, &answered.text) || of_time())
    }

    /// What the attempt says of the encoding; `None` where it is to be sent once more, the other way.
    fn judge_signature(&mut self, outcome: Outcome) -> Option<Outcome> {
        let CallRequest { scheme, signature_refused, .. } = &self.unstamped.request;
        note_refusal(self.unstamped, &self.held.token, &outcome, self.policy.progress());
        let Ok((outcome, finds)) = self.signing.after(outcome, signature_refused) else {
            self.refused += 1;
            return None;
        };
        let works = match finds {
            Finds::Nothing => return Some(outcome),
            Finds::Works(encoding) => Some(encoding),
            Finds::NoLonger => None,
        };
        self.keeper.encoding_is(*scheme, works, self.policy.deadline);
        Some(outcome)
    }

    fn refuses_token(&self, outcome: &Result<Answered, Error>) -> bool {
        match outcome {
            Ok(answered) => is_refused(&self.keys.refusal, answered.status(), &answered.text),
            // Some servers refuse with a status alone, and without JSON. A proxy knows nothing of the token.
            Err(error) if error.kind == Kind::Proxy => false,
            Err(error) => error.http_status.is_some_and(|status| self.keys.refusal.http_status.contains(&status)),
        }
    }

    /// The server took the token, as far as its reply shows it.
    fn note_success(&mut self, outcome: &Result<Answered, Error>, sent: Instant) {
        let Ok(answered) = outcome else { return };
        if answered.status() < 500 && !may_refuse_time(answered.status(), &answered.text) {
            self.keeper.works(&self.held, &self.api, sent, &mut self.troubles);
        }
    }

    /// Whether the clock that this attempt was stamped by was better than the one before.
    fn judge_clock(&mut self, outcome: &Result<Answered, Error>) {
        let Ok(answered) = outcome else { return };
        if !self.keys.correct_clock {
            return;
        }
        let (status, reply) = (answered.status(), &answered.text);
        let (ahead_ms, deadline) = (self.clocks.ahead_ms, self.policy.deadline);
        match self.clocks.refusal.take() {
            Some(refusal) if refusal == (status, message(reply)) => self.keeper.clock_is_no_better(ahead_ms),
            Some(_) => self.keeper.clock_is_right(ahead_ms, true, deadline),
            // It may have been refused for its encoding as well, in the same words.
            None if !is_failure(status, reply) => {
                self.keeper.clock_is_right(ahead_ms, !self.clocks.refused.is_empty(), deadline);
            }
            None => {}
        }
    }

    /// Where the reply may refuse the call for its time, and another clock is known that would make a difference.
    fn stamp_anew(&mut self, outcome: &Result<Answered, Error>) -> bool {
        let Ok(answered) = outcome else { return false };
        let (status, reply) = (answered.status(), &answered.text);
        // What runs twice without harm may be tried on a suspicion; a post may not.
        let is_refused = match self.policy.repeat {
            Repeat::Undelivered => refuses_time(status, reply),
            Repeat::Idempotent | Repeat::Anything => may_refuse_time(status, reply),
        };
        if !self.keys.correct_clock || self.clocks.refused.len() >= MOST_CLOCKS || !is_refused {
            return false;
        }
        self.clocks.refused.push(self.clocks.ahead_ms);
        let Some(ahead_ms) = self.keeper.another_clock(&self.clocks.refused) else { return false };
        self.clocks.ahead_ms = ahead_ms;
        self.clocks.refusal = Some((status, message(reply)));
        true
    }

    /// Goes on with another token, or with the same where the control center gives that anew; returns what the caller gets
    /// where there is none.
    fn replace_token(&mut self, outcome: &Result<Answered, Error>) -> Result<Option<Replied>, Error> {
        match self.keeper.replace(&self.held, &self.api, &mut self.troubles, &self.need) {
            Ok(newer) => {
                self.held = newer;
                Ok(None)
            }
            Err(Failure::Error(NoReply { error, .. }))
                if error.kind == Kind::Timeout
                    && (self.troubles.refusal() == Some(Refusal::Eviction) || self.troubles.tokens_refused() > 0) =>
            {
                Err(self.evicted(status(outcome)))
            }
            Err(failure) => {
                let facts = TokenFacts { refusal: self.troubles.refusal(), ..self.keeper.facts() };
                let what = "the server refused the token, and no new one could be got";
                without_token(failure, facts, self.keeper, Delivered::Yes, what).map(Some)
            }
        }
    }

    fn end(self, outcome: Result<Answered, Error>) -> Result<Replied, Error> {
        match outcome {
            Ok(answered) => {
                self.policy.progress().seen().token = Some(self.held.facts);
                Ok(answered.replied())
            }
            Err(error) => {
                let attempts = error.attempts + self.refused;
                Err(explain(Error { attempts, ..error }, self.held.facts, self.keeper))
            }
        }
    }

    /// The server's refusal would say that the token has ended, which is true and of no use.
    fn evicted(&self, http_status: Option<u16>) -> Error {
        let facts = TokenFacts { refusal: self.troubles.refusal(), ..self.keeper.facts() };
        let cause = match facts.store_trouble {
            None => "token一再被别处取得的新token顶掉,请让所有机器人共用一个token_store,或各用各的accesskey",
            Some(_) => "token_store不可用,各进程取得的token互相顶掉,请先修好token_store",
        };
        let times = self.troubles.tokens_refused() + 1;
        let mut detail = format!(
            "the server refused this call {times} times for its token, though it was got anew each time; the call did not run"
        );
        if facts.advice().is_none() {
            detail = format!("{detail}: {EVICTED}");
        }
        let error = Error { http_status, delivered: Delivered::Yes, ..Error::new(Kind::Response, cause, detail) };
        explain(Error { attempts: self.refused + 1, ..error }, facts, self.keeper)
    }
}

fn status(outcome: &Result<Answered, Error>) -> Option<u16> {
    match outcome {
        Ok(answered) => Some(answered.status()),
        Err(error) => error.http_status,
    }
}

/// The control center's refusal of the keys as it came, or the error. `delivered` is about the call, not the token.
fn without_token(
    failure: Failure,
    facts: TokenFacts,
    keeper: &Keeper,
    delivered: Delivered,
    what: &str,
) -> Result<Replied, Error> {
    match failure {
        Failure::Refused { reply, .. } => Ok((reply, None)),
        Failure::Error(NoReply { error, .. }) => {
            let detail = format!("{what}: {}", error.detail);
            Err(explain(Error { delivered, detail, ..*error }, facts, keeper))
        }
    }
}

/// The error, with what is known of the token.
fn explain(error: Error, facts: TokenFacts, keeper: &Keeper) -> Error {
    let detail = [error.detail].into_iter().chain(warnings(&facts, keeper)).collect::<Vec<_>>().join("; ");
    Error { detail, token: Some(Box::new(facts)), ..error }
}

fn warnings(facts: &TokenFacts, keeper: &Keeper) -> impl Iterator<Item = String> {
    [keeper.clock_warning(), facts.advice(), facts.store_warning()].into_iter().flatten()
}
