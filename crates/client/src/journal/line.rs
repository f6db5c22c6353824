//! The lines of a log. Nothing of a request stands in them but where it went.

use std::sync::OnceLock;

use super::warnings::Warning;
use super::{Ended, meta};
use crate::COMMIT;
use crate::basics::json::{Object, name};
use crate::basics::local_time::local;
use crate::basics::machine;
use crate::error::{Seen, Told};
use crate::network::attempt::Tried;

/// What all lines begin with.
fn begin(told: &Told<'_>, process: u32, event: &str, level: &str) -> Object {
    static COMMON: OnceLock<String> = OnceLock::new();
    let mut json = Object::after(COMMON.get_or_init(|| {
        let mut json = Object::new();
        json.text(name!("machine"), machine::name());
        json.text(name!("user"), machine::user());
        json.word(name!("version"), env!("CARGO_PKG_VERSION"));
        json.maybe(name!("commit"), Some(COMMIT).filter(|commit| !commit.is_empty()));
        json.members()
    }));
    json.number(name!("pid"), Some(process));
    json.word(name!("event"), event);
    json.word(name!("level"), level);
    json.word(name!("id"), told.id);
    json.word(name!("time"), told.time);
    json.word(name!("function"), told.function.name());
    told.seen.write(&mut json);
    let mode = told.seen.method.as_ref().map(|method| method.to_ascii_lowercase());
    json.maybe(name!("mode"), mode.as_deref());
    json
}

/// What counts what came of an attempt, or of all of them.
fn count(json: &mut Object, seen: &Seen, attempts: u32, http_status: Option<u16>) {
    json.number(name!("attempts"), Some(attempts));
    json.number(name!("http_status"), http_status);
    json.number(name!("bytes_sent"), i64::try_from(seen.sent).ok());
    json.number(name!("bytes_received"), i64::try_from(seen.received).ok());
}

/// The line of a call. `code`: that of its reply.
pub(super) fn of_call(ended: &Ended<'_>, process: u32, level: &str, code: Option<i64>, warnings: &[Warning]) -> String {
    let (told, seen) = (&ended.told, ended.told.seen);
    let mut json = begin(told, process, "call", level);
    json.number(name!("elapsed_ms"), Some(told.elapsed_ms()));
    json.word(name!("delivered"), ended.delivered.word());
    json.maybe(name!("kind"), ended.error.map(|error| error.kind.word()));
    json.number(name!("code"), code);
    count(&mut json, seen, ended.attempts, ended.http_status);
    meta::token(ended, &mut json);
    json.maybe(name!("store_trouble"), seen.token.as_ref().and_then(|token| token.store_trouble.as_deref()));
    json.number(name!("clock_offset_ms"), seen.clock_offset_ms);
    let kinds: Vec<&str> = warnings.iter().map(|warning| warning.kind).collect();
    let kinds = if kinds.is_empty() { "[]".to_owned() } else { ["[\"", &kinds.join("\",\""), "\"]"].concat() };
    json.raw(name!("warnings"), &kinds);
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
    json.text(name!("zh"), zh);
    json.text(name!("en"), en);
    json.finish()
}
