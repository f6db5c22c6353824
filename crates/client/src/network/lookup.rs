//! Name lookup, within a time limit.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};

use super::attempt::Attempt;
use crate::error::system;
use crate::request::without_brackets;
use crate::wait::single_flight::SingleFlight;

/// An `io::Error` cannot be handed to several threads; its kind and its text can.
type Found = Result<Vec<SocketAddr>, (ErrorKind, String)>;

static UNDER_WAY: SingleFlight<(String, u16), Found> = SingleFlight::new();

/// The addresses of a host, in the system's order.
pub(crate) fn lookup(host: &str, port: u16, attempt: &Attempt) -> io::Result<Vec<SocketAddr>> {
    let bare = without_brackets(host);
    if let Ok(address) = bare.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    // The system's lookup knows no time limit.
    let found = UNDER_WAY.wait((bare.to_owned(), port), attempt.time_left()?, |(name, port)| {
        let found = (name.as_str(), *port).to_socket_addrs().map(Iterator::collect::<Vec<_>>);
        found.map_err(|error| (error.kind(), system::in_english(&error)))
    });
    match found? {
        None => Err(ErrorKind::TimedOut.into()),
        Some(Ok(found)) if found.is_empty() => Err(io::Error::new(ErrorKind::NotFound, "the name has no address")),
        Some(Ok(found)) => Ok(found),
        // A lookup that ran out of time of its own accord has not used up ours.
        Some(Err((ErrorKind::TimedOut, text))) => Err(io::Error::other(text)),
        Some(Err((kind, text))) => Err(io::Error::new(kind, text)),
    }
}
