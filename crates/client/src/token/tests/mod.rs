//! The keeper and its flights, against a control center that is a closure.

mod clocks_and_accounts;
mod refusals;
mod renewal;
mod sharing;

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use zeroize::Zeroizing;

use super::account::tests::{account, account_of};
use super::ask::{Ask, By, Failure, Need, Reply};
use super::clock::Observed;
use super::keeper::{Held, Keeper};
use super::record::tests::record;
use super::record::{Record, Sealed};
use super::store::{Lease, MemoryStore, Store, Trouble};
use crate::error::{Error, Kind, Refusal, Source};

const MINUTE: Duration = Duration::from_secs(60);

const HOUR_S: u64 = 3600;

/// Gives `token1`, `token2` and so on, with a lifetime in seconds if there is one.
struct Center {
    /// Its clock: time passes as the test wants it.
    ahead_s: AtomicU64,
    asked: AtomicUsize,
    by_refresh: AtomicUsize,
    delay: Duration,
    lifetime_s: Option<u64>,
    fails: AtomicBool,
    refuses: AtomicBool,
}

impl Center {
    fn new(lifetime_s: Option<u64>) -> Center {
        Center {
            ahead_s: AtomicU64::new(0),
            asked: AtomicUsize::new(0),
            by_refresh: AtomicUsize::new(0),
            delay: Duration::ZERO,
            lifetime_s,
            fails: AtomicBool::new(false),
            refuses: AtomicBool::new(false),
        }
    }

    fn ask(&self, by: &By) -> Result<Reply, Error> {
        let number = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        if matches!(by, By::Refresh(_)) {
            self.by_refresh.fetch_add(1, Ordering::SeqCst);
        }
        thread::sleep(self.delay);
        if self.fails.load(Ordering::SeqCst) {
            return Err(Error::new(Kind::Connect, "x", "x"));
        }
        if self.refuses.load(Ordering::SeqCst) {
            return Ok(reply("{\"code\":401,\"msg\":\"accessKey错误\"}", 401));
        }
        let life = self.lifetime_s.map_or(String::new(), |seconds| format!(",\"expiresIn\":{seconds}"));
        let text = format!(
            "{{\"code\":0,\"result\":{{\"accessToken\":\"token{number}\",\"refreshToken\":\"r{number}\"{life}}}}}"
        );
        Ok(Reply { observed: Some(self.observed()), ..reply(&text, 200) })
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn observed(&self) -> Observed {
        let now = SystemTime::now();
        let ahead = Duration::from_secs(self.ahead_s.load(Ordering::SeqCst));
        Observed { before: now, after: now, date: now + ahead }
    }

    /// So much time goes by, and these see it.
    fn pass(&self, seconds: u64, keepers: &[Keeper]) {
        self.ahead_s.fetch_add(seconds, Ordering::SeqCst);
        for keeper in keepers {
            keeper.observe(self.observed());
        }
    }
}

fn reply(text: &str, status: u16) -> Reply {
    Reply { text: Zeroizing::new(text.as_bytes().to_vec()), status, observed: None }
}

/// Processes that share a store.
fn keepers(number: usize) -> Vec<Keeper> {
    let store = MemoryStore::default();
    (0..number).map(|_| Keeper::new(account("s"), Arc::new(store.clone()))).collect()
}

fn keeper() -> Keeper {
    keepers(1).remove(0)
}

/// With a token that is in the last five minutes of two hours.
fn due(center: &Center) -> Keeper {
    let keeper = keeper();
    assert_eq!(held(&keeper, center).0, "token1");
    center.pass(2 * HOUR_S - 60, std::slice::from_ref(&keeper));
    keeper
}

fn with<T>(ask: &Ask<'_>, limit: Duration, work: impl FnOnce(&Need<'_>) -> T) -> T {
    work(&Need::new(ask, Instant::now() + limit, None))
}

fn token(keeper: &Keeper, center: &Center) -> Result<Held, Failure> {
    with(&|by, _| center.ask(by), MINUTE, |need| keeper.token(need))
}

fn replace(keeper: &Keeper, refused: &Held, center: &Center) -> Result<Held, Failure> {
    with(&|by, _| center.ask(by), MINUTE, |need| keeper.replace(refused, need).0)
}

fn held(keeper: &Keeper, center: &Center) -> (String, Source) {
    let held = token(keeper, center).ok().unwrap();
    (held.token.expose().to_owned(), held.facts.source.unwrap())
}

/// A store that can be lost.
struct Losable {
    store: MemoryStore,
    lost: AtomicBool,
}

impl Losable {
    fn found(&self) -> Result<&MemoryStore, Trouble> {
        if self.lost.load(Ordering::SeqCst) { Err(Trouble("lost".to_owned())) } else { Ok(&self.store) }
    }
}

impl Store for Losable {
    fn load(&self, name: &str, limit: Duration) -> Result<Option<Sealed>, Trouble> {
        self.found()?.load(name, limit)
    }

    fn save(&self, name: &str, sealed: &Sealed, limit: Duration) -> Result<bool, Trouble> {
        self.found()?.save(name, sealed, limit)
    }

    fn try_lease(&self, name: &str, above: u64, limit: Duration) -> Result<Option<Lease>, Trouble> {
        self.found()?.try_lease(name, above, limit)
    }
}
