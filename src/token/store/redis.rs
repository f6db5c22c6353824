//! A Redis server that all machines share.
//!
//! One thread of the process holds the connection. Whoever wants something of it waits for at most [`PATIENCE`]; once
//! nobody answers in that time, nobody waits at all until the thread has got through again. So a Redis that hangs costs
//! a call half a second, once.

use std::process;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use redis::{Cmd, FromRedisValue, RedisError, Value};

use super::{Lease, Store, Trouble};
use crate::request::RedisServer;
use crate::token::record::Sealed;
use connection::Connection;

mod connection;

/// For an answer. The connection's own limits are a little shorter, so that its error is told and not this one's.
const PATIENCE: Duration = Duration::from_millis(500);
/// Whoever had less time than this cannot tell a server that is lost from one that is busy.
const SHORTEST_PATIENCE: Duration = Duration::from_millis(100);
/// A lease ends so long after its process has died. It is renewed more often than that.
const LEASE_MS: u64 = 1500;
const BEAT: Duration = Duration::from_millis(300);
/// Between two looks whether a server that was lost is there again.
const LOOK: Duration = Duration::from_millis(500);
/// What nobody asked for in this time is forgotten.
const KEPT_MS: u64 = 40 * 86_400_000;

/// Keys: the tokens's, the lease's. Arguments: the owner, how long the lease lasts, a generation, how long all is kept.
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

/// The process's one connection to this server.
pub(super) fn shared(server: &RedisServer) -> Arc<dyn Store> {
    static SHARED: Mutex<Vec<(u32, RedisServer, Arc<RedisStore>)>> = Mutex::new(Vec::new());
    // A process that was forked has the entries of its parent, but not the parent's threads.
    let process = process::id();
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    shared.retain(|(of, ..)| *of == process);
    if let Some((.., store)) = shared.iter().find(|(_, other, _)| other == server) {
        return store.clone();
    }
    let store = Arc::new(RedisStore::new(server.clone()));
    shared.push((process, server.clone(), store.clone()));
    store
}

pub(super) struct RedisStore {
    jobs: Sender<Job>,
    lost: Arc<Lost>,
}

/// Why the server is taken for lost; `None` while it is not.
#[derive(Default)]
struct Lost(Mutex<Option<Trouble>>);

impl Lost {
    fn why(&self) -> MutexGuard<'_, Option<Trouble>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Job {
    Do(Cmd, Sender<Result<Value, Trouble>>),
    /// The owner's lease is renewed until it is released.
    Lease {
        cmd: Cmd,
        key: String,
        owner: String,
        reply: Sender<Result<Value, Trouble>>,
    },
    Release {
        owner: String,
    },
    /// Is the server there again?
    Look,
}

impl RedisStore {
    fn new(server: RedisServer) -> RedisStore {
        let (jobs, orders) = mpsc::channel();
        let lost = Arc::new(Lost::default());
        let holder =
            Holder { server, lost: lost.clone(), connection: None, leases: Vec::new(), beaten: Instant::now() };
        // Without the thread nobody takes the orders, which is trouble like any other.
        let _ = thread::Builder::new().name("rpa_openapi redis".to_owned()).spawn(move || holder.run(&orders));
        RedisStore { jobs, lost }
    }

    fn ask<T: FromRedisValue>(
        &self,
        patience: Duration,
        job: impl FnOnce(Sender<Result<Value, Trouble>>) -> Job,
    ) -> Result<T, Trouble> {
        if let Some(why) = self.lost.why().clone() {
            return Err(why);
        }
        let (reply, answer) = mpsc::channel();
        let slow = || Trouble("the Redis of `token_store` does not answer in time".to_owned());
        let sent = self.jobs.send(job(reply));
        let answer =
            sent.map_err(|_| slow()).and_then(|()| answer.recv_timeout(patience.min(PATIENCE)).map_err(|_| slow()));
        match answer {
            Ok(answer) => redis::from_redis_value(answer?)
                .map_err(|_| Trouble("the Redis of `token_store` answers nonsense".to_owned())),
            Err(slow) => {
                if patience >= SHORTEST_PATIENCE {
                    self.lost.why().get_or_insert(slow.clone());
                    // It may have got through meanwhile, and then it waits for orders.
                    let _ = self.jobs.send(Job::Look);
                }
                Err(slow)
            }
        }
    }
}

fn token_key(name: &str) -> String {
    // Braces: both keys of an account lie on the same node of a cluster.
    format!("rpa-openapi:{{{name}}}")
}

fn lease_key(name: &str) -> String {
    format!("rpa-openapi:{{{name}}}:lease")
}

impl Store for RedisStore {
    fn load(&self, name: &str, patience: Duration) -> Result<Option<Sealed>, Trouble> {
        let mut cmd = redis::cmd("HMGET");
        cmd.arg(token_key(name)).arg("generation").arg("sealed");
        let (generation, bytes): (Option<u64>, Option<Vec<u8>>) = self.ask(patience, |reply| Job::Do(cmd, reply))?;
        Ok(generation.zip(bytes).map(|(generation, bytes)| Sealed { generation, bytes }))
    }

    fn save(&self, name: &str, sealed: &Sealed, patience: Duration) -> Result<bool, Trouble> {
        let mut cmd = redis::cmd("EVAL");
        cmd.arg(SAVE).arg(1).arg(token_key(name)).arg(sealed.generation).arg(&sealed.bytes).arg(KEPT_MS);
        self.ask(patience, |reply| Job::Do(cmd, reply))
    }

    fn try_lease(&self, name: &str, above: u64, patience: Duration) -> Result<Option<Lease>, Trouble> {
        let (key, owner) = (lease_key(name), format!("{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..)));
        let mut cmd = redis::cmd("EVAL");
        cmd.arg(LEASE).arg(2).arg(token_key(name)).arg(&key).arg(&owner).arg(LEASE_MS).arg(above).arg(KEPT_MS);
        let guard = Released { jobs: self.jobs.clone(), owner: owner.clone() };
        // If nobody waits for the answer any more, dropping the guard releases what was leased late.
        let generation: u64 = self.ask(patience, |reply| Job::Lease { cmd, key, owner, reply })?;
        Ok((generation > 0).then(|| Lease { generation, _guard: Box::new(guard) }))
    }
}

struct Released {
    jobs: Sender<Job>,
    owner: String,
}

impl Drop for Released {
    fn drop(&mut self) {
        let _ = self.jobs.send(Job::Release { owner: std::mem::take(&mut self.owner) });
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
}

impl Holder {
    fn run(mut self, orders: &Receiver<Job>) {
        loop {
            let lost = self.lost.why().is_some();
            let order = match (lost, self.leases.is_empty()) {
                (true, _) => orders.recv_timeout(LOOK),
                (false, false) => orders.recv_timeout(BEAT),
                (false, true) => orders.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match order {
                Ok(job) => self.perform(job),
                Err(RecvTimeoutError::Timeout) if lost => self.perform(Job::Look),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if self.beaten.elapsed() >= BEAT {
                self.beat();
            }
        }
    }

    fn perform(&mut self, job: Job) {
        match job {
            Job::Do(cmd, reply) => drop(reply.send(self.exchange(&cmd))),
            Job::Lease { cmd, key, owner, reply } => {
                let answer = self.exchange(&cmd);
                // Zero: another has it.
                if !matches!(answer, Ok(Value::Int(0))) {
                    self.leases.push((key, owner));
                }
                let _ = reply.send(answer);
            }
            Job::Release { owner } => {
                let Some(place) = self.leases.iter().position(|(_, other)| *other == owner) else { return };
                let (key, _) = self.leases.swap_remove(place);
                let mut cmd = redis::cmd("EVAL");
                cmd.arg(RELEASE).arg(1).arg(key).arg(owner);
                let _ = self.exchange(&cmd);
            }
            Job::Look => drop(self.exchange(&redis::cmd("PING"))),
        }
    }

    fn beat(&mut self) {
        self.beaten = Instant::now();
        for (key, owner) in self.leases.clone() {
            let mut cmd = redis::cmd("EVAL");
            cmd.arg(BEAT_ON).arg(1).arg(key).arg(owner).arg(LEASE_MS);
            let _ = self.exchange(&cmd);
        }
    }

    /// A kept connection that the server has closed meanwhile is made anew, once: each command may be repeated.
    fn exchange(&mut self, cmd: &Cmd) -> Result<Value, Trouble> {
        let kept = self.connection.is_some();
        let mut answer = self.try_exchange(cmd);
        if kept && answer.as_ref().is_err_and(RedisError::is_connection_dropped) {
            answer = self.try_exchange(cmd);
        }
        let answer = answer.map_err(|error| in_words(&error));
        // A server that answers with an error is not lost.
        *self.lost.why() = answer.as_ref().err().filter(|_| self.connection.is_none()).cloned();
        answer
    }

    fn try_exchange(&mut self, cmd: &Cmd) -> Result<Value, RedisError> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection::open(&self.server)?,
        };
        let answer = connection.exchange(cmd)?;
        // An error that the server tells leaves the connection as good as it was.
        self.connection = Some(connection);
        match answer {
            Value::ServerError(error) => Err(error.into()),
            answer => Ok(answer),
        }
    }
}

/// The server's code alone (`READONLY`, `WRONGPASS`): its sentence may quote anything.
fn in_words(error: &RedisError) -> Trouble {
    let why = match error.code() {
        Some(code) => format!("it answers {code}"),
        None if error.is_timeout() => "it does not answer in time".to_owned(),
        None => error.to_string(),
    };
    Trouble(format!("the Redis of `token_store` cannot be used: {why}"))
}

#[cfg(test)]
mod tests;
