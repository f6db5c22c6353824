//! Tells the other processes of this machine what its clock has to be corrected by: beside the token, in the store.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::shared_token::SharedToken;
use super::stored_token::{StoredToken, clocks_with};

/// Nobody waits for it.
const STORE_ANSWERS: Duration = Duration::from_millis(500);

/// On a thread of its own. Where that fails, each process finds out by itself, or by the next token.
pub(super) fn spread(shared: &Arc<SharedToken>) {
    let shared = shared.clone();
    let work = move || {
        let _ = try_spread(&shared);
    };
    let _ = thread::Builder::new().name("rpa_openapi clock".to_owned()).spawn(work);
}

fn try_spread(shared: &SharedToken) -> Option<()> {
    let (store, name) = (&shared.store, shared.account.name());
    let above = shared.state().token.present()?.generation;
    // Under a new number, since a store takes nothing that is no newer than what it has. Whoever is just getting a token
    // passes this on with that.
    let lease = store.try_lease(name, above, STORE_ANSWERS).ok()??;
    let token = {
        let state = shared.state();
        let present = state.token.present()?;
        let clocks = clocks_with(present.clocks.clone(), state.token.clock.ahead_ms());
        // What was got without the store is not the one that others have.
        (present.alone == 0 && clocks != present.clocks).then(|| StoredToken {
            generation: lease.generation,
            clocks,
            ..StoredToken::clone(present)
        })?
    };
    let saved = store.save(name, &token.seal(&shared.account)?, STORE_ANSWERS);
    if saved == Ok(true) {
        shared.state().token.adopt(Arc::new(token), None);
    }
    Some(())
}
