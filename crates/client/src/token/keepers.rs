//! The keepers of this process: one for each account and place, so that all threads share a token.

use std::process;
use std::sync::{Arc, Mutex, PoisonError};

use super::account::Account;
use super::keeper::Keeper;
use super::store;
use crate::request::{Address, Keys, Place};

/// Keepers beyond this number are forgotten, the one that was not used for longest first.
const MOST: usize = 1000;

struct Kept {
    /// A process that was forked has its parent's keepers; a thread of the parent may be within one of them.
    process: u32,
    place: Place,
    keeper: Arc<Keeper>,
}

/// The keeper of these keys' token.
pub(crate) fn keeper(address: &Address, keys: &Keys) -> Arc<Keeper> {
    // In order of use, the latest last.
    static KEPT: Mutex<Vec<Kept>> = Mutex::new(Vec::new());
    let account = Account::new(address, keys);
    let process = process::id();
    let mut all = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    let same = |kept: &Kept| {
        kept.process == process && kept.keeper.account.name() == account.name() && kept.place == keys.place
    };
    let kept = all.iter().position(same).map(|place| all.remove(place)).unwrap_or_else(|| {
        let keeper = Arc::new(Keeper::new(account, store::open(&keys.place)));
        Kept { process, place: keys.place.clone(), keeper }
    });
    if all.len() >= MOST {
        all.remove(0);
    }
    let keeper = kept.keeper.clone();
    all.push(kept);
    keeper
}
