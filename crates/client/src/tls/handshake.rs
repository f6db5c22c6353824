//! The handshake of a TLS session, watched so that its failure can be told by the cause.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::IpAddr;

use rustls::ClientConnection;
use rustls::pki_types::ServerName;

use super::watched::{Stream, Watched};

/// As much of the other side's first bytes as tells one protocol from another.
const FIRST: usize = 32;

/// A handshake that did not come to its end, and what is known of the other side.
#[derive(Debug)]
pub(crate) struct HandshakeFailure {
    /// What rustls or the connection says.
    pub(super) error: io::Error,
    /// The first bytes that came from the other side; none if nothing came.
    pub(super) first: Vec<u8>,
    /// The server was called by its IP address, so that its name was not sent.
    pub(super) by_address: bool,
}

impl fmt::Display for HandshakeFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for HandshakeFailure {}

/// Makes the handshake. What rustls says, or an end of the connection, becomes an error of the same kind that holds a
/// [`HandshakeFailure`]; any other error, such as that of a time limit, passes unchanged.
pub(crate) fn complete(
    session: &mut ClientConnection,
    host: &ServerName<'_>,
    connection: &mut dyn Stream,
) -> io::Result<()> {
    let mut first = Vec::new();
    let mut note = |bytes: &[u8]| first.extend(bytes.iter().take(FIRST - first.len()));
    let mut watched = Watched { connection, sees: &mut note };
    session.complete_io(&mut watched).map(drop).map_err(|error| {
        if !is_the_other_sides(&error) {
            return error;
        }
        let by_address = matches!(host, ServerName::IpAddress(_));
        io::Error::new(error.kind(), HandshakeFailure { error, first, by_address })
    })
}

fn is_the_other_sides(error: &io::Error) -> bool {
    let is_end = matches!(
        error.kind(),
        ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe
    );
    is_end || error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>())
}

/// The name that a server's certificate must be for, and that is sent unless it is an address. The zone id of an IPv6
/// address (`%eth0`) concerns this machine alone, so no certificate holds it (RFC 6874).
pub(crate) fn server_name(host: &str) -> Option<ServerName<'static>> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let without_zone = bare.split_once('%').map_or(bare, |(address, _)| address);
    match without_zone.parse::<IpAddr>() {
        Ok(address) => Some(ServerName::IpAddress(address.into())),
        Err(_) => ServerName::try_from(bare.to_owned()).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_id_is_no_part_of_a_servers_name() {
        let name = |host| server_name(host).map(|name| name.to_str().into_owned());
        for (host, expected) in [
            ("fe80::1%eth0", Some("fe80::1")),
            ("[fe80::1%25eth0]", Some("fe80::1")),
            ("[::1]", Some("::1")),
            ("10.0.0.5", Some("10.0.0.5")),
            ("rpa.corp.example", Some("rpa.corp.example")),
            ("rpa%eth0", None),
        ] {
            assert_eq!(name(host).as_deref(), expected, "{host}");
        }
    }
}
