//! The way of a call: text in, checked request, signature, HTTP, reply, text out.

pub(crate) mod advice;
mod by_keys;
pub(crate) mod exchange;
pub(crate) mod notes;
pub(crate) mod now;
pub(crate) mod retry;
mod show;
pub(crate) mod token_call;
pub(crate) mod unstamped;

use std::time::Instant;

use crate::error::{Error, Function};
use crate::network::attempt::Progress;
use crate::request::{CallText, Options, Pass, TokenRequest};
use now::now;
use retry::{Policy, Repeat};
use show::show;
use unstamped::UnstampedCall;

/// The reply of a function to its request text. `progress` is told what becomes of the request.
pub(crate) fn run(function: Function, request: &str, progress: &Progress) -> Vec<u8> {
    let started = Instant::now();
    let reply = match function {
        Function::GetToken => TokenRequest::get(request).and_then(|request| tokens(&request, started, progress)),
        Function::RefreshToken => {
            TokenRequest::refresh(request).and_then(|request| tokens(&request, started, progress))
        }
        Function::Call => call(request, started, progress),
        Function::Sign => sign(request, started),
        // It has a door of its own: see `panic`.
        Function::Diagnose => Err(Error::request("不支持", "a diagnosis is no call")),
    };
    reply.unwrap_or_else(|error| error.envelope(function, started.elapsed()))
}

/// Signs one API call and sends it.
fn call(request: &str, started: Instant, progress: &Progress) -> Result<Vec<u8>, Error> {
    let text = CallText::read(request, Function::Call)?;
    let unstamped = UnstampedCall::new(text.check()?)?;
    let mut policy = policy(&unstamped.request.options, unstamped.repeat(), started, progress);
    let reply = match &unstamped.request.pass {
        // Each attempt is stamped and signed anew: a refused timestamp would otherwise be refused again.
        Pass::Token(token) => {
            let call = policy.call();
            policy.run(|| Ok(unstamped.send(token, now(0)?, &call)?.text))
        }
        Pass::Keys(keys) => by_keys::call(&unstamped, keys, policy),
    };
    reply.map_err(|error| advice::about_limits(error, &unstamped.request.options))
}

/// Signs one API call and shows what would be sent.
fn sign(request: &str, started: Instant) -> Result<Vec<u8>, Error> {
    let text = CallText::read(request, Function::Sign)?;
    let request = text.check()?;
    let lifetime = match &request.pass {
        Pass::Token(_) => None,
        Pass::Keys(keys) => keys.lifetime,
    };
    let mut notes = notes::of_parameters(&request.parameters);
    notes.extend(notes::of_limits(&request.options, lifetime));
    let unstamped = UnstampedCall { notes, ..UnstampedCall::new(request)? };
    match &unstamped.request.pass {
        Pass::Token(token) => show(&unstamped, token, now(0)?, Vec::new(), None),
        Pass::Keys(keys) => {
            let options = &unstamped.request.options;
            let signed = by_keys::sign(&unstamped, keys, deadline(options, started));
            signed.map_err(|error| advice::about_limits(error, options))
        }
    }
}

fn tokens(request: &TokenRequest, started: Instant, progress: &Progress) -> Result<Vec<u8>, Error> {
    let mut policy = policy(&request.options, Repeat::Idempotent, started, progress);
    let answered = token_call::send(&request.credentials, &request.address, &request.options, &mut policy);
    Ok(answered.map_err(|error| advice::about_limits(error, &request.options))?.text)
}

fn policy(options: &Options, repeat: Repeat, started: Instant, progress: &Progress) -> Policy {
    Policy::new(options.retry, repeat, deadline(options, started)).telling(progress)
}

fn deadline(options: &Options, started: Instant) -> Instant {
    started.checked_add(options.timeout).expect("a clock holds ten minutes more")
}
