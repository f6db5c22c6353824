//! Name lookup, within a time limit and only when a new connection is made.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;

use ureq::Timeout;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use super::route::is_socks;
use super::wire;

/// ureq asks for the addresses before it looks into its pool, so a lookup here would be one for each call. Our own
/// connector looks up when it connects; ureq's SOCKS connector alone asks here, for its proxy.
#[derive(Debug)]
pub(super) struct LateResolver;

impl Resolver for LateResolver {
    fn resolve(&self, uri: &Uri, config: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let mut addresses = self.empty();
        if config.proxy().is_some_and(is_socks) && wire::in_proxy() {
            for address in lookup(uri)?.into_iter().take(16) {
                addresses.push(address);
            }
        }
        Ok(addresses)
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
    // The system's lookup knows no time limit. A thread that hangs in it is left behind, and ends with it.
    let (answer, addresses) = mpsc::sync_channel(1);
    let name = bare.to_owned();
    thread::Builder::new().spawn(move || {
        let found = (name.as_str(), port).to_socket_addrs().map(Iterator::collect::<Vec<_>>);
        // Nobody listens any more if the limit has run out.
        let _ = answer.send(found);
    })?;
    match addresses.recv_timeout(limit) {
        Ok(Ok(found)) if found.is_empty() => Err(ureq::Error::HostNotFound),
        Ok(found) => Ok(found?),
        Err(mpsc::RecvTimeoutError::Timeout) => Err(ureq::Error::Timeout(Timeout::Resolve)),
        Err(mpsc::RecvTimeoutError::Disconnected) => Err(io::Error::other("the lookup ended without an answer").into()),
    }
}

/// The URI's host; an IPv6 address without its brackets.
pub(super) fn bare_host(uri: &Uri) -> &str {
    let host = uri.host().unwrap_or_default();
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}
