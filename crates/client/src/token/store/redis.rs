//! A Redis server that all machines share.
//!
//! One thread of the process holds the connection. Once it does not answer in time, nobody waits at all until it has got
//! through again. So a Redis that hangs costs one call half a second, once.

use std::process;
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::{Duration, Instant};

use ring::rand::{SecureRandom, SystemRandom};

use super::{Lease, Store, Trouble};
use crate::basics::locks::lock;
use crate::basics::threads;
use crate::request::RedisServer;
use crate::token::stored_token::Sealed;
use crate::wait::promise::{self, Giver};
use crate::wait::queue::{self, Nothing};
use connection::Connection;
use resp::Answer;
use trouble::Fault;

mod connection;
pub(super) mod examine;
mod refusal;
mod resp;
mod trouble;

/// A lease ends so long after its process has died. It is renewed more often than that.
const LEASE_MS: u64 = 1500;
const BEAT: Duration = Duration::from_millis(300);
const RELEASE_WAIT: Duration = Duration::from_millis(100);
/// Between two looks whether a server that was lost is there again. The pauses grow: a fleet must not hold it down.
const LOOK: Duration = Duration::from_millis(500);
const LONGEST_LOOK: Duration = Duration::from_millis(800);
/// What nobody asked for in this time is forgotten.
const KEPT_MS: u64 = 40 * 86_400_000;

/// Keys: the token's, the lease's. Arguments: the owner, how long the lease lasts, a generation, how long all is kept.
const LEASE: &str = "
local holder = redis.call('GET', KEYS[2])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
local known = redis.call('HMGET', KEYS[1], 'leased', 'generation')
local generation = math.max(tonumber(known[1] or 0), tonumber(known[2] or 0), tonumber(ARGV[3])) + 1
redis.call('HSET', KEYS[1], 'leased', string.format('%.0f', generation))
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return generation";

/// Key: the token's. Arguments: its generation, the sealed token, how long it is kept.
const SAVE: &str = "
if tonumber(redis.call('HGET', KEYS[1], 'generation') or 0) >= tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'generation', ARGV[1], 'sealed', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1";

/// Key: the lease's. Arguments: the owner, how long the lease lasts.
const BEAT_ON: &str = "
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0";

/// Key: the lease's. Argument: the owner.
const RELEASE: &str = "
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0";

struct Shared {
    /// A process that was forked has the entries of its parent, but not the parent's threads.
    process: u32,
    server: RedisServer,
    store: Weak<RedisStore>,
}

/// The process's one connection to this server.
pub(super) fn shared(server: &RedisServer) -> Arc<dyn Store> {
    static SHARED: Mutex<Vec<Shared>> = Mutex::new(Vec::new());
    let process = process::id();
    let mut all = lock(&SHARED);
    all.retain(|shared| shared.process == process && shared.store.strong_count() > 0);
    let same = all.iter().find(|shared| shared.server == *server).and_then(|shared| shared.store.upgrade());
    same.unwrap_or_else(|| {
        let store = Arc::new(RedisStore::new(server.clone()));
        all.push(Shared { process, server: server.clone(), store: Arc::downgrade(&store) });
        store
    })
}

pub(super) struct RedisStore {
    jobs: queue::Giver<Job>,
    lost: Arc<Lost>,
}

/// Why the server is taken for lost; `None` while it is not.
#[derive(Default)]
struct Lost(Mutex<Option<Trouble>>);

impl Lost {
    fn why(&self) -> MutexGuard<'_, Option<Trouble>> {
        lock(&self.0)
    }
}

/// The words of a command.
type Command = Vec<Vec<u8>>;
type Reply = Giver<Result<Answer, Trouble>>;

enum Job {
    Do(Command, Reply),
    /// The owner's lease is renewed until it is released.
    Lease {
        command: Command,
        key: String,
        owner: String,
        reply: Reply,
    },
    Release {
        owner: String,
        done: Giver<()>,
    },
    /// Is the server there again?
    Look,
}

impl RedisStore {
    fn new(server: RedisServer) -> RedisStore {
        let (jobs, orders) = queue::queue();
        let lost = Arc::new(Lost::default());
        let holder = Holder {
            server,
            lost: lost.clone(),
            connection: None,
            leases: Vec::new(),
            beaten: Instant::now(),
            look: LOOK,
            look_at: Instant::now(),
        };
        // Without the thread nobody takes the orders, which is trouble like any other.
        let _ = threads::spawn("redis", move || holder.run(&orders));
        RedisStore { jobs, lost }
    }

    fn ask(&self, limit: Duration, job: impl FnOnce(Reply) -> Job) -> Result<Answer, Trouble> {
        if let Some(why) = self.lost.why().clone() {
            return Err(why);
        }
        let (reply, answer) = promise::promise();
        let sent = self.jobs.give(job(reply));
        let answer = sent.map_err(|_| trouble::slow()).and_then(|()| answer.take(limit).ok_or_else(trouble::slow));
        answer.unwrap_or_else(|slow| {
            self.lost.why().get_or_insert(slow.clone());
            // It may have got through meanwhile, and then it waits for orders.
            let _ = self.jobs.give(Job::Look);
            Err(slow)
        })
    }
}

/// A script with its keys and its arguments.
fn script(text: &str, keys: &[&str], arguments: &[&[u8]]) -> Command {
    let number = keys.len().to_string();
    let words = ["EVAL", text, &number].into_iter().chain(keys.iter().copied()).map(str::as_bytes);
    words.chain(arguments.iter().copied()).map(<[u8]>::to_vec).collect()
}

fn nonsense() -> Trouble {
    Trouble("the Redis of `token_store` answers nonsense: is it a proxy or another program? (Redis的回答不合规,请检查该地址是否为Redis)".to_owned())
}

/// A name for the owner of one lease alone, from the system's random bytes: a generator of our own goes on alike in a process and in the one
/// that was forked from it, and both would hold the lease.
fn owner() -> Option<String> {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).ok()?;
    Some(base16ct::lower::encode_string(&bytes))
}

fn token_key(name: &str) -> String {
    // Braces: both keys of an account lie on the same node of a cluster.
    format!("rpa-openapi:{{{name}}}")
}

fn lease_key(name: &str) -> String {
    format!("rpa-openapi:{{{name}}}:lease")
}

impl Store for RedisStore {
    fn load(&self, name: &str, limit: Duration) -> Result<Option<Sealed>, Trouble> {
        let command = ["HMGET", &token_key(name), "generation", "sealed"].map(|word| word.as_bytes().to_vec());
        let Answer::List(found) = self.ask(limit, |reply| Job::Do(command.into(), reply))? else {
            return Err(nonsense());
        };
        match <[Answer; 2]>::try_from(found) {
            Ok([Answer::Text(generation), Answer::Text(bytes)]) => {
                let generation = str::from_utf8(&generation).ok().and_then(|digits| digits.parse().ok());
                Ok(Some(Sealed { generation: generation.ok_or_else(nonsense)?, bytes }))
            }
            Ok(_) => Ok(None),
            Err(_) => Err(nonsense()),
        }
    }

    fn save(&self, name: &str, sealed: &Sealed, limit: Duration) -> Result<bool, Trouble> {
        let (generation, kept) = (sealed.generation.to_string(), KEPT_MS.to_string());
        let command = script(SAVE, &[&token_key(name)], &[generation.as_bytes(), &sealed.bytes, kept.as_bytes()]);
        Ok(self.ask(limit, |reply| Job::Do(command, reply))? == Answer::Whole(1))
    }

    fn try_lease(&self, name: &str, above: u64, limit: Duration) -> Result<Option<Lease>, Trouble> {
        let owner = owner().ok_or_else(|| {
            Trouble("the system has no random bytes (系统不能提供随机数,请联系系统管理员)".to_owned())
        })?;
        let key = lease_key(name);
        let [lasts, above, kept] = [LEASE_MS, above, KEPT_MS].map(|number| number.to_string());
        let arguments = [&owner, &lasts, &above, &kept].map(|argument| argument.as_bytes());
        let command = script(LEASE, &[&token_key(name), &key], &arguments);
        // If nobody waits for the answer any more, dropping the guard releases what was leased late.
        let guard = Released { jobs: self.jobs.clone(), lost: self.lost.clone(), owner: owner.clone() };
        match self.ask(limit, |reply| Job::Lease { command, key, owner, reply })? {
            Answer::Whole(0) => Ok(None),
            Answer::Whole(generation) => {
                let generation = u64::try_from(generation).map_err(|_| nonsense())?;
                Ok(Some(Lease { generation, _guard: Box::new(guard) }))
            }
            _ => Err(nonsense()),
        }
    }
}

struct Released {
    jobs: queue::Giver<Job>,
    lost: Arc<Lost>,
    owner: String,
}

/// A robot's process may end with the call that had a lease. The next one is not to wait until it ends by itself.
impl Drop for Released {
    fn drop(&mut self) {
        let (done, released) = promise::promise();
        let sent = self.jobs.give(Job::Release { owner: std::mem::take(&mut self.owner), done });
        if sent.is_ok() && self.lost.why().is_none() {
            let _ = released.take(RELEASE_WAIT);
        }
    }
}

/// The thread that holds the connection.
struct Holder {
    server: RedisServer,
    lost: Arc<Lost>,
    connection: Option<Connection>,
    /// Key and owner of each lease of this process.
    leases: Vec<(String, String)>,
    /// When they were renewed.
    beaten: Instant,
    /// The pause before the next look, and when that is: others' orders must not put it off.
    look: Duration,
    look_at: Instant,
}

impl Holder {
    fn run(mut self, orders: &queue::Taker<Job>) {
        loop {
            let lost = self.lost.why().is_some();
            let order = match (lost, self.leases.is_empty()) {
                (true, _) => orders.take(Some(self.look_at.saturating_duration_since(Instant::now()))),
                (false, false) => orders.take(Some(BEAT)),
                (false, true) => orders.take(None),
            };
            match order {
                Ok(job) => self.perform(job),
                Err(Nothing::InTime) => {}
                Err(Nothing::EverMore) => return,
            }
            if lost && Instant::now() >= self.look_at {
                self.look = self.look.saturating_mul(2).min(LONGEST_LOOK);
                self.perform(Job::Look);
            }
            if self.beaten.elapsed() >= BEAT {
                self.beat();
            }
        }
    }

    fn perform(&mut self, job: Job) {
        match job {
            Job::Do(command, reply) => reply.give(self.exchange(&command)),
            Job::Lease { command, key, owner, reply } => {
                let answer = self.exchange(&command);
                // Zero: another has it.
                if !matches!(answer, Ok(Answer::Whole(0))) {
                    self.leases.push((key, owner));
                    self.beaten = Instant::now();
                }
                reply.give(answer);
            }
            Job::Release { owner, done } => {
                let Some(place) = self.leases.iter().position(|(_, other)| *other == owner) else { return };
                let (key, _) = self.leases.swap_remove(place);
                let _ = self.exchange(&script(RELEASE, &[&key], &[owner.as_bytes()]));
                done.give(());
            }
            Job::Look => drop(self.exchange(&[b"PING".to_vec()])),
        }
    }

    fn beat(&mut self) {
        self.beaten = Instant::now();
        for (key, owner) in self.leases.clone() {
            let lasts = LEASE_MS.to_string();
            let _ = self.exchange(&script(BEAT_ON, &[&key], &[owner.as_bytes(), lasts.as_bytes()]));
        }
    }

    /// A kept connection that the server has closed meanwhile is made anew, once: each command may be repeated.
    fn exchange(&mut self, command: &[Vec<u8>]) -> Result<Answer, Trouble> {
        let kept = self.connection.is_some();
        let mut answer = self.try_exchange(command);
        if kept && matches!(&answer, Err(Fault::Lost(error)) if !trouble::is_timeout(error)) {
            answer = self.try_exchange(command);
        }
        let answer = answer.map_err(|fault| trouble::of(&fault, &self.server));
        if self.connection.is_some() {
            self.look = LOOK;
        }
        self.look_at = Instant::now().checked_add(self.look).unwrap_or(self.look_at);
        // A server that answers with an error is not lost.
        *self.lost.why() = answer.as_ref().err().filter(|_| self.connection.is_none()).cloned();
        answer
    }

    fn try_exchange(&mut self, command: &[Vec<u8>]) -> Result<Answer, Fault> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection::open(&self.server)?,
        };
        let words: Vec<_> = command.iter().map(Vec::as_slice).collect();
        let answer = connection.exchange(&words);
        // An error that the server tells leaves the connection as good as it was.
        if !matches!(answer, Err(Fault::Lost(_))) {
            self.connection = Some(connection);
        }
        answer
    }
}

#[cfg(test)]
mod tests;
