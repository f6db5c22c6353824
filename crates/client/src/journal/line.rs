//! The lines of a log. Nothing of a request stands in them but where it went.

use std::process;

use super::warnings::Warning;
use super::{Ended, meta};
use crate::COMMIT;
use crate::basics::json::{Object, array};
use crate::basics::local_time::local;
use crate::basics::machine;
use crate::error::{Seen, Told};
use crate::network::attempt::Tried;

/// What all lines begin with.
fn begin(told: &Told<'_>, event: &str, level: &str) -> Object {
    let mut json = Object::new();
    json.text("event", event);
    json.text("level", level);
    json.text("machine", machine::name());
    json.text("user", machine::user());
    json.number("pid", Some(process::id()));
    json.maybe("commit", Some(COMMIT).filter(|commit| !commit.is_empty()));
    told.write(&mut json);
    json
}

fn mode(seen: &Seen) -> Option<String> {
    seen.method.as_ref().map(|method| method.to_ascii_lowercase())
}

/// The line of a call. `code`: that of its reply.
pub(super) fn of_call(ended: &Ended<'_>, level: &str, code: Option<i64>, warnings: &[Warning]) -> String {
    let (told, seen) = (&ended.told, ended.told.seen);
    let mut json = begin(told, "call", level);
    json.maybe("mode", mode(seen).as_deref());
    json.number("elapsed_ms", i64::try_from(told.elapsed_ms()).ok());
    json.number("attempts", Some(ended.attempts));
    json.text("delivered", meta::word(ended.delivered));
    let kind = ended.error.and_then(|error| serde_json::to_string(&error.kind).ok());
    json.raw("kind", kind.as_deref().unwrap_or("null"));
    json.number("code", code);
    json.number("http_status", ended.http_status);
    json.number("bytes_sent", i64::try_from(seen.sent).ok());
    json.number("bytes_received", i64::try_from(seen.received).ok());
    json.raw("token", &meta::token(ended));
    json.maybe("store_trouble", seen.token.as_ref().and_then(|token| token.store_trouble.as_deref()));
    json.number("clock_offset_ms", seen.clock_offset_ms);
    let kinds: Vec<String> = warnings.iter().map(|warning| ["\"", warning.kind, "\""].concat()).collect();
    json.raw("warnings", &array(&kinds));
    json.finish()
}

/// The line of one of a call's attempts.
pub(super) fn of_attempt(told: &Told<'_>, tried: &Tried) -> String {
    let seen = &tried.seen;
    let mut json = begin(&Told { time: &local(tried.ended), seen, ..*told }, "attempt", "debug");
    json.maybe("mode", mode(seen).as_deref());
    json.number("attempts", Some(seen.attempts));
    json.number("http_status", seen.http_status);
    json.number("bytes_sent", i64::try_from(seen.sent).ok());
    json.number("bytes_received", i64::try_from(seen.received).ok());
    json.finish()
}

/// The line of something that has changed.
pub(super) fn of_event(told: &Told<'_>, event: &str, zh: &str, en: &str) -> String {
    let mut json = begin(told, event, "warn");
    json.text("zh", zh);
    json.text("en", en);
    json.finish()
}
