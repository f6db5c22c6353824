//! The keeper and its renewals, against a control center that is a closure.

mod clocks_and_accounts;
mod endpoint;
mod refusals;
mod renewal;
mod sharing;

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use zeroize::Zeroizing;

use super::account::tests::{account, account_of};
use super::ask::{Ask, By, Failure, Need, NoReply, Reply};
use super::clock::Observed;
use super::keeper::{Held, Keeper, Troubles};
use super::rights::Advice;
use super::store::{Lease, MemoryStore, Store, Trouble};
use super::stored_token::tests::token as stored;
use super::stored_token::{Got, Sealed, StoredToken};
use crate::error::{Error, Kind, Refusal, Source};
use crate::request::Options;

const MINUTE: Duration = Duration::from_secs(60);

const HOUR_S: u64 = 3600;

/// Gives `token1`, `token2` and so on, with a lifetime in seconds if there is one.
struct Center {
    ahead_s: AtomicU64,
    asked: AtomicUsize,
    by_refresh: AtomicUsize,
    delay_ms: AtomicU64,
    lifetime_s: Option<u64>,
    fails: AtomicBool,
    refuses: AtomicBool,
}

impl Center {
    fn new(lifetime_s: Option<u64>) -> Arc<Center> {
        Arc::new(Center {
            ahead_s: AtomicU64::new(0),
            asked: AtomicUsize::new(0),
            by_refresh: AtomicUsize::new(0),
            delay_ms: AtomicU64::new(0),
            lifetime_s,
            fails: AtomicBool::new(false),
            refuses: AtomicBool::new(false),
        })
    }

    fn ask(&self, by: &By) -> Result<Reply, NoReply> {
        let number = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        if matches!(by, By::Refresh(_)) {
            self.by_refresh.fetch_add(1, Ordering::SeqCst);
        }
        thread::sleep(Duration::from_millis(self.delay_ms.load(Ordering::SeqCst)));
        if self.fails.load(Ordering::SeqCst) {
            return Err(no_reply(Kind::Connect));
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

    fn slow(&self, delay: Duration) {
        self.delay_ms.store(delay.as_millis() as u64, Ordering::SeqCst);
    }

    fn observed(&self) -> Observed {
        let now = SystemTime::now();
        let ahead = Duration::from_secs(self.ahead_s.load(Ordering::SeqCst));
        Observed { before: now, after: now, date: now + ahead }
    }
}

fn no_reply(kind: Kind) -> NoReply {
    NoReply { error: Box::new(Error::new(kind, "x", "x")), may_repeat: false }
}

fn reply(text: &str, status: u16) -> Reply {
    Reply { text: Zeroizing::new(text.as_bytes().to_vec()), status, observed: None, retry_after: None }
}

/// Processes that share a store.
fn keepers(number: usize) -> Vec<Keeper> {
    let store = MemoryStore::default();
    (0..number).map(|_| Keeper::new(account("s"), Arc::new(store.clone()))).collect()
}

fn keeper() -> Keeper {
    keepers(1).remove(0)
}

/// So much time goes by for the token that a process has.
fn pass(seconds: u64, keeper: &Keeper) {
    let mut state = keeper.shared.state();
    let mut token = StoredToken::clone(state.token.present().unwrap());
    let earlier = |instant: Instant| instant.checked_sub(Duration::from_secs(seconds)).unwrap();
    token.got = token.got.map(|got| Got { asked: earlier(got.asked), had: earlier(got.had) });
    let milliseconds = seconds as i64 * 1000;
    token.issued_ms -= milliseconds;
    token.expires_ms = token.expires_ms.map(|expires| expires - milliseconds);
    state.token.put(token);
}

/// With a token that is in the last five minutes of two hours.
fn due(center: &Arc<Center>) -> Keeper {
    let keeper = keeper();
    assert_eq!(held(&keeper, center).0, "token1");
    pass(2 * HOUR_S - 60, &keeper);
    keeper
}

fn with<T>(
    ask: impl Fn(&By, Instant) -> Result<Reply, NoReply> + Send + Sync + 'static,
    limit: Duration,
    work: impl FnOnce(&Need<'_>) -> T,
) -> T {
    with_settings("{}", ask, limit, work)
}

fn with_settings<T>(
    settings: &str,
    ask: impl Fn(&By, Instant) -> Result<Reply, NoReply> + Send + Sync + 'static,
    limit: Duration,
    work: impl FnOnce(&Need<'_>) -> T,
) -> T {
    let ask: Arc<Ask> = Arc::new(ask);
    let asking = || ask.clone();
    work(&Need {
        options: &Options::of_test(settings),
        deadline: Instant::now() + limit,
        lifetime: None,
        asking: &asking,
    })
}

fn of(center: &Arc<Center>) -> impl Fn(&By, Instant) -> Result<Reply, NoReply> + Send + Sync + 'static {
    let center = center.clone();
    move |by, _| center.ask(by)
}

fn token(keeper: &Keeper, center: &Arc<Center>) -> Result<Held, Failure> {
    with(of(center), MINUTE, |need| keeper.token(need))
}

/// The API `/a` has refused this token.
fn replace(keeper: &Keeper, refused: &Held, center: &Arc<Center>) -> Result<Held, Failure> {
    let mut troubles = Troubles::default();
    assert_eq!(keeper.refused(refused, "/a", &mut troubles), Advice::Replace);
    with(of(center), MINUTE, |need| keeper.replace(refused, "/a", &mut troubles, need))
}

fn works(keeper: &Keeper, held: &Held) {
    keeper.works(held, "/a", Instant::now(), &mut Troubles::default());
}

fn held(keeper: &Keeper, center: &Arc<Center>) -> (String, Source) {
    let held = token(keeper, center).unwrap_or_else(|failure| panic!("{failure:?}"));
    (held.token.expose().to_owned(), held.facts.source.unwrap())
}

/// Asks until this token is there: a renewal on the side takes its time.
fn soon(keeper: &Keeper, center: &Arc<Center>, expected: &str) {
    let begun = Instant::now();
    while held(keeper, center).0 != expected {
        assert!(begun.elapsed() < MINUTE / 2, "{expected} does not come");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Until nothing is being asked.
fn rests(keeper: &Keeper) {
    while keeper.shared.state().under_way.is_some() {
        thread::sleep(Duration::from_millis(2));
    }
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
