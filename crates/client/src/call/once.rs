//! One call of the API: signed and sent, and sent again where that is allowed.

use std::time::Instant;

use crate::call::now::now;
use crate::call::retry::Policy;
use crate::call::unstamped::UnstampedCall;
use crate::call::{advice, by_keys};
use crate::error::Error;
use crate::network::attempt::Progress;
use crate::request::{CallRequest, Pass};

/// The control center's JSON to a request that is checked. `started` is when its time limit began to count.
pub(super) fn once(request: CallRequest<'_>, started: Instant, progress: &Progress) -> Result<Vec<u8>, Error> {
    let unstamped = UnstampedCall::new(request)?;
    let mut policy = Policy::of(&unstamped.request.options, unstamped.repeat(), started, progress);
    let reply = match &unstamped.request.pass {
        // Each attempt is stamped and signed anew: a refused timestamp would otherwise be refused again.
        Pass::Token(token) => {
            let call = policy.call();
            policy.run(|| Ok(unstamped.send(token, now(0)?, &call)?.text))
        }
        Pass::Keys(keys) => by_keys::call(&unstamped, keys, policy),
    };
    reply.map_err(|error| advice::about_limits(error, &unstamped.request.options))
}
