//! Name lookup, within a time limit and only when a new connection is made.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use ureq::Timeout;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use super::wire;

/// ureq asks for the addresses before it looks into its pool, so a lookup here would be one for each call. Our own
/// connectors look up when they connect.
#[derive(Debug)]
pub(super) struct LateResolver;

impl Resolver for LateResolver {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        Ok(self.empty())
    }
}

/// The addresses of the URI's host, in the system's order.
pub(super) fn lookup(uri: &Uri) -> Result<Vec<SocketAddr>, ureq::Error> {
    let default = if uri.scheme_str() == Some("https") { 443 } else { 80 };
    let port = uri.port_u16().unwrap_or(default);
    let bare = bare_host(uri);
    if let Ok(address) = bare.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let limit = wire::time_left().ok_or(ureq::Error::Timeout(Timeout::Resolve))?;
    let name = bare.to_owned();
    // The system's lookup knows no time limit.
    let found = within(limit, move || (name.as_str(), port).to_socket_addrs().map(Iterator::collect::<Vec<_>>));
    match found? {
        None => Err(ureq::Error::Timeout(Timeout::Resolve)),
        Some(Ok(found)) if found.is_empty() => Err(ureq::Error::HostNotFound),
        Some(found) => Ok(found?),
    }
}

/// Runs what may block for longer than `limit` on a thread of its own; `None` if it does. The thread is then left
/// behind, and ends with its work.
pub(super) fn within<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<Option<T>> {
    let (sender, receiver) = mpsc::sync_channel(1);
    thread::Builder::new().spawn(move || {
        // Nobody listens any more if the limit has run out.
        let _ = sender.send(work());
    })?;
    match receiver.recv_timeout(limit) {
        Ok(result) => Ok(Some(result)),
        Err(mpsc::RecvTimeoutError::Timeout) => Ok(None),
        Err(mpsc::RecvTimeoutError::Disconnected) => Err(io::Error::other("a thread ended without an answer")),
    }
}

/// The URI's host; an IPv6 address without its brackets.
pub(super) fn bare_host(uri: &Uri) -> &str {
    let host = uri.host().unwrap_or_default();
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}
