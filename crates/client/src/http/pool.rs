//! The idle connections, all of them in one place. Each serves the next request that wants exactly what it was made for,
//! and is closed when its time is over, whether anybody calls or not.

use std::process;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use http::uri::Authority;

use super::connection::Connection;
use super::habit::{self, Habit};
use crate::basics::locks::lock;
use crate::basics::threads;
use crate::request::ProxyServer;
use crate::tls::session::Settings;

/// More than this many are not kept; the one that was not used for longest goes first.
const MOST_IDLE: usize = 256;
/// While it is not known whether a server keeps connections, so many of those of its posts lie here to show it.
const MOST_WITNESSES: usize = 16;
/// Once that is known, so many to show that it keeps them after more replies, too.
const WITNESSES_OF_MORE: usize = 2;
/// The habits of so many servers are known.
const MOST_HABITS: usize = 64;
/// The closing thread sleeps for no longer.
const LONGEST_SLEEP: Duration = Duration::from_millis(250);
/// With nothing to look after, it stays for this many looks: the next connection is often back at once.
const LOOKS_AT_NOTHING: u32 = 8;

/// Whom a connection leads to, and how.
#[derive(Clone, PartialEq)]
pub(super) struct Origin {
    pub(super) https: bool,
    pub(super) authority: Authority,
    /// Of an IPv6 address: in another zone the same address is another machine.
    pub(super) zone: Option<String>,
    /// The proxy on the way, with its password.
    pub(super) proxy: Option<ProxyServer>,
}

/// What may not be shared. A connection made under one kind of trust never serves a call under another.
#[derive(Clone)]
pub(super) struct Key {
    pub(super) origin: Origin,
    /// `None` for plain HTTP. Settings are made once for each kind of trust, so the same ones are the same object.
    pub(super) tls: Option<Arc<Settings>>,
    /// For how long it may lie idle.
    pub(super) keep_alive: Duration,
}

impl PartialEq for Key {
    fn eq(&self, other: &Key) -> bool {
        let same_trust = match (&self.tls, &other.tls) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (None, None) => true,
            _ => false,
        };
        same_trust && self.keep_alive == other.keep_alive && self.origin == other.origin
    }
}

struct Resting {
    key: Key,
    connection: Connection,
    since: Instant,
    /// The rest after which it was last seen open.
    seen_open: Duration,
}

struct Pool {
    /// A process that was forked has the connections of its parent, too. If both used one, each would read the other's
    /// replies.
    process: u32,
    /// In order of use, the latest last.
    resting: Vec<Resting>,
    /// In order of use, the latest last.
    habits: Vec<(Origin, Habit)>,
    has_closer: bool,
}

static POOL: Mutex<Pool> = Mutex::new(Pool { process: 0, resting: Vec::new(), habits: Vec::new(), has_closer: false });

fn pool() -> MutexGuard<'static, Pool> {
    let mut pool = lock(&POOL);
    if pool.process != process::id() {
        // Closing them here leaves those of the parent open. Its closing thread did not come along.
        *pool = Pool { process: process::id(), resting: Vec::new(), habits: Vec::new(), has_closer: false };
    }
    pool
}

/// An idle connection. One that a post cannot trust is left for others, see crates/client/src/http/habit.rs.
pub(super) fn take(key: &Key, is_post: bool) -> Option<Connection> {
    loop {
        let mut resting = pool().take(key, is_post)?;
        if resting.connection.is_quiet() {
            return Some(resting.connection);
        }
        pool().habit(&key.origin).ended(resting.idle(), resting.seen_open);
    }
}

/// Lays a connection aside after a reply.
pub(super) fn put(key: Key, connection: Connection, is_post: bool) {
    let mut pool = pool();
    let resting = Resting { key, connection, since: Instant::now(), seen_open: Duration::ZERO };
    if is_post && !pool.has_room_for_witness(&resting) {
        return;
    }
    let outlived = (pool.resting.len() >= MOST_IDLE).then(|| pool.resting.remove(0));
    pool.resting.push(resting);
    let starts = !std::mem::replace(&mut pool.has_closer, true);
    drop(pool);
    drop(outlived);
    if starts && threads::spawn("connections", close_in_time).is_err() {
        // Where no thread can be made, they are closed as others come.
        let mut pool = self::pool();
        pool.has_closer = false;
        drop(pool.look(Instant::now()));
    }
}

/// A kept connection broke under a request of which no reply came: it had ended before.
pub(super) fn ended(origin: &Origin, connection: &Connection) {
    let idle = idle(connection, Duration::ZERO);
    pool().habit(origin).ended(idle, Duration::ZERO);
}

/// Closes all of them.
pub(super) fn forget_all() {
    let forgotten = std::mem::take(&mut pool().resting);
    drop(forgotten);
}

/// Looks after the idle connections for as long as there are any.
fn close_in_time() {
    let _guard = Closing;
    let mut looks_at_nothing = 0;
    loop {
        let (closed, sleep) = {
            let mut pool = pool();
            let closed = pool.look(Instant::now());
            looks_at_nothing = if pool.resting.is_empty() { looks_at_nothing + 1 } else { 0 };
            if looks_at_nothing > LOOKS_AT_NOTHING {
                pool.has_closer = false;
                return;
            }
            (closed, pool.until_next_look(Instant::now()))
        };
        drop(closed);
        thread::sleep(sleep);
    }
}

/// A panic must not leave the pool without anybody who looks after it.
struct Closing;

impl Drop for Closing {
    fn drop(&mut self) {
        if thread::panicking() {
            pool().has_closer = false;
        }
    }
}

impl Resting {
    fn idle(&self) -> habit::Idle {
        idle(&self.connection, self.since.elapsed())
    }

    fn is_over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) >= self.limit()
    }

    fn limit(&self) -> Duration {
        self.connection.server_limit.map_or(self.key.keep_alive, |limit| limit.min(self.key.keep_alive))
    }

    /// It is looked at after a first rest, and again whenever that has doubled.
    fn next_look(&self) -> Duration {
        (2 * self.seen_open).max(habit::REST).min(self.limit())
    }
}

fn idle(connection: &Connection, rested: Duration) -> habit::Idle {
    habit::Idle {
        rested,
        replies: connection.replies,
        round_trip: connection.round_trip,
        announced: connection.announced,
    }
}

impl Pool {
    fn take(&mut self, key: &Key, is_post: bool) -> Option<Resting> {
        let now = Instant::now();
        let place = self.habits.iter().position(|(origin, _)| *origin == key.origin);
        let unknown = Habit::default();
        let habit = place.map_or(&unknown, |place| &self.habits[place].1);
        let fits = |resting: &Resting| {
            resting.key == *key && !resting.is_over(now) && (!is_post || habit.lets_post(resting.idle()))
        };
        let place = self.resting.iter().rposition(fits)?;
        Some(self.resting.remove(place))
    }

    fn habit(&mut self, origin: &Origin) -> &mut Habit {
        let known = self.habits.iter().position(|(other, _)| other == origin);
        let habit = match known {
            Some(place) => self.habits.remove(place),
            None => (origin.clone(), Habit::default()),
        };
        if self.habits.len() >= MOST_HABITS {
            self.habits.remove(0);
        }
        self.habits.push(habit);
        &mut self.habits.last_mut().expect("it was pushed just now").1
    }

    /// Whether a post's connection is of use: for the next post, or to show what the server does after so many replies.
    fn has_room_for_witness(&mut self, resting: &Resting) -> bool {
        let habit = self.habit(&resting.key.origin);
        let wanted = if habit.is_shown() { WITNESSES_OF_MORE } else { MOST_WITNESSES };
        let shows_as_much =
            |other: &&Resting| other.connection.replies >= resting.connection.replies && other.key == resting.key;
        habit.lets_post(resting.idle()) || self.resting.iter().filter(shows_as_much).count() < wanted
    }

    /// Looks at the connections whose time has come, and takes out those that are over or at an end.
    fn look(&mut self, now: Instant) -> Vec<Resting> {
        let rested = |resting: &Resting| now.saturating_duration_since(resting.since);
        let mut place = 0;
        let mut closed = Vec::new();
        while let Some(resting) = self.resting.get_mut(place) {
            if rested(resting) < resting.next_look() {
                place += 1;
                continue;
            }
            let (is_over, is_first) = (resting.is_over(now), !resting.connection.has_rested);
            let (is_open, idle) = (resting.connection.is_quiet(), resting.idle());
            let (origin, seen_open) = (resting.key.origin.clone(), resting.seen_open);
            if is_open {
                resting.seen_open = idle.rested;
                resting.connection.has_rested = true;
                self.habit(&origin).keeps(idle, is_first, seen_open);
            } else {
                self.habit(&origin).ended(idle, seen_open);
            }
            if is_over || !is_open {
                closed.push(self.resting.remove(place));
            } else {
                place += 1;
            }
        }
        closed
    }

    fn until_next_look(&self, now: Instant) -> Duration {
        let left = |resting: &Resting| resting.next_look().saturating_sub(now.saturating_duration_since(resting.since));
        // A connection that is laid aside meanwhile is first looked at after this rest.
        let is_lively =
            self.resting.last().is_none_or(|last| now.saturating_duration_since(last.since) < LONGEST_SLEEP);
        let longest = if is_lively { habit::REST } else { LONGEST_SLEEP };
        self.resting.iter().map(left).min().map_or(longest, |next| next.clamp(Duration::from_millis(1), longest))
    }
}
