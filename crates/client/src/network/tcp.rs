//! TCP connections that keep the attempt's limits to the millisecond, and know whether a byte went out.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::attempt::Attempt;

/// A host with several addresses often has one that leads nowhere (IPv6 without a route). In the first round no
/// address may take longer than this; in the second they share the time that is left.
const QUICK: Duration = Duration::from_millis(300);

/// A TCP connection.
pub(crate) struct Tcp {
    stream: TcpStream,
    /// The stream's own limits, as they were last set.
    read_limit: Option<Duration>,
    write_limit: Option<Duration>,
}

impl Tcp {
    /// Connects to the first of these addresses that answers.
    pub(crate) fn connect(addresses: &[SocketAddr], attempt: &Attempt) -> io::Result<Tcp> {
        let stream = connect(addresses, attempt)?;
        // Small requests must not wait for the acknowledgement of the one before (Nagle).
        stream.set_nodelay(true)?;
        Ok(Tcp { stream, read_limit: None, write_limit: None })
    }

    /// The address at its other end.
    pub(crate) fn peer(&self) -> Option<SocketAddr> {
        self.stream.peer_addr().ok()
    }

    /// A look at the connection within the limits of an attempt.
    pub(crate) fn within<'a>(&'a mut self, attempt: &'a Attempt) -> Limited<'a> {
        Limited { tcp: self, attempt }
    }

    /// Whether nothing waits to be read: neither bytes that nobody asked for, nor the end.
    pub(crate) fn is_quiet(&self) -> bool {
        matches!(self.peek(), Err(error) if error.kind() == ErrorKind::WouldBlock)
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

    fn read(&mut self, buffer: &mut [u8], left: Duration) -> io::Result<usize> {
        if let Some(limit) = next_limit(self.read_limit, left) {
            self.stream.set_read_timeout(Some(limit))?;
            self.read_limit = Some(limit);
        }
        self.stream.read(buffer)
    }

    fn write(&mut self, bytes: &[u8], left: Duration) -> io::Result<usize> {
        if let Some(limit) = next_limit(self.write_limit, left) {
            self.stream.set_write_timeout(Some(limit))?;
            self.write_limit = Some(limit);
        }
        self.stream.write(bytes)
    }
}

fn connect(addresses: &[SocketAddr], attempt: &Attempt) -> io::Result<TcpStream> {
    if let [address] = addresses {
        return TcpStream::connect_timeout(address, attempt.time_left()?);
    }
    let mut failure = None;
    for address in addresses {
        match TcpStream::connect_timeout(address, attempt.time_left()?.min(QUICK)) {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = Some(error),
        }
    }
    for (others, address) in (1..=addresses.len()).rev().zip(addresses) {
        let others = u32::try_from(others).expect("a host has fewer than four billion addresses");
        match TcpStream::connect_timeout(address, (attempt.time_left()? / others).max(Duration::from_nanos(1))) {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = Some(error),
        }
    }
    Err(failure.expect("a lookup gives at least one address"))
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
    (!fits).then_some(latest.max(Duration::from_nanos(1)))
}

/// A connection within the limits of an attempt. A limit that runs out is [`ErrorKind::TimedOut`].
pub(crate) struct Limited<'a> {
    tcp: &'a mut Tcp,
    attempt: &'a Attempt,
}

impl Read for Limited<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.tcp.read(buffer, self.attempt.time_left()?) {
                Err(error) if is_to_be_tried_again(&error) => {}
                Ok(amount) => {
                    self.attempt.count_received(amount);
                    return Ok(amount);
                }
                failed => return failed,
            }
        }
    }
}

impl Write for Limited<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.tcp.write(bytes, self.attempt.time_left()?) {
                Err(error) if is_to_be_tried_again(&error) => {
                    // Winsock does not say whether a write that ran out of time has sent something.
                    if error.kind() != ErrorKind::Interrupted {
                        self.attempt.has_sent();
                    }
                }
                Ok(written) => {
                    self.attempt.has_sent();
                    self.attempt.count_sent(written);
                    return Ok(written);
                }
                failed => return failed,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A signal or the end of a socket's own limit leads to the next look at the clock.
fn is_to_be_tried_again(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock | ErrorKind::TimedOut)
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
