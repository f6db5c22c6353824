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
pub(crate) struct TcpConnector;

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
pub(crate) fn open(uri: &Uri, config: &Config) -> Result<TcpTransport, Error> {
    wire::enter(Phase::Lookup);
    let addresses = lookup(uri)?;
    wire::enter(Phase::Connect);
    let stream = connect(&addresses)?;
    // Small requests must not wait for the acknowledgement of the one before (Nagle).
    stream.set_nodelay(true)?;
    Ok(TcpTransport { stream, buffers: WipedBuffers::new(config), read_limit: None, write_limit: None })
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

pub(crate) struct TcpTransport {
    stream: TcpStream,
    buffers: WipedBuffers,
    /// The stream's own limits, as they were last set.
    read_limit: Option<Duration>,
    write_limit: Option<Duration>,
}

impl TcpTransport {
    fn read(&mut self, left: Duration) -> io::Result<usize> {
        if let Some(limit) = next_limit(self.read_limit, left) {
            self.stream.set_read_timeout(Some(limit))?;
            self.read_limit = Some(limit);
        }
        self.stream.read(self.buffers.input_append_buf())
    }

    /// Writes what of the output lies behind `done` and before `end`.
    fn write(&mut self, done: usize, end: usize, left: Duration) -> io::Result<usize> {
        if let Some(limit) = next_limit(self.write_limit, left) {
            self.stream.set_write_timeout(Some(limit))?;
            self.write_limit = Some(limit);
        }
        self.stream.write(self.buffers.output().get(done..end).unwrap_or_default())
    }

    /// Looks at what came, without waiting for it.
    #[cfg(unix)]
    fn peek(&self) -> io::Result<usize> {
        use rustix::net::{RecvFlags, recv};

        let (amount, _) = recv(&self.stream, &mut [0u8], RecvFlags::PEEK | RecvFlags::DONTWAIT)?;
        Ok(amount)
    }

    #[cfg(not(unix))]
    fn peek(&self) -> io::Result<usize> {
        self.stream.set_nonblocking(true)?;
        let seen = self.stream.peek(&mut [0]);
        self.stream.set_nonblocking(false)?;
        seen
    }
}

/// What a socket's own limit must be set to; `None` where it may stay as it is, which saves a system call.
///
/// One that ends too early only leads to another look at the clock. So it is set early, and fits the next calls, too.
/// Not so on Windows, where a socket whose limit has run out must not be used again.
fn next_limit(set: Option<Duration>, left: Duration) -> Option<Duration> {
    let early = if cfg!(windows) { Duration::ZERO } else { left.mul_f64(0.25) };
    let latest = left.saturating_sub(early);
    let earliest = latest.saturating_sub(early);
    let fits = set.is_some_and(|set| set <= left && set >= earliest);
    (!fits).then_some(latest)
}

impl Transport for TcpTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    // The limits are the attempt's own; those of ureq begin anew with each piece that got through.
    fn transmit_output(&mut self, amount: usize, limit: NextTimeout) -> Result<(), Error> {
        let mut done: usize = 0;
        while done < amount {
            match self.write(done, amount, time_left(limit)?) {
                Ok(0) => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
                Ok(written) => {
                    wire::sent();
                    done = done.saturating_add(written);
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
        if self.buffers.input_append_buf().is_empty() {
            // A full buffer that nobody takes anything from: a head that does not end. To read into it would look
            // like the end of the connection.
            let size = self.buffers.input().len();
            return Err(Error::LargeResponseHeader(size, size));
        }
        loop {
            match self.read(time_left(limit)?) {
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
        matches!(self.peek(), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_never_later_than_what_is_left_and_stays_while_it_fits() {
        let seconds = Duration::from_secs_f64;
        let set = next_limit(None, seconds(30.0)).unwrap();
        assert!(set <= seconds(30.0));
        for (left, stays) in [(30.0, true), (29.999, cfg!(not(windows))), (5.0, false), (600.0, false), (1e-6, false)] {
            let next = next_limit(Some(set), seconds(left));
            assert_eq!(next.is_none(), stays, "{left}");
            assert!(next.is_none_or(|next| !next.is_zero() && next <= seconds(left)), "{left}: {next:?}");
        }
    }
}
