//! The keeper and its flights, against a control center that is a closure.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use zeroize::Zeroizing;

use super::account::tests::account;
use super::ask::{Ask, By, Failure, Reply};
use super::clock::Observed;
use super::facts::Source;
use super::keeper::{Held, Keeper, Need};
use super::record::Sealed;
use super::refusal::Refusal;
use super::store::{Lease, MemoryStore, Store, Trouble};
use crate::error::{Error, Kind};

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
    Reply { text: Zeroizing::new(text.to_owned()), status, observed: None }
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
    work(&Need { ask, deadline: Instant::now() + limit, lifetime: None })
}

fn token(keeper: &Keeper, center: &Center) -> Result<Held, Failure> {
    with(&|by, _| center.ask(by), MINUTE, |need| keeper.token(need))
}

fn replace(keeper: &Keeper, refused: &Held, center: &Center) -> Result<Held, Failure> {
    with(&|by, _| center.ask(by), MINUTE, |need| keeper.replace(refused, need))
}

fn held(keeper: &Keeper, center: &Center) -> (String, Source) {
    let held = token(keeper, center).ok().unwrap();
    (held.token.expose().to_owned(), held.facts.source.unwrap())
}

#[test]
fn a_token_is_got_once_and_shared() {
    let (keepers, center) = (keepers(2), Center::new(None));
    assert_eq!(held(&keepers[0], &center), ("token1".to_owned(), Source::Server));
    assert_eq!(held(&keepers[0], &center), ("token1".to_owned(), Source::Memory));
    assert_eq!(held(&keepers[1], &center), ("token1".to_owned(), Source::Store));
    assert_eq!(held(&keepers[1], &center), ("token1".to_owned(), Source::Memory));
    assert_eq!(center.asked(), 1);
}

#[test]
fn one_of_many_asks() {
    let (keepers, mut center) = (keepers(8), Center::new(None));
    center.delay = Duration::from_millis(200);
    let start = Barrier::new(64);
    thread::scope(|scope| {
        for keeper in &keepers {
            for _ in 0..8 {
                scope.spawn(|| {
                    start.wait();
                    assert_eq!(held(keeper, &center).0, "token1");
                });
            }
        }
    });
    assert_eq!(center.asked(), 1);
}

#[test]
fn the_next_one_takes_over_from_one_whose_time_ran_out() {
    let keeper = keeper();
    let first = AtomicBool::new(true);
    let asking = Barrier::new(2);
    let ask = |_: &By, _| {
        if first.swap(false, Ordering::SeqCst) {
            asking.wait();
            thread::sleep(Duration::from_millis(200));
            return Err(Error::new(Kind::Timeout, "x", "x"));
        }
        Center::new(None).ask(&By::Keys)
    };
    thread::scope(|scope| {
        scope.spawn(|| assert!(with(&ask, MINUTE, |need| keeper.token(need)).is_err()));
        asking.wait();
        let waited = with(&ask, Duration::from_millis(20), |need| keeper.token(need));
        assert!(matches!(waited, Err(Failure::Error(error)) if error.kind == Kind::Timeout), "within its own time");
        assert!(with(&ask, MINUTE, |need| keeper.token(need)).is_ok());
    });
}

#[test]
fn those_who_waited_share_a_failure() {
    let (keeper, mut center) = (keeper(), Center::new(None));
    center.delay = Duration::from_millis(200);
    center.refuses = true.into();
    let start = Barrier::new(16);
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                start.wait();
                assert!(
                    matches!(token(&keeper, &center), Err(Failure::Refused(json)) if json.contains("accessKey错误"))
                );
            });
        }
    });
    // Whoever was late for the first one has asked on his own.
    assert!(center.asked() <= 3, "{}", center.asked());
    center.refuses = false.into();
    assert!(token(&keeper, &center).is_ok(), "nothing is remembered of it");
}

#[test]
fn renewed_before_it_ends_and_by_the_refresh_token() {
    let (keepers, center) = (keepers(2), Center::new(Some(2 * HOUR_S)));
    assert_eq!(held(&keepers[0], &center).0, "token1");
    assert_eq!(held(&keepers[1], &center).0, "token1");
    center.pass(2 * HOUR_S - 301, &keepers);
    assert_eq!(held(&keepers[0], &center).0, "token1", "not yet");
    center.pass(4, &keepers);
    assert_eq!(held(&keepers[0], &center), ("token2".to_owned(), Source::Server));
    assert_eq!(center.by_refresh.load(Ordering::SeqCst), 1);
    assert_eq!(held(&keepers[1], &center), ("token2".to_owned(), Source::Store));
    assert_eq!(center.asked(), 2);
}

#[test]
fn a_renewal_that_fails_disturbs_nobody() {
    let center = Center::new(Some(2 * HOUR_S));
    let keeper = due(&center);
    center.fails.store(true, Ordering::SeqCst);
    for _ in 0..100 {
        assert_eq!(held(&keeper, &center), ("token1".to_owned(), Source::Memory));
    }
    assert_eq!(center.asked(), 3, "one attempt, by the refresh token and by the keys, and then a rest");
    center.pass(61, std::slice::from_ref(&keeper));
    assert!(token(&keeper, &center).is_err(), "its time is up");
    center.fails.store(false, Ordering::SeqCst);
    assert!(held(&keeper, &center).0.starts_with("token"));
}

#[test]
fn a_renewal_that_hangs_leaves_time_for_the_call() {
    let center = Center::new(Some(2 * HOUR_S));
    let keeper = due(&center);
    let hung = |_: &By, deadline: Instant| {
        thread::sleep(deadline.saturating_duration_since(Instant::now()));
        Err(Error::new(Kind::Timeout, "x", "x"))
    };
    let limit = Duration::from_secs(2);
    let begun = Instant::now();
    let found = with(&hung, limit, |need| keeper.token(need)).ok().unwrap();
    assert_eq!(found.token.expose(), "token1");
    assert!(begun.elapsed() < limit * 3 / 4, "{:?}", begun.elapsed());
}

#[test]
fn a_refused_token_is_replaced_from_the_store_if_that_has_a_newer_one() {
    let (keepers, center) = (keepers(2), Center::new(None));
    let old = [&keepers[0], &keepers[1]].map(|keeper| token(keeper, &center).ok().unwrap());
    let newer = replace(&keepers[0], &old[0], &center).ok().unwrap();
    assert_eq!((newer.token.expose(), newer.facts.source, newer.facts.renewed), ("token2", Some(Source::Server), true));
    assert_eq!((newer.facts.refusal, newer.facts.evictions), (Some(Refusal::Eviction), 1), "it was young");
    assert_eq!(center.by_refresh.load(Ordering::SeqCst), 0, "an eviction takes the refresh token along");
    let shared = replace(&keepers[1], &old[1], &center).ok().unwrap();
    assert_eq!((shared.token.expose(), shared.facts.source), ("token2", Some(Source::Store)));
    assert_eq!((shared.facts.refusal, shared.facts.evictions), (Some(Refusal::Renewed), 0));
    assert_eq!(center.asked(), 2);
    let again = replace(&keepers[0], &newer, &center).ok().unwrap();
    assert_eq!((again.token.expose(), again.facts.evictions), ("token3", 2));
}

#[test]
fn a_late_reply_replaces_nothing() {
    // Both have the right to ask, since the store of the first one is lost to it.
    let store = MemoryStore::default();
    let lost = Arc::new(Losable { store: store.clone(), lost: AtomicBool::new(false) });
    let (slow, quick) = (Keeper::new(account("s"), lost.clone()), Keeper::new(account("s"), Arc::new(store)));
    let answered = Barrier::new(2);
    thread::scope(|scope| {
        let late = scope.spawn(|| {
            let ask = |_: &By, _| {
                answered.wait();
                answered.wait();
                Ok(reply(r#"{"code":0,"result":["late"]}"#, 200))
            };
            with(&ask, MINUTE, |need| slow.token(need)).ok().unwrap().token.expose().to_owned()
        });
        answered.wait();
        // The lease of the one that hangs has run out.
        lost.store.forget_leases();
        assert_eq!(held(&quick, &Center::new(None)).0, "token1");
        answered.wait();
        assert_eq!(late.join().unwrap(), "token1", "the newer one is taken");
    });
    assert_eq!(held(&quick, &Center::new(None)).0, "token1");
    assert_eq!(held(&slow, &Center::new(None)).0, "token1");
}

#[test]
fn without_its_store_a_process_goes_on() {
    let store = MemoryStore::default();
    let lost = Arc::new(Losable { store: store.clone(), lost: AtomicBool::new(true) });
    let (cut_off, other) = (Keeper::new(account("s"), lost.clone()), Keeper::new(account("s"), Arc::new(store)));
    let center = Center::new(None);
    let first = token(&cut_off, &center).ok().unwrap();
    assert_eq!(first.token.expose(), "token1");
    assert_eq!(first.facts.store_trouble.as_deref(), Some("lost"));
    assert_eq!(held(&other, &center), ("token2".to_owned(), Source::Server));
    lost.lost.store(false, Ordering::SeqCst);
    let newer = replace(&cut_off, &first, &center).ok().unwrap();
    assert_eq!(newer.facts.store_trouble, None);
    assert_eq!(held(&other, &center).0, "token2", "which still works as far as it knows");
}

#[test]
fn no_token_in_the_reply() {
    let ask = |text: &'static str, status| move |_: &By, _| Ok(reply(text, status));
    let success = ask(r#"{"code":0,"result":{"tok":"x"}}"#, 200);
    let failure = with(&success, MINUTE, |need| keeper().token(need)).err().unwrap();
    assert!(
        matches!(failure, Failure::Error(error) if error.kind == Kind::Response && error.detail.contains("accessToken"))
    );
    let refused = ask(r#"{"code":7,"msg":"x"}"#, 200);
    assert!(
        matches!(with(&refused, MINUTE, |need| keeper().token(need)), Err(Failure::Refused(json)) if json == r#"{"code":7,"msg":"x"}"#)
    );
}

#[test]
fn a_lifetime_that_the_caller_knows() {
    let (keeper, center) = (keeper(), Center::new(None));
    let ask = |by: &By, _| center.ask(by);
    let get = || {
        let need = Need { ask: &ask, deadline: Instant::now() + MINUTE, lifetime: Some(Duration::from_secs(HOUR_S)) };
        keeper.token(&need).ok().unwrap().token.expose().to_owned()
    };
    assert_eq!(get(), "token1");
    center.pass(HOUR_S - 600, std::slice::from_ref(&keeper));
    assert_eq!(get(), "token1");
    center.pass(600, std::slice::from_ref(&keeper));
    assert_eq!(get(), "token2");
}

#[test]
fn a_clock_that_is_off_is_known_on_this_machine_and_not_on_another() {
    let (keepers, center) = (keepers(2), Center::new(Some(2 * HOUR_S)));
    center.pass(10 * HOUR_S, &[]);
    assert_eq!(held(&keepers[0], &center).0, "token1");
    let hours = |keeper: &Keeper| keeper.clock().correct(SystemTime::UNIX_EPOCH) / 3_600_000;
    assert_eq!(hours(&keepers[0]), 10, "from the token's own reply");
    assert_eq!(held(&keepers[1], &center).0, "token1", "which has not expired, by that clock");
    assert_eq!(hours(&keepers[1]), 10, "found beside the token");
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
    fn load(&self, name: &str, patience: Duration) -> Result<Option<Sealed>, Trouble> {
        self.found()?.load(name, patience)
    }

    fn save(&self, name: &str, sealed: &Sealed, patience: Duration) -> Result<bool, Trouble> {
        self.found()?.save(name, sealed, patience)
    }

    fn try_lease(&self, name: &str, above: u64, patience: Duration) -> Result<Option<Lease>, Trouble> {
        self.found()?.try_lease(name, above, patience)
    }
}
