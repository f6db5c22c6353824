//! The object `meta`.

use super::Ended;
use super::warnings::Warning;
use crate::basics::json::{Object, array, name};
use crate::error::Delivered;

pub(super) fn json(ended: &Ended<'_>, warnings: &[Warning]) -> String {
    let (told, seen) = (&ended.told, ended.told.seen);
    let mut json = Object::new();
    told.write(&mut json);
    json.number(name!("elapsed_ms"), i64::try_from(told.elapsed_ms()).ok());
    json.number(name!("http_status"), ended.http_status);
    json.begin(name!("headers"));
    for (name, value) in &seen.headers {
        json.named(name, value);
    }
    json.end();
    json.number(name!("attempts"), Some(ended.attempts));
    json.word(name!("delivered"), word(ended.delivered));
    token(ended, &mut json);
    json.maybe(name!("encoding"), seen.encoding);
    json.raw(name!("warnings"), &array(&warnings.iter().map(Warning::json).collect::<Vec<_>>()));
    json.finish()
}

/// Null where the library looks after none.
pub(super) fn token(ended: &Ended<'_>, json: &mut Object) {
    let token = ended.told.seen.token.as_ref();
    let written = token.map(|token| serde_json::to_string(token).expect("numbers and texts alone are always JSON"));
    json.raw(name!("token"), written.as_deref().unwrap_or("null"));
}

pub(super) fn word(delivered: Delivered) -> &'static str {
    match delivered {
        Delivered::No => "no",
        Delivered::Unknown => "unknown",
        Delivered::Yes => "yes",
    }
}
