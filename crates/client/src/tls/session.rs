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

/// The settings of one kind of trust, and with them the sessions that can be resumed: nothing passes from one to another.
pub(crate) struct Settings {
    config: Arc<ClientConfig>,
    certificate: Arc<ClientCertificate>,
}

impl Settings {
    pub(crate) fn new(mut config: ClientConfig) -> Settings {
        let certificate = Arc::new(ClientCertificate::default());
        config.client_auth_cert_resolver = certificate.clone();
        Settings { config: Arc::new(config), certificate }
    }
}

pub(crate) struct Session {
    connection: ClientConnection,
    boundary: Boundary,
    is_certificate_wanted: bool,
}

impl Session {
    /// A session with a host, in which nothing has been said.
    pub(crate) fn new(settings: &Settings, host: &str) -> io::Result<Session> {
        let name = ServerName::try_from(without_brackets(host).to_owned());
        let name = name.map_err(|_| {
            io::Error::new(ErrorKind::InvalidInput, "the host is no name that a certificate could be for")
        })?;
        let connection = ClientConnection::new(settings.config.clone(), name).map_err(io::Error::other)?;
        Ok(Session { connection, boundary: Boundary::default(), is_certificate_wanted: false })
    }

    /// Makes the handshake.
    pub(crate) fn shake_hands(&mut self, settings: &Settings, tcp: &mut Tcp, attempt: &Attempt) -> io::Result<()> {
        let mut records = Records::new(tcp.within(attempt), &mut self.boundary);
        let (shaken, wanted) = settings.certificate.watch(|| self.connection.complete_io(&mut records));
        self.is_certificate_wanted = wanted;
        shaken.map(|_| ())
    }

    /// Whether the server asked for a client certificate.
    pub(crate) fn is_certificate_wanted(&self) -> bool {
        self.is_certificate_wanted
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
