//! Tells other processes what a call has shown, beside the token, in the store: to those of this machine what its clock has
//! to be corrected by, to all which encoding of signatures works.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::shared_token::SharedToken;
use super::stored_token::{StoredToken, clocks_with};

/// The call has its reply already.
const LONGEST: Duration = Duration::from_millis(500);

/// At once, since a robot's process may end with this call. Where it fails, each process finds out by itself, or by the
/// next token.
pub(super) fn spread(shared: &SharedToken, deadline: Instant) {
    let deadline = deadline.min(Instant::now() + LONGEST);
    let _ = try_spread(shared, || deadline.saturating_duration_since(Instant::now()));
}

fn try_spread(shared: &SharedToken, left: impl Fn() -> Duration) -> Option<()> {
    let (store, name) = (&shared.store, shared.account.name());
    let above = shared.state().token.present()?.generation;
    // Under a new number, since a store takes nothing that is no newer than what it has. Whoever is just getting a token
    // passes this on with that.
    let lease = store.try_lease(name, above, left()).ok()??;
    let token = {
        let state = shared.state();
        let present = state.token.present()?;
        let clocks = clocks_with(present.clocks.clone(), state.token.clock.ahead_ms());
        let encoding = state.token.encoding().to_owned();
        let is_news = clocks != present.clocks || encoding != present.encoding;
        // What was got without the store is not the one that others have.
        (present.alone == 0 && is_news).then(|| StoredToken {
            generation: lease.generation,
            clocks,
            encoding,
            ..StoredToken::clone(present)
        })?
    };
    let saved = store.save(name, &token.seal(&shared.account)?, left());
    if saved == Ok(true) {
        shared.state().token.adopt(Arc::new(token), None);
    }
    Some(())
}
