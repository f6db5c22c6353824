//! The lines of a log. Nothing of a request stands in them but where it went.

use std::sync::OnceLock;

use super::warnings::Warning;
use super::{Ended, meta};
use crate::COMMIT;
use crate::basics::json::Object;
use crate::basics::local_time::local;
use crate::basics::machine;
use crate::error::{Seen, Told};
use crate::network::attempt::Tried;

/// What all lines begin with.
fn begin(told: &Told<'_>, process: u32, event: &str, level: &str) -> Object {
    static COMMON: OnceLock<String> = OnceLock::new();
    let mut json = Object::after(COMMON.get_or_init(|| {
        let mut json = Object::new();
        json.text("machine", machine::name());
        json.text("user", machine::user());
        json.word("version", env!("CARGO_PKG_VERSION"));
        json.maybe("commit", Some(COMMIT).filter(|commit| !commit.is_empty()));
        json.members()
    }));
    json.number("pid", Some(process));
    json.word("event", event);
    json.word("level", level);
    json.word("id", told.id);
    json.word("time", told.time);
    json.word("function", told.function.name());
    told.seen.write(&mut json);
    let mode = told.seen.method.as_ref().map(|method| method.to_ascii_lowercase());
    json.maybe("mode", mode.as_deref());
    json
}

/// What counts what came of an attempt, or of all of them.
fn count(json: &mut Object, seen: &Seen, attempts: u32, http_status: Option<u16>) {
    json.number("attempts", Some(attempts));
    json.number("http_status", http_status);
    json.number("bytes_sent", i64::try_from(seen.sent).ok());
    json.number("bytes_received", i64::try_from(seen.received).ok());
}

/// The line of a call. `code`: that of its reply.
pub(super) fn of_call(ended: &Ended<'_>, process: u32, level: &str, code: Option<i64>, warnings: &[Warning]) -> String {
    let (told, seen) = (&ended.told, ended.told.seen);
    let mut json = begin(told, process, "call", level);
    json.number("elapsed_ms", Some(told.elapsed_ms()));
    json.word("delivered", ended.delivered.word());
    json.maybe("kind", ended.error.map(|error| error.kind.word()));
    json.number("code", code);
    count(&mut json, seen, ended.attempts, ended.http_status);
    meta::token(ended, &mut json);
    json.maybe("store_trouble", seen.token.as_ref().and_then(|token| token.store_trouble.as_deref()));
    json.number("clock_offset_ms", seen.clock_offset_ms);
    let kinds: Vec<&str> = warnings.iter().map(|warning| warning.kind).collect();
    let kinds = if kinds.is_empty() { "[]".to_owned() } else { ["[\"", &kinds.join("\",\""), "\"]"].concat() };
    json.raw("warnings", &kinds);
    json.finish()
}

/// The line of one of a call's attempts.
pub(super) fn of_attempt(told: &Told<'_>, process: u32, tried: &Tried) -> String {
    let seen = &tried.seen;
    let mut json = begin(&Told { time: &local(tried.ended), seen, ..*told }, process, "attempt", "debug");
    count(&mut json, seen, seen.attempts, seen.http_status);
    json.finish()
}

/// The line of something that has changed.
pub(super) fn of_event(told: &Told<'_>, process: u32, event: &str, zh: &str, en: &str) -> String {
    let mut json = begin(told, process, event, "warn");
    json.text("zh", zh);
    json.text("en", en);
    json.finish()
}
