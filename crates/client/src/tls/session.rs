//! A TLS session over a TCP connection.

use std::io::{self, BufRead, ErrorKind, Read, Write};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, Stream};

use super::certificate::{Certificate, fingerprint};
use super::chain::Agreed;
use super::client_certificate::ClientCertificate;
use super::failure::SecondHandshake;
use super::handshake;
use super::record_boundary::Boundary;
use super::watched::Watched;
use crate::network::attempt::Attempt;
use crate::network::tcp::Tcp;

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
    host: ServerName<'static>,
    boundary: Boundary,
    is_certificate_wanted: bool,
}

impl Session {
    /// A session with a host, in which nothing has been said.
    pub(crate) fn new(settings: &Settings, host: &str) -> io::Result<Session> {
        let no_name = || io::Error::new(ErrorKind::InvalidInput, "the host is no name that a certificate could be for");
        let host = handshake::server_name(host).ok_or_else(no_name)?;
        let connection = ClientConnection::new(settings.config.clone(), host.clone()).map_err(io::Error::other)?;
        Ok(Session { connection, host, boundary: Boundary::default(), is_certificate_wanted: false })
    }

    /// Makes the handshake.
    pub(crate) fn shake_hands(&mut self, settings: &Settings, tcp: &mut Tcp, attempt: &Attempt) -> io::Result<()> {
        let sees = &mut |bytes: &[u8]| self.boundary.pass(bytes);
        let mut watched = Watched { connection: &mut tcp.within(attempt), sees };
        let shake = || handshake::complete(&mut self.connection, &self.host, &mut watched);
        let (shaken, wanted) = settings.certificate.watch(shake);
        self.is_certificate_wanted = wanted;
        self.boundary.handshake_ends();
        shaken
    }

    /// The end of the server certificate's validity in seconds since 1970, and its fingerprint.
    pub(crate) fn certificate(&self) -> Option<(u64, [u8; 32])> {
        let der = self.connection.peer_certificates()?.first()?;
        let ends = Certificate::read(der).ok()?.not_after.unix_duration().as_secs();
        Some((ends, fingerprint(der)))
    }

    /// What was agreed upon, and what the server has shown.
    pub(crate) fn agreed(&self) -> Agreed {
        let version = self.connection.protocol_version().and_then(|version| version.as_str());
        let cipher = self.connection.negotiated_cipher_suite().and_then(|cipher| cipher.suite().as_str());
        let chain = self.connection.peer_certificates().unwrap_or_default();
        let chain = chain.iter().map(|certificate| certificate.clone().into_owned()).collect();
        Agreed { version: version.unwrap_or(""), cipher: cipher.unwrap_or(""), chain }
    }

    /// Whether the server asked for a client certificate.
    pub(crate) fn is_certificate_wanted(&self) -> bool {
        self.is_certificate_wanted
    }

    pub(crate) fn read(&mut self, buffer: &mut [u8], tcp: &mut Tcp, attempt: &Attempt) -> io::Result<usize> {
        let sees = &mut |bytes: &[u8]| self.boundary.pass(bytes);
        let mut watched = Watched { connection: &mut tcp.within(attempt), sees };
        let read = Stream::new(&mut self.connection, &mut watched).read(buffer);
        if !matches!(read, Ok(1..)) && self.boundary.is_asked_for_another_handshake() {
            return Err(io::Error::other(SecondHandshake));
        }
        read
    }

    pub(crate) fn write_all(&mut self, bytes: &[u8], tcp: &mut Tcp, attempt: &Attempt) -> io::Result<()> {
        let sees = &mut |bytes: &[u8]| self.boundary.pass(bytes);
        let mut watched = Watched { connection: &mut tcp.within(attempt), sees };
        let mut stream = Stream::new(&mut self.connection, &mut watched);
        stream.write_all(bytes)?;
        stream.flush()
    }

    /// Whether all that came was taken: neither did more come in one record than was asked for, nor a part of another one.
    pub(crate) fn is_at_rest(&mut self) -> bool {
        self.connection.reader().fill_buf().is_err() && self.boundary.is_between_records()
    }
}
