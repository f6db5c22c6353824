//! The object `meta`.

use super::Ended;
use super::warnings::Warning;
use crate::basics::json::{Object, array, name};

pub(super) fn json(ended: &Ended<'_>, warnings: &[Warning]) -> String {
    let (told, seen) = (&ended.told, ended.told.seen);
    let mut json = Object::new();
    told.write(&mut json);
    json.number(name!("elapsed_ms"), Some(told.elapsed_ms()));
    json.number(name!("http_status"), ended.http_status);
    json.begin(name!("headers"));
    for (name, value) in &seen.headers {
        json.named(name, value);
    }
    json.end();
    json.number(name!("attempts"), Some(ended.attempts));
    json.word(name!("delivered"), ended.delivered.word());
    token(ended, &mut json);
    json.maybe(name!("encoding"), seen.encoding);
    json.raw(name!("warnings"), &array(&warnings.iter().map(Warning::json).collect::<Vec<_>>()));
    json.finish()
}

/// Null where the library looks after none.
pub(super) fn token(ended: &Ended<'_>, json: &mut Object) {
    match &ended.told.seen.token {
        Some(token) => token.write(json),
        None => json.raw(name!("token"), "null"),
    }
}
