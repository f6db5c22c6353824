//! Calls by keys: the library gets the token, and gets another one where the server refuses it.

use std::cell::Cell;
use std::time::{Instant, SystemTime};

use zeroize::Zeroizing;

use crate::error::{Delivered, Error};
use crate::exchange::Answered;
use crate::prepared::Prepared;
use crate::request::{Credentials, Keys};
use crate::retry::{Policy, Repeat};
use crate::sign::show;
use crate::token::{self, By, Clock, Facts, Failure, Keeper, Need, Reply, is_refused, is_success};
use crate::token_call;

/// Signs the call with the keys' token and sends it. A token that is refused is replaced, once; a call that was refused
/// for its time is stamped anew by the control center's clock, once. The server did not run it then, so a post is sent
/// again, too.
///
/// What takes a refused token's place may be one that another process had got long before, and that was evicted as well.
/// So one that was not got for this call does not count.
pub(crate) fn call(prepared: &Prepared<'_>, keys: &Keys, policy: Policy) -> Result<String, Error> {
    let keeper = token::keeper(&prepared.request.address, keys);
    let ask = |by: &By, deadline| ask(prepared, keys, by, deadline);
    let need = Need { ask: &ask, deadline: policy.deadline, lifetime: keys.lifetime };
    let mut held = match keeper.token(&need) {
        Ok(held) => held,
        Err(failure) => return without_token(failure, &keeper, Delivered::No, "no token could be got"),
    };
    let (mut replacements, mut may_restamp) = (0..2, true);
    loop {
        let used = Cell::new(Clock::default());
        let outcome = policy.run(|| {
            used.set(keeper.clock());
            let timestamp = used.get().correct(SystemTime::now());
            let answered = prepared.send(&held.token, timestamp, policy.deadline)?;
            answered.observed.map(|observed| keeper.observe(observed));
            Ok(answered)
        });
        if !held.facts.renewed && refuses_token(&outcome, keys) && replacements.next().is_some() {
            held = match keeper.replace(&held, &need) {
                Ok(newer) => newer,
                Err(failure) => {
                    let during =
                        "the server refused the token, so that the call did not run, and no new token could be got";
                    return without_token(failure, &keeper, Delivered::Yes, during);
                }
            };
        } else if may_restamp && refuses_time(&outcome, used.get(), keeper.clock()) {
            may_restamp = false;
        } else {
            return match outcome {
                Ok(answered) => Ok(answered.text),
                Err(error) => Err(explain(error, held.facts, keeper.clock())),
            };
        }
    }
}

/// Signs the call with the keys' token and shows it.
pub(crate) fn sign(prepared: &Prepared<'_>, keys: &Keys, policy: Policy) -> Result<String, Error> {
    let keeper = token::keeper(&prepared.request.address, keys);
    let ask = |by: &By, deadline| ask(prepared, keys, by, deadline);
    let need = Need { ask: &ask, deadline: policy.deadline, lifetime: keys.lifetime };
    match keeper.token(&need) {
        Err(failure) => without_token(failure, &keeper, Delivered::No, "no token could be got"),
        Ok(held) => {
            let clock = keeper.clock();
            let warnings = warnings(&held.facts, clock).collect();
            show(prepared, &held.token, clock.correct(SystemTime::now()), warnings, Some(&held.facts))
        }
    }
}

/// Asks the control center for a token. A refresh is tried once: behind it are the keys.
fn ask(prepared: &Prepared<'_>, keys: &Keys, by: &By, deadline: Instant) -> Result<Reply, Error> {
    let options = &prepared.request.options;
    let (credentials, attempts) = match by {
        By::Refresh(token) => (Credentials::Refresh(token.clone()), 1),
        By::Keys => (Credentials::Keys { access: keys.access.clone(), secret: keys.secret.clone() }, options.retry),
    };
    let policy = Policy { attempts, repeat: Repeat::Idempotent, deadline };
    let Answered { text, status, observed } =
        token_call::send(&credentials, &prepared.request.address, options, policy)?;
    Ok(Reply { text: Zeroizing::new(text), status, observed })
}

fn refuses_token(outcome: &Result<Answered, Error>, keys: &Keys) -> bool {
    match outcome {
        Ok(answered) => is_refused(&keys.refusal, answered.status, &answered.text),
        // Some servers refuse with a status alone, and without JSON.
        Err(error) => error.http_status.is_some_and(|status| keys.refusal.http_status.contains(&status)),
    }
}

/// Whether the call was refused, and by the control center's clock had to be.
fn refuses_time(outcome: &Result<Answered, Error>, used: Clock, measured: Clock) -> bool {
    let refused = |answered: &Answered| !is_success(answered.status, &answered.text);
    used.is_refused_by(measured) && outcome.as_ref().is_ok_and(refused)
}

/// The control center's refusal of the keys as it came, or the error. `delivered` is about the call, not the token.
fn without_token(failure: Failure, keeper: &Keeper, delivered: Delivered, what: &str) -> Result<String, Error> {
    match failure {
        Failure::Refused(reply) => Ok(reply),
        Failure::Error(error) => {
            let detail = format!("{what}: {}", error.detail);
            Err(explain(Error { delivered, detail, ..error }, keeper.facts(), keeper.clock()))
        }
    }
}

/// The error, with what is known of the token.
fn explain(error: Error, facts: Facts, clock: Clock) -> Error {
    let detail = [error.detail].into_iter().chain(warnings(&facts, clock)).collect::<Vec<_>>().join("; ");
    Error { detail, token: Some(Box::new(facts)), ..error }
}

fn warnings(facts: &Facts, clock: Clock) -> impl Iterator<Item = String> {
    [clock.warning(), facts.advice(), facts.store_warning()].into_iter().flatten()
}
