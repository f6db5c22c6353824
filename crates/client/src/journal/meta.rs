//! The object `meta`.

use super::Ended;
use super::warnings::Warning;
use crate::basics::json::{Object, array};

pub(super) fn json(ended: &Ended<'_>, warnings: &[Warning]) -> String {
    let (told, seen) = (&ended.told, ended.told.seen);
    let mut json = Object::new();
    told.write(&mut json);
    json.number("elapsed_ms", Some(told.elapsed_ms()));
    json.number("http_status", ended.http_status);
    json.begin("headers");
    for (name, value) in &seen.headers {
        json.text(name, value);
    }
    json.end();
    json.number("attempts", Some(ended.attempts));
    json.word("delivered", ended.delivered.word());
    token(ended, &mut json);
    json.maybe("encoding", seen.encoding);
    json.raw("warnings", &array(&warnings.iter().map(Warning::json).collect::<Vec<_>>()));
    json.finish()
}

/// Null where the library looks after none.
pub(super) fn token(ended: &Ended<'_>, json: &mut Object) {
    match &ended.told.seen.token {
        Some(token) => token.write(json),
        None => json.raw("token", "null"),
    }
}
