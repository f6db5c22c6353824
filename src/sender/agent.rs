//! The HTTP agents: one for each kind of trust and idle limit, kept for the life of the process, since reading the
//! system's certificates takes milliseconds and a kept connection saves a handshake.

use std::fs;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use ureq::Agent;
use ureq::config::Config;
use ureq::unversioned::transport::{ConnectProxyConnector, Connector, SocksConnector};

use super::lookup::LateResolver;
use super::observe::{AsProxy, ObserveConnector};
use super::tcp::TcpConnector;
use super::tls::TlsConnector;
use super::trust::client_config;
use crate::error::Error;
use crate::request::{Options, Trust};

/// Agents beyond this number are forgotten, the one that was not used for longest first.
const MOST_AGENTS: usize = 32;
/// More threads than this do not keep a connection each.
const MOST_IDLE: usize = 256;
/// A head or a body goes out in pieces of this size. ureq allocates as much for each connection and direction.
const BUFFER: usize = 16 * 1024;

/// What may not be shared. A connection made under one kind of trust never serves a call under another.
#[derive(PartialEq, Clone)]
struct Key {
    /// `None` for plain HTTP.
    trust: Option<Trust>,
    /// Tells a changed `ca_file` from the one that was read.
    ca_file_state: Option<(SystemTime, u64)>,
    keep_alive: Duration,
}

/// In order of use, the latest last.
static AGENTS: Mutex<Vec<(Key, Agent)>> = Mutex::new(Vec::new());

/// The agent for a request. An agent is a handle: a clone shares the connections.
pub(super) fn find(options: &Options, https: bool) -> Result<Agent, Error> {
    let trust = https.then(|| options.trust.clone());
    let ca_file_state = match &trust {
        Some(Trust::System { ca_file: Some(path) }) => {
            fs::metadata(path).and_then(|metadata| Ok((metadata.modified()?, metadata.len()))).ok()
        }
        _ => None,
    };
    let key = Key { trust, ca_file_state, keep_alive: options.keep_alive };
    // Held while an agent is built, so that threads that start together build one; never while a call runs.
    let mut agents = AGENTS.lock().unwrap_or_else(PoisonError::into_inner);
    let kept = agents.iter().position(|(other, _)| *other == key).map(|place| agents.remove(place));
    let (key, agent) = match kept {
        Some(kept) => kept,
        None => {
            let agent = build(&key)?;
            (key, agent)
        }
    };
    if agents.len() >= MOST_AGENTS {
        agents.remove(0);
    }
    agents.push((key, agent.clone()));
    Ok(agent)
}

/// Forgets all agents and their connections.
pub(super) fn forget_all() {
    AGENTS.lock().unwrap_or_else(PoisonError::into_inner).clear();
}

fn build(key: &Key) -> Result<Agent, Error> {
    let tls = key.trust.as_ref().map(client_config).transpose()?.map(Arc::new);
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
        .input_buffer_size(BUFFER)
        .output_buffer_size(BUFFER)
        .build();
    let connectors =
        ().chain(AsProxy(SocksConnector::default()))
            .chain(AsProxy(ConnectProxyConnector::default()))
            .chain(TcpConnector)
            .chain(TlsConnector(tls))
            .chain(ObserveConnector);
    Ok(Agent::with_parts(config, connectors, LateResolver))
}
