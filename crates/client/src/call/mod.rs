//! The way of a call: text in, checked request, signature, HTTP, reply, text out.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::error::{Error, Function};
use crate::managed;
use crate::prepared::Prepared;
use crate::request::{CallText, Options, Pass, TokenRequest};
use crate::retry::{Policy, Repeat};
use crate::sign::show;
use crate::token_call;

/// Gets an access and a refresh token: the request and the reply of `rpa_get_token`.
pub fn get_token(request: &str) -> String {
    answer(Function::GetToken, |started| tokens(&TokenRequest::get(request)?, started))
}

/// Trades a refresh token for new tokens: the request and the reply of `rpa_refresh_token`.
pub fn refresh_token(request: &str) -> String {
    answer(Function::RefreshToken, |started| tokens(&TokenRequest::refresh(request)?, started))
}

/// Signs one API call and sends it: the request and the reply of `rpa_call`.
pub fn call(request: &str) -> String {
    answer(Function::Call, |started| {
        let text = CallText::read(request, Function::Call)?;
        let prepared = Prepared::new(text.check()?)?;
        let mut policy = policy(&prepared.request.options, prepared.repeat(), started);
        match &prepared.request.pass {
            // Each attempt is stamped and signed anew: a refused timestamp would otherwise be refused again.
            Pass::Token(token) => {
                let deadline = policy.deadline;
                policy.run(|| Ok(prepared.send(token, now()?, deadline)?.text))
            }
            Pass::Keys(keys) => managed::call(&prepared, keys, policy),
        }
    })
}

/// Signs one API call and shows what would be sent: the request and the reply of `rpa_sign`.
pub fn sign(request: &str) -> String {
    answer(Function::Sign, |started| {
        let text = CallText::read(request, Function::Sign)?;
        let prepared = Prepared::new(text.check()?)?;
        match &prepared.request.pass {
            Pass::Token(token) => show(&prepared, token, now()?, Vec::new(), None),
            Pass::Keys(keys) => {
                let policy = policy(&prepared.request.options, Repeat::Idempotent, started);
                managed::sign(&prepared, keys, policy.deadline)
            }
        }
    })
}

/// The reply of a function: what its work returns, or the envelope of its error.
fn answer(function: Function, work: impl FnOnce(Instant) -> Result<String, Error>) -> String {
    let started = Instant::now();
    work(started).unwrap_or_else(|error| error.envelope(function, started.elapsed()))
}

fn tokens(request: &TokenRequest, started: Instant) -> Result<String, Error> {
    let policy = policy(&request.options, Repeat::Idempotent, started);
    Ok(token_call::send(&request.credentials, &request.address, &request.options, policy)?.text)
}

fn policy(options: &Options, repeat: Repeat, started: Instant) -> Policy {
    // At most ten minutes: only a clock at the end of its range cannot hold it.
    let deadline = started.checked_add(options.timeout).unwrap_or(started);
    Policy::new(options.retry, repeat, deadline)
}

/// Milliseconds since 1970 by this machine's clock.
fn now() -> Result<u64, Error> {
    let since =
        SystemTime::now().duration_since(UNIX_EPOCH).ok().and_then(|since| u64::try_from(since.as_millis()).ok());
    since.ok_or_else(|| {
        Error::argument("timestamp", "本机时钟早于1970年", "this machine's clock stands before 1970; set it right")
    })
}
