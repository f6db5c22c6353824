//! Name lookup, within a time limit and only when a new connection is made.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};

use ureq::Timeout;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use super::wire;
use crate::error::system;
use crate::wait::single_flight::SingleFlight;

/// ureq asks for the addresses before it looks into its pool, so a lookup here would be one for each call. Our own
/// connectors look up when they connect.
#[derive(Debug)]
pub(crate) struct LateResolver;

impl Resolver for LateResolver {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        Ok(self.empty())
    }
}

/// An `io::Error` cannot be handed to several threads; its kind and its text can.
type Found = Result<Vec<SocketAddr>, (io::ErrorKind, String)>;

static UNDER_WAY: SingleFlight<(String, u16), Found> = SingleFlight::new();

/// The addresses of the URI's host, in the system's order.
pub(crate) fn lookup(uri: &Uri) -> Result<Vec<SocketAddr>, ureq::Error> {
    let default = if uri.scheme_str() == Some("https") { 443 } else { 80 };
    let port = uri.port_u16().unwrap_or(default);
    let bare = bare_host(uri);
    if let Ok(address) = bare.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let limit = wire::time_left().ok_or(ureq::Error::Timeout(Timeout::Resolve))?;
    // The system's lookup knows no time limit.
    let found = UNDER_WAY.wait((bare.to_owned(), port), limit, |(name, port)| {
        let found = (name.as_str(), *port).to_socket_addrs().map(Iterator::collect::<Vec<_>>);
        found.map_err(|error| (error.kind(), system::in_english(&error)))
    });
    match found? {
        None => Err(ureq::Error::Timeout(Timeout::Resolve)),
        Some(Ok(found)) if found.is_empty() => Err(ureq::Error::HostNotFound),
        Some(Ok(found)) => Ok(found),
        Some(Err((kind, text))) => Err(io::Error::new(kind, text).into()),
    }
}

/// The URI's host; an IPv6 address without its brackets.
pub(crate) fn bare_host(uri: &Uri) -> &str {
    let host = uri.host().unwrap_or_default();
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}
