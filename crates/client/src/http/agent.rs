//! The HTTP agents: one for each kind of trust and idle limit, kept for the life of the process, since reading the
//! system's certificates takes milliseconds and a kept connection saves a handshake.

use std::process;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use ureq::Agent;
use ureq::config::Config;
use ureq::unversioned::transport::{ConnectProxyConnector, Connector};

use super::lookup::LateResolver;
use super::observe::{AsProxy, ObserveConnector};
use super::tcp::TcpConnector;
use crate::error::Error;
use crate::proxy::socks::SocksConnector;
use crate::request::{Options, Trust};
use crate::tls::ca_file::{self, Certificates};
use crate::tls::session::TlsConnector;
use crate::tls::settings::client_config;

/// Agents beyond this number are forgotten, the one that was not used for longest first.
const MOST_AGENTS: usize = 32;
/// More threads than this do not keep a connection each.
const MOST_IDLE: usize = 256;
/// A head or a body goes out in pieces of this size. ureq allocates as much for each connection.
pub(crate) const OUTPUT: usize = 16 * 1024;
/// The head of a reply must fit.
const INPUT: usize = 32 * 1024;

/// What may not be shared. A connection made under one kind of trust never serves a call under another.
#[derive(PartialEq, Clone)]
struct Key {
    /// `None` for plain HTTP.
    trust: Option<Trust>,
    /// What was in the `ca_file`: a changed file is another kind of trust.
    further_roots: Option<Certificates>,
    keep_alive: Duration,
    /// A process that was forked has the connections of its parent, too. If both used one, each would read the other's
    /// replies.
    process: u32,
}

/// In its place before it is built, so that threads that start together build one and wait for it alone.
type Slot = Arc<OnceLock<Result<Agent, Error>>>;

/// In order of use, the latest last; each with the time at which it was made.
static AGENTS: Mutex<Vec<(Key, Slot, Instant)>> = Mutex::new(Vec::new());

/// For so long an agent counts as new.
const NEW: Duration = Duration::from_secs(5);

/// The agent for a request. An agent is a handle: a clone shares the connections.
pub(crate) fn find(options: &Options, https: bool, limit: Duration) -> Result<Agent, Error> {
    let trust = https.then(|| options.trust.clone());
    let further_roots = match &trust {
        Some(Trust::System { ca_file: Some(path) }) => Some(ca_file::certificates(path, limit)?),
        _ => None,
    };
    let key = Key { trust, further_roots, keep_alive: options.keep_alive, process: process::id() };
    let slot = slot(&key);
    let agent = slot.get_or_init(|| build(&key)).clone();
    if agent.is_err() {
        // What failed may succeed the next time.
        lock().retain(|(_, other, _)| !Arc::ptr_eq(other, &slot));
    }
    agent
}

fn lock() -> MutexGuard<'static, Vec<(Key, Slot, Instant)>> {
    AGENTS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn slot(key: &Key) -> Slot {
    let mut agents = lock();
    let kept = agents.iter().position(|(other, ..)| other == key).map(|place| agents.remove(place));
    let (key, slot, made) = kept.unwrap_or_else(|| (key.clone(), Slot::default(), Instant::now()));
    if agents.len() >= MOST_AGENTS {
        agents.remove(0);
    }
    agents.push((key, slot.clone(), made));
    slot
}

/// A certificate was refused. Its CA may have come into the system's store since that was read, or the store could not be
/// read whole, so the next attempt reads it anew.
pub(crate) fn look_again(trust: &Trust) {
    if matches!(trust, Trust::System { .. }) {
        lock().retain(|(key, _, made)| key.trust.as_ref() != Some(trust) || made.elapsed() < NEW);
    }
}

/// Forgets all agents and their connections.
pub(crate) fn forget_all() {
    lock().clear();
}

fn build(key: &Key) -> Result<Agent, Error> {
    let further_roots = key.further_roots.as_deref().map(Vec::as_slice).unwrap_or_default();
    let tls = key.trust.as_ref().map(|trust| client_config(trust, further_roots)).transpose()?.map(Arc::new);
    let config = Config::builder()
        // A reply counts whatever its status; ureq would drop the body of a 4xx or 5xx.
        .http_status_as_error(false)
        // The headers carry the token: they go to nobody else.
        .max_redirects(0)
        .max_redirects_will_error(false)
        // The way is chosen for each request; ureq would read the environment once, and by other rules.
        .proxy(None)
        .user_agent(concat!("rpa-openapi/", env!("CARGO_PKG_VERSION")))
        // Three would make 32 threads connect anew all the time.
        .max_idle_connections(MOST_IDLE)
        .max_idle_connections_per_host(MOST_IDLE)
        .max_idle_age(key.keep_alive)
        .input_buffer_size(INPUT)
        .output_buffer_size(OUTPUT)
        .build();
    let connectors =
        ().chain(SocksConnector)
            .chain(AsProxy(ConnectProxyConnector::default()))
            .chain(TcpConnector)
            .chain(TlsConnector(tls))
            .chain(ObserveConnector);
    Ok(Agent::with_parts(config, connectors, LateResolver))
}
