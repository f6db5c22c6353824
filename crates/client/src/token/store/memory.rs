//! This process's own memory.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use super::{Lease, Store, Trouble};
use crate::basics::locks::lock;
use crate::token::stored_token::Sealed;

#[derive(Clone, Default)]
pub(in crate::token) struct MemoryStore(Arc<Mutex<Vec<(String, Shelf)>>>);

#[derive(Default)]
struct Shelf {
    kept: Option<Sealed>,
    /// The latest generation that was leased.
    leased: u64,
    taken: bool,
}

impl MemoryStore {
    fn shelves(&self) -> MutexGuard<'_, Vec<(String, Shelf)>> {
        lock(&self.0)
    }
}

/// A process has few accounts: a list of them is as fast as a map, and less code.
fn shelf<'s>(shelves: &'s mut Vec<(String, Shelf)>, name: &str) -> &'s mut Shelf {
    let place = shelves.iter().position(|(other, _)| other == name).unwrap_or_else(|| {
        shelves.push((name.to_owned(), Shelf::default()));
        shelves.len() - 1
    });
    &mut shelves[place].1
}

impl Store for MemoryStore {
    fn load(&self, name: &str, _: Duration) -> Result<Option<Sealed>, Trouble> {
        Ok(self.shelves().iter().find(|(other, _)| other == name).and_then(|(_, shelf)| shelf.kept.clone()))
    }

    fn save(&self, name: &str, sealed: &Sealed, _: Duration) -> Result<bool, Trouble> {
        let mut shelves = self.shelves();
        let shelf = shelf(&mut shelves, name);
        let newer = shelf.kept.as_ref().is_none_or(|kept| kept.generation < sealed.generation);
        if newer {
            shelf.kept = Some(sealed.clone());
        }
        Ok(newer)
    }

    fn try_lease(&self, name: &str, above: u64, _: Duration) -> Result<Option<Lease>, Trouble> {
        let mut shelves = self.shelves();
        let shelf = shelf(&mut shelves, name);
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
        shelf(&mut self.store.shelves(), &self.name).taken = false;
    }
}

#[cfg(test)]
impl MemoryStore {
    /// As a store does whose leases run out.
    pub(in crate::token) fn forget_leases(&self) {
        self.shelves().iter_mut().for_each(|(_, shelf)| shelf.taken = false);
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
