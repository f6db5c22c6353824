//! The way of a call: text in, checked request, signature, HTTP, reply, text out.

pub(crate) mod advice;
mod by_keys;
mod encodings;
pub(crate) mod exchange;
pub(crate) mod notes;
pub(crate) mod now;
mod once;
pub(crate) mod retry;
mod sequence;
mod show;
pub(crate) mod signing;
pub(crate) mod token_call;
pub(crate) mod unstamped;

use std::time::Instant;

use crate::error::{Error, Function};
use crate::network::attempt::Progress;
use crate::request::{CallRequest, CallText, Pass, RequestText, TokenRequest};
use now::now;
use once::once;
use retry::{Policy, Repeat, deadline};
use show::show;
use signing::Signing;
use unstamped::UnstampedCall;

/// The reply of a function to its request text. `progress` is told what becomes of the request.
pub(crate) fn run(function: Function, request: &RequestText<'_>, progress: &Progress) -> Result<Vec<u8>, Error> {
    let started = Instant::now();
    match function {
        Function::GetToken => TokenRequest::get(request).and_then(|request| tokens(&request, started, progress)),
        Function::RefreshToken => {
            TokenRequest::refresh(request).and_then(|request| tokens(&request, started, progress))
        }
        Function::Call => call(request, started, progress),
        Function::Sign => sign(request, started, progress),
        // It has a door of its own: see `panic`.
        Function::Diagnose => Err(Error::request("不支持", "a diagnosis is no call")),
    }
}

/// Signs one API call and sends it.
fn call(request: &RequestText<'_>, started: Instant, progress: &Progress) -> Result<Vec<u8>, Error> {
    let text = CallText::read(request, Function::Call)?;
    if let Some(waiting) = text.waiting()? {
        return sequence::wait(&text, waiting, started, progress);
    }
    if let Some((api, pages)) = text.pages()? {
        return sequence::gather(&text, &api, &pages, started, progress);
    }
    once(text.check()?, started, progress).map(|(text, _)| text)
}

/// Signs one API call and shows what would be sent.
fn sign(request: &RequestText<'_>, started: Instant, progress: &Progress) -> Result<Vec<u8>, Error> {
    let text = CallText::read(request, Function::Sign)?;
    // They say nothing of the signature, and are checked all the same.
    text.waiting()?;
    text.pages()?;
    // Nothing comes that could be saved.
    let request = CallRequest { save_to: None, ..text.check()? };
    let lifetime = match &request.pass {
        Pass::Given(_) => None,
        Pass::Keys(keys) => keys.lifetime,
    };
    let mut notes = notes::of_parameters(&request.parameters);
    notes.extend(notes::of_limits(&request.options, lifetime));
    let unstamped = UnstampedCall { notes, ..UnstampedCall::new(request)? };
    let signed = match &unstamped.request.pass {
        Pass::Given(pass) => {
            let signing = Signing::known(&unstamped, pass.expose(), pass, None, started);
            now(0).and_then(|now| show(&unstamped, pass, signing.encoding, now, Vec::new(), None))
        }
        Pass::Keys(keys) => {
            let options = &unstamped.request.options;
            let signed = by_keys::sign(&unstamped, keys, deadline(options, started), progress);
            signed.map_err(|error| advice::about_limits(error, options))
        }
    };
    // Of the call that is shown, and not of the one for its token.
    if progress.wants().facts {
        let mut seen = progress.seen();
        seen.method = Some(unstamped.method().as_str().to_owned());
        seen.target = Some(unstamped.target());
    }
    signed
}

fn tokens(request: &TokenRequest, started: Instant, progress: &Progress) -> Result<Vec<u8>, Error> {
    let mut policy = Policy::of(&request.options, Repeat::Idempotent, started, progress);
    let answered = token_call::send(&request.credentials, &request.address, &request.options, &mut policy);
    Ok(answered.map_err(|error| advice::about_limits(error, &request.options))?.text)
}
