//! What is told of a call beside its reply: the error's facts, `meta`, and the log.

mod events;
mod folder;
mod line;
mod log;
mod meta;
mod warnings;

use std::time::{Duration, SystemTime};

use zeroize::Zeroizing;

use crate::basics::local_time::local;
use crate::error::{Delivered, Error, Function, Seen, Told};
use crate::network::attempt::{Progress, Wants};
use crate::request::{Level, LogSettings, Telling};
use crate::token;
use folder::Trouble;
use warnings::Warning;

/// How a call ended.
struct Ended<'a> {
    told: Told<'a>,
    error: Option<&'a Error>,
    delivered: Delivered,
    attempts: u32,
    http_status: Option<u16>,
}

/// Before a call: what is to be noted on its way.
pub(crate) fn prepare(telling: &Telling, progress: &Progress) {
    let level = log::settings(telling).map(|settings| settings.level);
    progress.want(Wants {
        facts: telling.meta || level.is_some(),
        headers: telling.meta,
        refusals: level >= Some(Level::Warn),
        attempts: level == Some(Level::Debug),
    });
}

/// The reply that the caller gets; it is logged where that is wanted.
pub(crate) fn tell(
    function: Function,
    outcome: Result<Vec<u8>, Error>,
    telling: &Telling,
    progress: &Progress,
    elapsed: Duration,
) -> Vec<u8> {
    let settings = log::settings(telling);
    if let (Ok(_), false, None) = (&outcome, telling.meta, settings) {
        return outcome.unwrap_or_default();
    }
    let seen = seen(&outcome, progress);
    let now = SystemTime::now();
    let time = local(now);
    let told = Told { function, id: progress.id(), time: &time, elapsed, seen: &seen };
    let error = outcome.as_ref().err();
    let ended = Ended {
        told,
        error,
        delivered: error.map_or_else(|| progress.so_far(), |error| error.delivered),
        attempts: error.map_or(seen.attempts, |error| error.attempts),
        http_status: error.map_or(seen.http_status, |error| error.http_status),
    };
    let mut warnings = warnings::of(&seen, now);
    if let Some(settings) = settings {
        let reply = outcome.as_deref().unwrap_or_default();
        let trouble = write(settings, &ended, reply, &warnings, progress).or_else(|| log::trouble(telling));
        warnings.extend(trouble.map(|(zh, en)| Warning { kind: "log", zh, en }));
    }
    let envelope = error.map(|error| error.envelope(&told));
    let meta = telling.meta.then(|| meta::json(&ended, &warnings));
    let reply = envelope.unwrap_or_else(|| outcome.unwrap_or_default());
    match meta {
        None => reply,
        Some(meta) => wrapped(Zeroizing::new(reply), &meta),
    }
}

/// Writes the lines of a call; what is wrong with the log, in Chinese and in English.
fn write(
    settings: &LogSettings,
    ended: &Ended<'_>,
    reply: &[u8],
    warnings: &[Warning],
    progress: &Progress,
) -> Option<Trouble> {
    let (told, process) = (&ended.told, progress.process());
    let code = match ended.error {
        Some(error) => Some(error.code(told.function).into()),
        None => token::code(reply),
    };
    let failed = ended.error.is_some()
        || code.is_some_and(|code| code != 0)
        || ended.http_status.is_some_and(|status| status >= 400);
    let (level, word) = match (failed, warnings.is_empty()) {
        (true, _) => (Level::Error, "error"),
        (false, false) => (Level::Warn, "warn"),
        (false, true) => (Level::Info, "info"),
    };
    let mut lines = String::new();
    let mut add = |line: String| {
        lines.push_str(&line);
        lines.push('\n');
    };
    progress.tried().iter().for_each(|tried| add(line::of_attempt(told, process, tried)));
    if settings.level >= Level::Warn {
        let events = events::of(told.seen, warnings, process);
        events.iter().for_each(|(event, zh, en)| add(line::of_event(told, process, event, zh, en)));
    }
    if level <= settings.level {
        add(line::of_call(ended, process, word, code, warnings));
    }
    let date = told.time.get(..10).unwrap_or_default();
    let folder = folder::of(settings, process);
    // A folder that cannot be written is told before there is something to write.
    if lines.is_empty() { folder.look(date) } else { folder.write(date, lines.into_bytes()) }
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
