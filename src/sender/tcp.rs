//! TCP connections that keep the attempt's limits to the millisecond, and know whether a byte went out.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, Either, NextTimeout, Transport};
use ureq::{Error, Timeout};

use super::buffers::WipedBuffers;
use super::lookup::lookup;
use super::wire::{self, Phase};

/// A host with several addresses often has one that leads nowhere (IPv6 without a route). In the first round no
/// address may take longer than this; in the second they share the time that is left.
const QUICK: Duration = Duration::from_millis(300);

/// Looks up and connects, unless a proxy's connector has done it.
#[derive(Debug)]
pub(super) struct TcpConnector;

impl<In: Transport> Connector<In> for TcpConnector {
    type Out = Either<In, TcpTransport>;

    fn connect(&self, details: &ConnectionDetails, chained: Option<In>) -> Result<Option<Self::Out>, Error> {
        if let Some(connection) = chained {
            return Ok(Some(Either::A(connection)));
        }
        Ok(Some(Either::B(open(details.uri, details.config)?)))
    }
}

/// Opens a connection to the URI's host.
pub(super) fn open(uri: &Uri, config: &Config) -> Result<TcpTransport, Error> {
    wire::enter(Phase::Lookup);
    let addresses = lookup(uri)?;
    wire::enter(Phase::Connect);
    let stream = connect(&addresses)?;
    // Small requests must not wait for the acknowledgement of the one before (Nagle).
    stream.set_nodelay(true)?;
    Ok(TcpTransport { stream, buffers: WipedBuffers::new(config) })
}

fn connect(addresses: &[SocketAddr]) -> Result<TcpStream, Error> {
    let timed_out = || Error::Timeout(Timeout::Connect);
    let mut failure = None;
    if let [address] = addresses {
        return Ok(TcpStream::connect_timeout(address, wire::time_left().ok_or_else(timed_out)?)?);
    }
    for address in addresses {
        let left = wire::time_left().ok_or_else(timed_out)?;
        match TcpStream::connect_timeout(address, left.min(QUICK)) {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = Some(error),
        }
    }
    for (done, address) in addresses.iter().enumerate() {
        let others = u32::try_from(addresses.len().saturating_sub(done)).unwrap_or(u32::MAX);
        let left = wire::time_left().ok_or_else(timed_out)?;
        match TcpStream::connect_timeout(address, left.checked_div(others).unwrap_or(left)) {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = Some(error),
        }
    }
    Err(failure.map_or(Error::HostNotFound, Error::Io))
}

pub(super) struct TcpTransport {
    stream: TcpStream,
    buffers: WipedBuffers,
}

impl Transport for TcpTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    // The limits are the attempt's own; those of ureq begin anew with each piece that got through.
    fn transmit_output(&mut self, amount: usize, limit: NextTimeout) -> Result<(), Error> {
        let mut rest = self.buffers.output().get(..amount).unwrap_or_default();
        while !rest.is_empty() {
            self.stream.set_write_timeout(Some(time_left(limit)?))?;
            match self.stream.write(rest) {
                Ok(0) => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
                Ok(written) => {
                    wire::sent();
                    rest = rest.get(written..).unwrap_or_default();
                }
                Err(error) => {
                    // Winsock does not say whether a write that ran out of time has sent something.
                    if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) {
                        wire::sent();
                    }
                    out_of_time_or_broken(error)?;
                }
            }
        }
        self.buffers.wipe_output(amount);
        Ok(())
    }

    fn await_input(&mut self, limit: NextTimeout) -> Result<bool, Error> {
        loop {
            self.stream.set_read_timeout(Some(time_left(limit)?))?;
            let free = self.buffers.input_append_buf();
            if free.is_empty() {
                // A full buffer that nobody takes anything from: a head that does not end. To read into it would look
                // like the end of the connection.
                let size = self.buffers.input().len();
                return Err(Error::LargeResponseHeader(size, size));
            }
            match self.stream.read(free) {
                Ok(amount) => {
                    self.buffers.input_appended(amount);
                    return Ok(amount > 0);
                }
                Err(error) => out_of_time_or_broken(error)?,
            }
        }
    }

    /// Between two requests nothing may be waiting to be read: neither an end nor bytes that nobody asked for.
    fn is_open(&mut self) -> bool {
        let probe = || -> io::Result<bool> {
            self.stream.set_nonblocking(true)?;
            let seen = self.stream.peek(&mut [0]);
            self.stream.set_nonblocking(false)?;
            Ok(matches!(seen, Err(error) if error.kind() == io::ErrorKind::WouldBlock))
        };
        probe().unwrap_or(false)
    }
}

fn time_left(limit: NextTimeout) -> Result<Duration, Error> {
    wire::time_left().ok_or(Error::Timeout(limit.reason))
}

/// A signal or the end of a socket's own limit goes on to the next look at the clock.
fn out_of_time_or_broken(error: io::Error) -> Result<(), Error> {
    match error.kind() {
        io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Ok(()),
        _ => Err(error.into()),
    }
}

impl fmt::Debug for TcpTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TcpTransport")
    }
}
