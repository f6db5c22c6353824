//! Calls by keys: the library gets the token, and gets another one where the server refuses it.

use std::time::{Instant, SystemTime};

use zeroize::Zeroizing;

use crate::call::exchange::Answered;
use crate::call::prepared::Prepared;
use crate::call::retry::{Policy, Repeat};
use crate::call::sign::show;
use crate::call::token_call;
use crate::error::{Delivered, Error, Kind};
use crate::request::{Credentials, Keys};
use crate::token::{self, By, Clock, Facts, Failure, Need, Reply, is_refused, may_refuse_time};

/// Signs the call with the keys' token and sends it. A token that is refused is replaced: by a newer one that somebody
/// else has got, or else by one that is got now, and then no more. A call that was refused for its time is stamped anew
/// by the control center's clock, once. What was refused did not run, so a post is sent again, too.
pub(crate) fn call(prepared: &Prepared<'_>, keys: &Keys, mut policy: Policy) -> Result<Vec<u8>, Error> {
    let keeper = token::keeper(&prepared.request.address, keys);
    let ask = |by: &By, deadline| ask(prepared, keys, by, deadline);
    let need = Need::new(&ask, policy.deadline, keys.lifetime);
    let mut held = match keeper.token(&need) {
        Ok(held) => held,
        Err(failure) => {
            return without_token(failure, keeper.facts(), keeper.clock(), Delivered::No, "no token could be got");
        }
    };
    // Of refusals that were answered by another attempt.
    let mut refused = 0;
    let (mut replacements, mut may_restamp) = (0..2, true);
    loop {
        let mut used = Clock::default();
        let attempts = policy.call();
        let outcome = policy.run(|| {
            used = keeper.clock();
            let answered = prepared.send(&held.token, used.correct(SystemTime::now()), &attempts)?;
            if let Some(observed) = answered.observed() {
                keeper.observe(observed);
            }
            Ok(answered)
        });
        let refuses_token = refuses_token(&outcome, keys);
        let replaces = held.facts.refusal.is_some();
        if replaces {
            keeper.replaced(&held, !refuses_token);
        }
        let asked = replaces && held.is_new;
        if may_restamp && refuses_time(&outcome, used, keeper.clock()) {
            may_restamp = false;
        } else if refuses_token && !asked && replacements.next().is_some() && keeper.may_replace(&held) {
            let (newer, refusal) = keeper.replace(&held, &need);
            held = match newer {
                Ok(newer) => newer,
                Err(failure) => {
                    let facts = Facts { refusal: Some(refusal), ..keeper.facts() };
                    let what = "the server refused the token, and no new one could be got";
                    return without_token(failure, facts, keeper.clock(), Delivered::Yes, what);
                }
            };
        } else {
            return match outcome {
                Ok(answered) => Ok(answered.text),
                Err(error) => {
                    let attempts = error.attempts.saturating_add(refused);
                    Err(explain(Error { attempts, ..error }, held.facts, keeper.clock()))
                }
            };
        }
        refused = refused.saturating_add(1);
    }
}

/// Signs the call with the keys' token and shows it.
pub(crate) fn sign(prepared: &Prepared<'_>, keys: &Keys, deadline: Instant) -> Result<Vec<u8>, Error> {
    let keeper = token::keeper(&prepared.request.address, keys);
    let ask = |by: &By, deadline| ask(prepared, keys, by, deadline);
    let held = keeper.token(&Need::new(&ask, deadline, keys.lifetime));
    let clock = keeper.clock();
    match held {
        Err(failure) => without_token(failure, keeper.facts(), clock, Delivered::No, "no token could be got"),
        Ok(held) => {
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
    let policy = Policy::new(attempts, Repeat::Idempotent, deadline);
    let answered = token_call::send(&credentials, &prepared.request.address, options, policy)?;
    let (status, observed) = (answered.status(), answered.observed());
    Ok(Reply { text: Zeroizing::new(answered.text), status, observed })
}

fn refuses_token(outcome: &Result<Answered, Error>, keys: &Keys) -> bool {
    match outcome {
        Ok(answered) => is_refused(&keys.refusal, answered.status(), &answered.text),
        // Some servers refuse with a status alone, and without JSON. A proxy knows nothing of the token.
        Err(error) if error.kind == Kind::Proxy => false,
        Err(error) => error.http_status.is_some_and(|status| keys.refusal.http_status.contains(&status)),
    }
}

/// Whether the call was refused for its time: the control center's clock says that it had to be, and so does the reply.
fn refuses_time(outcome: &Result<Answered, Error>, used: Clock, measured: Clock) -> bool {
    let of_time = |answered: &Answered| may_refuse_time(answered.status(), &answered.text);
    used.is_refused_by(measured) && outcome.as_ref().is_ok_and(of_time)
}

/// The control center's refusal of the keys as it came, or the error. `delivered` is about the call, not the token.
fn without_token(
    failure: Failure,
    facts: Facts,
    clock: Clock,
    delivered: Delivered,
    what: &str,
) -> Result<Vec<u8>, Error> {
    match failure {
        Failure::Refused(reply) => Ok(reply),
        Failure::Error(error) => {
            let detail = format!("{what}: {}", error.detail);
            Err(explain(Error { delivered, detail, ..error }, facts, clock))
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
