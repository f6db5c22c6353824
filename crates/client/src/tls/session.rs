//! A TLS session over a TCP connection.

use std::io::{self, BufRead, ErrorKind, Read, Write};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, Stream};

use super::client_certificate::ClientCertificate;
use super::records::{Boundary, Records};
use crate::network::attempt::Attempt;
use crate::network::tcp::Tcp;
use crate::request::without_brackets;

pub(crate) struct Session {
    connection: ClientConnection,
    boundary: Boundary,
    certificate: Arc<ClientCertificate>,
}

impl Session {
    /// A session with a host, in which nothing has been said. Its settings, and with them the sessions that can be
    /// resumed, are those of one kind of trust: nothing passes from one to another.
    pub(crate) fn new(settings: &ClientConfig, host: &str) -> io::Result<Session> {
        let name = ServerName::try_from(without_brackets(host).to_owned());
        let name = name.map_err(|_| {
            io::Error::new(ErrorKind::InvalidInput, "the host is no name that a certificate could be for")
        })?;
        let certificate = Arc::new(ClientCertificate::default());
        // Whether one was asked for is to be known of each connection.
        let mut settings = settings.clone();
        settings.client_auth_cert_resolver = certificate.clone();
        let connection = ClientConnection::new(Arc::new(settings), name).map_err(io::Error::other)?;
        Ok(Session { connection, boundary: Boundary::default(), certificate })
    }

    /// Makes the handshake.
    pub(crate) fn shake_hands(&mut self, tcp: &mut Tcp, attempt: &Attempt) -> io::Result<()> {
        let mut records = Records::new(tcp.within(attempt), &mut self.boundary);
        self.connection.complete_io(&mut records).map(|_| ())
    }

    /// Whether the server asked for a client certificate.
    pub(crate) fn is_certificate_wanted(&self) -> bool {
        self.certificate.is_wanted()
    }

    pub(crate) fn read(&mut self, buffer: &mut [u8], tcp: &mut Tcp, attempt: &Attempt) -> io::Result<usize> {
        let mut records = Records::new(tcp.within(attempt), &mut self.boundary);
        Stream::new(&mut self.connection, &mut records).read(buffer)
    }

    pub(crate) fn write_all(&mut self, bytes: &[u8], tcp: &mut Tcp, attempt: &Attempt) -> io::Result<()> {
        let mut records = Records::new(tcp.within(attempt), &mut self.boundary);
        let mut stream = Stream::new(&mut self.connection, &mut records);
        stream.write_all(bytes)?;
        stream.flush()
    }

    /// Whether all that came was taken: neither did more come in one record than was asked for, nor a part of another one.
    pub(crate) fn is_at_rest(&mut self) -> bool {
        self.connection.reader().fill_buf().is_err() && self.boundary.is_between_records()
    }
}
