//! The object `meta`.

use super::Ended;
use super::warnings::Warning;
use crate::basics::json::{Object, array};
use crate::error::Delivered;

pub(super) fn json(ended: &Ended<'_>, warnings: &[Warning]) -> String {
    let (told, seen) = (&ended.told, ended.told.seen);
    let mut json = Object::new();
    told.write(&mut json);
    json.number("elapsed_ms", i64::try_from(told.elapsed_ms()).ok());
    json.number("http_status", ended.http_status);
    let mut headers = Object::new();
    for (name, value) in &seen.headers {
        headers.text(name, value);
    }
    json.raw("headers", &headers.finish());
    json.number("attempts", Some(ended.attempts));
    json.text("delivered", word(ended.delivered));
    json.raw("token", &token(ended));
    json.maybe("encoding", seen.encoding);
    json.raw("warnings", &array(&warnings.iter().map(Warning::json).collect::<Vec<_>>()));
    json.finish()
}

/// Null where the library looks after none.
pub(super) fn token(ended: &Ended<'_>) -> String {
    serde_json::to_string(&ended.told.seen.token).expect("numbers and texts alone are always JSON")
}

pub(super) fn word(delivered: Delivered) -> &'static str {
    match delivered {
        Delivered::No => "no",
        Delivered::Unknown => "unknown",
        Delivered::Yes => "yes",
    }
}
