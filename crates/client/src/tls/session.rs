//! TLS over whatever connection the chain has made. ureq has a connector of its own, but it takes neither a pinned
//! certificate nor a further root beside the system's.

use std::fmt;
use std::io::{self, BufRead, Read, Write};
use std::sync::Arc;

use rustls::{ClientConfig, ClientConnection, StreamOwned};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, NextTimeout, Transport, TransportAdapter,
};

use super::failure::SecondHandshake;
use super::handshake;
use super::records::Records;
use crate::http::buffers::WipedBuffers;
use crate::http::lookup::bare_host;
use crate::http::wire::{self, Phase};

/// Makes the TLS handshake for an https URI. The settings, and with them the resumable sessions, are those of one
/// agent: nothing passes from one kind of trust to another.
pub(crate) struct TlsConnector(pub(crate) Option<Arc<ClientConfig>>);

impl<In: Transport> Connector<In> for TlsConnector {
    type Out = Either<In, TlsTransport>;

    fn connect(&self, details: &ConnectionDetails, chained: Option<In>) -> Result<Option<Self::Out>, ureq::Error> {
        let Some(connection) = chained else { return Ok(None) };
        let Some(config) = self.0.as_ref().filter(|_| details.needs_tls()) else {
            return Ok(Some(Either::A(connection)));
        };
        wire::enter(Phase::Tls);
        let name = handshake::server_name(bare_host(details.uri))
            .ok_or(ureq::Error::Tls("the host is no name that a certificate could be for"))?;
        let mut session =
            ClientConnection::new(config.clone(), name.clone()).map_err(|error| ureq::Error::Other(error.into()))?;
        let mut socket = Records::new(TransportAdapter::new(connection.boxed(), details.current_time.clone()));
        socket.set_timeout(details.timeout);
        handshake::complete(&mut session, &name, &mut socket)?;
        socket.handshake_ends();
        let buffers = WipedBuffers::new(details.config);
        Ok(Some(Either::B(TlsTransport { stream: StreamOwned::new(session, socket), buffers })))
    }
}

impl fmt::Debug for TlsConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsConnector")
    }
}

pub(crate) struct TlsTransport {
    stream: StreamOwned<ClientConnection, Records>,
    buffers: WipedBuffers,
}

impl Transport for TlsTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, limit: NextTimeout) -> Result<(), ureq::Error> {
        self.stream.sock.set_timeout(limit);
        let output = self.buffers.output().get(..amount).unwrap_or_default();
        self.stream.write_all(output)?;
        self.buffers.wipe_output(amount);
        Ok(())
    }

    fn await_input(&mut self, limit: NextTimeout) -> Result<bool, ureq::Error> {
        self.stream.sock.set_timeout(limit);
        let free = self.buffers.input_append_buf();
        if free.is_empty() {
            // As in src/sender/tcp.rs.
            let size = self.buffers.input().len();
            return Err(ureq::Error::LargeResponseHeader(size, size));
        }
        let read = self.stream.read(free);
        if !matches!(read, Ok(1..)) && self.stream.sock.is_asked_for_another_handshake() {
            return Err(io::Error::other(SecondHandshake).into());
        }
        let amount = read?;
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        // What came in one record with the end of a reply, and belongs to none.
        let surplus = self.stream.conn.reader().fill_buf().is_ok();
        !surplus && self.stream.sock.is_open_between_records()
    }

    fn is_tls(&self) -> bool {
        true
    }
}

impl fmt::Debug for TlsTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsTransport")
    }
}
