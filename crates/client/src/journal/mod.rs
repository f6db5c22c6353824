//! What is told of a call beside its reply: the error's facts, `meta`, and the log.

mod meta;
mod warnings;

use std::time::{Duration, SystemTime};

use zeroize::Zeroizing;

use crate::basics::local_time::local;
use crate::error::{Delivered, Error, Function, Seen, Told};
use crate::network::attempt::Progress;
use crate::request::Telling;

/// How a call ended.
struct Ended<'a> {
    told: Told<'a>,
    error: Option<&'a Error>,
    delivered: Delivered,
    attempts: u32,
    http_status: Option<u16>,
}

/// The reply that the caller gets.
pub(crate) fn tell(
    function: Function,
    outcome: Result<Vec<u8>, Error>,
    telling: Telling,
    progress: &Progress,
    elapsed: Duration,
) -> Vec<u8> {
    if let (Ok(_), false) = (&outcome, telling.meta) {
        return outcome.unwrap_or_default();
    }
    let seen = seen(&outcome, progress);
    let time = local(SystemTime::now());
    let told = Told { function, id: progress.id(), time: &time, elapsed, seen: &seen };
    let error = outcome.as_ref().err();
    let ended = Ended {
        told,
        error,
        delivered: error.map_or_else(|| progress.so_far(), |error| error.delivered),
        attempts: error.map_or(seen.attempts, |error| error.attempts),
        http_status: error.map_or(seen.http_status, |error| error.http_status),
    };
    let warnings = warnings::of(&seen, SystemTime::now());
    let envelope = error.map(|error| error.envelope(&told));
    let meta = telling.meta.then(|| meta::json(&ended, &warnings));
    let reply = envelope.unwrap_or_else(|| outcome.unwrap_or_default());
    match meta {
        None => reply,
        Some(meta) => wrapped(Zeroizing::new(reply), &meta),
    }
}

/// What was seen of the call, or of the token that it was in want of.
fn seen(outcome: &Result<Vec<u8>, Error>, progress: &Progress) -> Seen {
    let own = std::mem::take(&mut *progress.seen());
    let Err(error) = outcome else { return own };
    let token = error.token.as_deref().cloned().or(own.token.clone());
    match &error.seen {
        Some(seen) => Seen { token, ..Seen::clone(seen) },
        None => Seen { token, ..own },
    }
}

/// The reply stays as it is, byte for byte; it may hold tokens.
fn wrapped(reply: Zeroizing<Vec<u8>>, meta: &str) -> Vec<u8> {
    [b"{\"reply\":", &**reply, b",\"meta\":", meta.as_bytes(), b"}"].concat()
}
