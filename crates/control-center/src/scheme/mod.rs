//! How each generation's calls are checked: everything that is looked at before a handler sees a call, in that order.

mod appkey;
mod oapi;
pub mod rapi;
mod timestamp;

use axum::http::Method;

pub use oapi::token_refusal;

use crate::Center;
use crate::call::Call;
use crate::envelope::Refusal;
use crate::generation::Generation;
use crate::mistakes::Other;
use crate::notes::Notes;
use crate::signature;
use crate::source::Received;

/// Whether the query holds a call's parameters; else the body does.
pub fn by_query(generation: Generation, method: &Method) -> bool {
    match generation {
        Generation::V10_3 => *method != Method::PUT,
        _ => *method == Method::GET,
    }
}

pub fn verify(center: &Center, call: &Call, notes: &Notes) -> Result<(), Refusal> {
    match center.generation {
        Generation::V10_3 => appkey::verify(center, call, notes),
        _ => oapi::verify(center, call, notes),
    }
}

/// The head of an upload, whose query is signed as a get's.
pub fn verify_upload(center: &Center, call: &Call, notes: &Notes) -> Result<(), Refusal> {
    oapi::verify_upload(center, call, notes)
}

/// Looks at the signature, notes its stages, and refuses it as this emulator was told to.
fn check_signature(
    center: &Center,
    notes: &Notes,
    received: &Received,
    others: impl FnOnce() -> Vec<Other>,
) -> Result<(), Refusal> {
    let rules = center.rules.now();
    let stages = signature::check(rules.encoding, received, others);
    let refusal = (!stages.matches).then(|| {
        center.counts.signature_refused();
        let reason = match received.signature {
            Some(_) => "signature does not match",
            None => "no signature header",
        };
        match &rules.refuse_signature {
            Some(look) => look.refusal(reason),
            None => Refusal::forbidden("签名错误", reason, &stages.mismatch()),
        }
    });
    notes.add(|noted| noted.stages = Some(stages));
    refusal.map_or(Ok(()), Err)
}
