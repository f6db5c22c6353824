//! Where a token is kept, and whose turn it is to ask for a new one.

pub(crate) mod examine;
mod file;
mod memory;
#[cfg(feature = "redis")]
mod redis;

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use super::stored_token::Sealed;
use crate::request::Place;
#[cfg(test)]
pub(super) use memory::MemoryStore;

/// A place for tokens, each under its account's name. Who calls it is one of many threads, processes and machines. No
/// method takes longer than its limit.
pub(super) trait Store: Send + Sync {
    /// What is kept. A store that is damaged holds nothing.
    fn load(&self, name: &str, limit: Duration) -> Result<Option<Sealed>, Trouble>;

    /// Keeps this, unless what it holds is as new or newer; says whether it does.
    fn save(&self, name: &str, sealed: &Sealed, limit: Duration) -> Result<bool, Trouble>;

    /// The right to ask for a token, if nobody else has it. Its generation is greater than `above`, than what is kept,
    /// and than that of any lease before: a reply that comes late is known by it.
    fn try_lease(&self, name: &str, above: u64, limit: Duration) -> Result<Option<Lease>, Trouble>;
}

/// Given back when it is dropped, and by itself when its process dies.
pub(super) struct Lease {
    pub(super) generation: u64,
    _guard: Box<dyn Any + Send>,
}

/// The store cannot be used now. It never makes a call fail: its process goes on with its own memory.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Trouble(pub(super) String);

/// The store of this place; one that needs a connection is shared.
pub(super) fn open(place: &Place) -> Arc<dyn Store> {
    match place {
        Place::Memory => Arc::new(memory::MemoryStore::default()),
        Place::File(path) => Arc::new(file::FileStore::new(path)),
        #[cfg(feature = "redis")]
        Place::Redis(server) => redis::shared(server),
        // The request was refused: see crates/client/src/request/keys.rs.
        #[cfg(not(feature = "redis"))]
        Place::Redis(_) => Arc::new(memory::MemoryStore::default()),
    }
}

/// What every store must do, for the tests of each.
#[cfg(test)]
pub(super) mod suite {
    use super::*;
    use std::thread;
    use std::time::Instant;

    const MINUTE: Duration = Duration::from_secs(60);

    pub(in crate::token) fn sealed(generation: u64) -> Sealed {
        Sealed { generation, bytes: format!("of {generation}").into_bytes() }
    }

    /// `open` opens the same store once more, as another process would.
    pub(super) fn run(open: impl Fn() -> Arc<dyn Store> + Sync) {
        keeps_the_newest(&open);
        names_are_apart(&open);
        leases_are_exclusive_and_grow(&open);
        one_of_many_gets_the_lease(&open);
        no_write_is_lost(&open);
    }

    fn keeps_the_newest(open: &dyn Fn() -> Arc<dyn Store>) {
        let (store, other) = (open(), open());
        assert_eq!(store.load("newest", MINUTE), Ok(None));
        assert_eq!(store.save("newest", &sealed(5), MINUTE), Ok(true));
        assert_eq!(other.load("newest", MINUTE), Ok(Some(sealed(5))));
        assert_eq!(other.save("newest", &sealed(7), MINUTE), Ok(true));
        for late in [5, 6, 7] {
            let reply = Sealed { bytes: b"late".to_vec(), ..sealed(late) };
            assert_eq!(store.save("newest", &reply, MINUTE), Ok(false), "{late} is not newer than 7");
        }
        assert_eq!(store.load("newest", MINUTE), Ok(Some(sealed(7))));
        let any_bytes = Sealed { generation: 8, bytes: (0..=255).collect() };
        assert_eq!(store.save("newest", &any_bytes, MINUTE), Ok(true));
        assert_eq!(other.load("newest", MINUTE), Ok(Some(any_bytes)));
    }

    fn names_are_apart(open: &dyn Fn() -> Arc<dyn Store>) {
        let store = open();
        let lease = store.try_lease("one", 0, MINUTE).unwrap().unwrap();
        assert!(store.try_lease("two", 0, MINUTE).unwrap().is_some());
        store.save("one", &sealed(lease.generation), MINUTE).unwrap();
        assert_eq!(store.load("two", MINUTE), Ok(None));
    }

    fn leases_are_exclusive_and_grow(open: &dyn Fn() -> Arc<dyn Store>) {
        let (store, other) = (open(), open());
        let first = store.try_lease("lease", 0, MINUTE).unwrap().unwrap();
        assert!(first.generation > 0);
        assert!(other.try_lease("lease", 0, MINUTE).unwrap().is_none(), "it is taken");
        assert!(store.try_lease("lease", 0, MINUTE).unwrap().is_none(), "from its own process, too");
        let before = first.generation;
        drop(first);
        let second = lease_soon(&*other, 0);
        assert!(second.generation > before, "though nothing was saved under the first");
        drop(second);
        assert_eq!(lease_soon(&*store, 100).generation, 101, "above what its process holds");
        store.save("lease", &sealed(200), MINUTE).unwrap();
        assert_eq!(lease_soon(&*other, 7).generation, 201, "above what is kept");
    }

    /// A lease that was given back is free a moment later.
    fn lease_soon(store: &dyn Store, above: u64) -> Lease {
        let begun = Instant::now();
        loop {
            match store.try_lease("lease", above, MINUTE).unwrap() {
                Some(lease) => return lease,
                None => assert!(begun.elapsed() < Duration::from_secs(1), "it is never free again"),
            }
        }
    }

    fn one_of_many_gets_the_lease(open: &(dyn Fn() -> Arc<dyn Store> + Sync)) {
        let takers: Vec<_> = (0..8).map(|_| open()).collect();
        let leases = thread::scope(|scope| {
            let threads: Vec<_> =
                takers.iter().map(|store| scope.spawn(|| store.try_lease("many", 0, MINUTE).unwrap())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        });
        assert_eq!(leases.iter().flatten().count(), 1);
    }

    fn no_write_is_lost(open: &(dyn Fn() -> Arc<dyn Store> + Sync)) {
        thread::scope(|scope| {
            for writer in 0..4 {
                scope.spawn(move || {
                    let store = open();
                    for generation in 1..=20 {
                        assert_eq!(store.save(&format!("writer {writer}"), &sealed(generation), MINUTE), Ok(true));
                    }
                });
            }
        });
        for writer in 0..4 {
            assert_eq!(open().load(&format!("writer {writer}"), MINUTE), Ok(Some(sealed(20))));
        }
    }
}
