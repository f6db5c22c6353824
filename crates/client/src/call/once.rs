//! One call of the API: signed and sent, and sent again where that is allowed.

use std::time::Instant;

use crate::call::exchange::Replied;
use crate::call::now::now;
use crate::call::retry::Policy;
use crate::call::signing::{Signing, note_refusal};
use crate::call::unstamped::UnstampedCall;
use crate::call::{advice, by_keys};
use crate::error::Error;
use crate::network::attempt::Progress;
use crate::request::{CallRequest, Pass};
use rpa_signing::Secret;

/// The reply to a request that is checked. `started` is when its time limit began to count.
pub(super) fn once(request: CallRequest<'_>, started: Instant, progress: &Progress) -> Result<Replied, Error> {
    let unstamped = UnstampedCall::new(request)?;
    let policy = Policy::of(&unstamped.request.options, unstamped.repeat(), started, progress);
    let reply = match &unstamped.request.pass {
        Pass::Given(pass) => by_pass(&unstamped, pass, policy),
        Pass::Keys(keys) => by_keys::call(&unstamped, keys, policy),
    };
    reply.map_err(|error| advice::about_limits(error, &unstamped.request.options))
}

/// Sends a call with what the caller gave. What was refused for its signature did not run, so a post is sent again, too.
fn by_pass(unstamped: &UnstampedCall<'_>, pass: &Secret, mut policy: Policy) -> Result<Replied, Error> {
    let mut signing = Signing::known(unstamped, pass.expose(), pass, None, policy.deadline).found_out();
    let (call, mut refused) = (policy.call(), 0);
    loop {
        // Each attempt is stamped and signed anew: a refused timestamp would otherwise be refused again.
        let outcome = policy.run(|| unstamped.send(pass, signing.encoding, now(0)?, &call));
        note_refusal(unstamped, pass, &outcome, policy.progress());
        if let Ok((outcome, _)) = signing.after(outcome, &unstamped.request.signature_refused) {
            let answered = outcome.map_err(|error| Error { attempts: error.attempts + refused, ..error })?;
            return Ok(answered.replied());
        }
        refused += 1;
    }
}
