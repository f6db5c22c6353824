//! The keepers of this process: one for each account and place, so that all threads share a token.

use std::sync::Arc;

use super::account::Account;
use super::keeper::Keeper;
use super::store;
use crate::basics::locks::PerProcess;
use crate::basics::recent::Recent;
use crate::request::{Address, Keys, Place};

/// Keepers beyond this number are forgotten, the one that was not used for longest first.
const MOST: usize = 1000;

type Keepers = Recent<(String, Place), Arc<Keeper>>;

/// The keeper of these keys' token.
pub(crate) fn keeper(address: &Address, keys: &Keys) -> Arc<Keeper> {
    static KEPT: PerProcess<Keepers> = PerProcess::new();
    let account = Account::new(address, keys);
    KEPT.with(
        || Recent::new(MOST),
        |kept| {
            let same = |(name, place): &(String, Place)| name == account.name() && *place == keys.place;
            if let Some(keeper) = kept.get(same) {
                return keeper.clone();
            }
            let key = (account.name().to_owned(), keys.place.clone());
            kept.insert(key, Arc::new(Keeper::new(account, store::open(&keys.place)))).clone()
        },
    )
}
