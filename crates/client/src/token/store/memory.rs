//! This process's own memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use super::{Lease, Store, Trouble};
use crate::basics::locks::lock;
use crate::token::stored_token::Sealed;

#[derive(Clone, Default)]
pub(in crate::token) struct MemoryStore(Arc<Mutex<BTreeMap<String, Shelf>>>);

#[derive(Default)]
struct Shelf {
    kept: Option<Sealed>,
    /// The latest generation that was leased.
    leased: u64,
    taken: bool,
}

impl MemoryStore {
    fn shelves(&self) -> MutexGuard<'_, BTreeMap<String, Shelf>> {
        lock(&self.0)
    }
}

impl Store for MemoryStore {
    fn load(&self, name: &str, _: Duration) -> Result<Option<Sealed>, Trouble> {
        Ok(self.shelves().get(name).and_then(|shelf| shelf.kept.clone()))
    }

    fn save(&self, name: &str, sealed: &Sealed, _: Duration) -> Result<bool, Trouble> {
        let mut shelves = self.shelves();
        let shelf = shelves.entry(name.to_owned()).or_default();
        let newer = shelf.kept.as_ref().is_none_or(|kept| kept.generation < sealed.generation);
        if newer {
            shelf.kept = Some(sealed.clone());
        }
        Ok(newer)
    }

    fn try_lease(&self, name: &str, above: u64, _: Duration) -> Result<Option<Lease>, Trouble> {
        let mut shelves = self.shelves();
        let shelf = shelves.entry(name.to_owned()).or_default();
        if shelf.taken {
            return Ok(None);
        }
        shelf.taken = true;
        let kept = shelf.kept.as_ref().map_or(0, |kept| kept.generation);
        shelf.leased = shelf.leased.max(kept).max(above).saturating_add(1);
        let guard = Taken { store: self.clone(), name: name.to_owned() };
        Ok(Some(Lease { generation: shelf.leased, _guard: Box::new(guard) }))
    }
}

struct Taken {
    store: MemoryStore,
    name: String,
}

impl Drop for Taken {
    fn drop(&mut self) {
        if let Some(shelf) = self.store.shelves().get_mut(&self.name) {
            shelf.taken = false;
        }
    }
}

#[cfg(test)]
impl MemoryStore {
    /// As a store does whose leases run out.
    pub(in crate::token) fn forget_leases(&self) {
        self.shelves().values_mut().for_each(|shelf| shelf.taken = false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn does_what_every_store_must() {
        let store = MemoryStore::default();
        super::super::suite::run(|| Arc::new(store.clone()));
    }
}
