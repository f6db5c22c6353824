//! The way of a call: text in, checked request, signature, HTTP, reply, text out.

mod exchange;
mod managed;
mod now;
mod prepared;
mod retry;
mod sign;
mod token_call;

use std::time::Instant;

use crate::error::{Error, Function};
use crate::request::{CallText, Options, Pass, TokenRequest};
use now::now;
use prepared::Prepared;
use retry::{Policy, Repeat};
use sign::show;

/// The reply of a function to its request text.
pub(crate) fn run(function: Function, request: &str) -> Vec<u8> {
    let started = Instant::now();
    let reply = match function {
        Function::GetToken => TokenRequest::get(request).and_then(|request| tokens(&request, started)),
        Function::RefreshToken => TokenRequest::refresh(request).and_then(|request| tokens(&request, started)),
        Function::Call => call(request, started),
        Function::Sign => sign(request, started),
    };
    reply.unwrap_or_else(|error| error.envelope(function, started.elapsed()))
}

/// Signs one API call and sends it.
fn call(request: &str, started: Instant) -> Result<Vec<u8>, Error> {
    let text = CallText::read(request, Function::Call)?;
    let prepared = Prepared::new(text.check()?)?;
    let mut policy = policy(&prepared.request.options, prepared.repeat(), started);
    match &prepared.request.pass {
        // Each attempt is stamped and signed anew: a refused timestamp would otherwise be refused again.
        Pass::Token(token) => {
            let deadline = policy.deadline;
            policy.run(|| Ok(prepared.send(token, now(0)?, deadline)?.text))
        }
        Pass::Keys(keys) => managed::call(&prepared, keys, policy),
    }
}

/// Signs one API call and shows what would be sent.
fn sign(request: &str, started: Instant) -> Result<Vec<u8>, Error> {
    let text = CallText::read(request, Function::Sign)?;
    let prepared = Prepared::new(text.check()?)?;
    match &prepared.request.pass {
        Pass::Token(token) => show(&prepared, token, now(0)?, Vec::new(), None),
        Pass::Keys(keys) => {
            let policy = policy(&prepared.request.options, Repeat::Idempotent, started);
            managed::sign(&prepared, keys, policy.deadline)
        }
    }
}

fn tokens(request: &TokenRequest, started: Instant) -> Result<Vec<u8>, Error> {
    let policy = policy(&request.options, Repeat::Idempotent, started);
    Ok(token_call::send(&request.credentials, &request.address, &request.options, policy)?.text)
}

fn policy(options: &Options, repeat: Repeat, started: Instant) -> Policy {
    // At most ten minutes: only a clock at the end of its range cannot hold it.
    let deadline = started.checked_add(options.timeout).unwrap_or(started);
    Policy::new(options.retry, repeat, deadline)
}
