//! The last link of the transport chain: what ureq sees.

use std::fmt;
use std::io::{self, ErrorKind};

use ureq::Error;
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};
use zeroize::Zeroizing;

use super::agent::OUTPUT;
use super::idle::Idle;
use super::wire::{self, Outgoing, Phase};

/// The last connector of the chain: from here on, bytes are those of requests and replies.
#[derive(Debug)]
pub(crate) struct ObserveConnector;

impl<In: Transport> Connector<In> for ObserveConnector {
    type Out = Observed<In>;

    fn connect(&self, _: &ConnectionDetails, chained: Option<In>) -> Result<Option<Self::Out>, Error> {
        Ok(chained.map(|inner| Observed {
            inner,
            head: Zeroizing::default(),
            is_used: false,
            answered_early: false,
            just_heard: false,
            idle: Idle::new(),
        }))
    }
}

/// Notes replies, and writes the request target in ureq's place.
///
/// ureq's URI ends at 64 KiB, cannot hold the absolute form that a forward proxy wants (RFC 9112, 3.2.2), and would
/// carry the query, keys included, through a library that logs. So ureq knows of `/` alone. Since the head passes
/// here anyway, it waits for the body and goes out with it, in one segment and one TLS record.
pub(crate) struct Observed<T> {
    inner: T,
    /// A head that waits for its body.
    head: Zeroizing<Vec<u8>>,
    /// A request went over it.
    is_used: bool,
    /// The server has answered before it took the whole request, and takes no more of it.
    answered_early: bool,
    /// Something came, and nobody has looked since whether the connection is open.
    just_heard: bool,
    idle: Idle,
}

impl<T: Transport> Observed<T> {
    fn send(&mut self, mut message: &[u8], limit: NextTimeout) -> Result<(), Error> {
        while !message.is_empty() {
            let output = self.inner.buffers().output();
            let amount = output.len().min(message.len());
            let (now, later) = message.split_at(amount);
            if let Some(place) = output.get_mut(..amount) {
                place.copy_from_slice(now);
            }
            self.transmit(amount, limit)?;
            message = later;
        }
        Ok(())
    }

    /// Who speaks before it is asked does not speak HTTP, or answers somebody else; it may have come in one segment with
    /// a proxy's answer. The pool looks at kept connections; in TLS a server may send session tickets at any time.
    fn check_silence(&mut self) -> Result<(), Error> {
        let new = !std::mem::replace(&mut self.is_used, true);
        let silent = |inner: &mut T| inner.buffers().input().is_empty() && (inner.is_tls() || inner.is_open());
        if new && !silent(&mut self.inner) {
            let why = "the other side closed it, or spoke before it was asked";
            return Err(io::Error::new(ErrorKind::ConnectionAborted, why).into());
        }
        Ok(())
    }

    /// A server that refuses a large body answers and closes before it has read it. Then the reply counts, and not
    /// that the rest could not be sent.
    fn transmit(&mut self, amount: usize, limit: NextTimeout) -> Result<(), Error> {
        if self.answered_early {
            return Ok(());
        }
        let Err(error) = self.inner.transmit_output(amount, limit) else { return Ok(()) };
        let closed = matches!(&error, Error::Io(error) if is_closed(error.kind()));
        if !closed {
            return Err(error);
        }
        match self.inner.await_input(limit) {
            Ok(true) => {
                wire::received();
                self.answered_early = true;
                Ok(())
            }
            // A TLS alert says more than that the connection is closed.
            Err(Error::Io(alert)) if !is_closed(alert.kind()) => Err(Error::Io(alert)),
            _ => Err(error),
        }
    }
}

impl<T: Transport> Transport for Observed<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, limit: NextTimeout) -> Result<(), Error> {
        let outgoing = wire::take_outgoing();
        if outgoing.is_some() {
            wire::request_begins(self.idle.limit());
            self.check_silence()?;
        }
        let output = self.inner.buffers().output().get(..amount).unwrap_or_default();
        if let Some(outgoing) = outgoing {
            self.head = with_target(output, &outgoing);
            if outgoing.body.is_some() {
                return Ok(());
            }
        } else if !self.head.is_empty() {
            self.head.extend_from_slice(output);
        } else {
            return self.transmit(amount, limit);
        }
        let message = std::mem::take(&mut self.head);
        self.send(&message, limit)
    }

    fn await_input(&mut self, limit: NextTimeout) -> Result<bool, Error> {
        if wire::phase() == Phase::Send {
            wire::enter(Phase::Wait);
        }
        let came = self.inner.await_input(limit).inspect_err(|error| {
            if matches!(error, Error::Io(error) if is_closed(error.kind())) {
                wire::broken();
            }
        })?;
        if came {
            wire::received();
            self.idle.begin();
            self.just_heard = true;
        }
        Ok(came)
    }

    /// ureq asks as it lays a connection aside after a reply, and again as it takes it up for the next request. What the
    /// socket says counts the second time alone.
    fn is_open(&mut self) -> bool {
        let laid_aside = std::mem::take(&mut self.just_heard);
        !self.answered_early && !self.idle.is_over() && (laid_aside || self.inner.is_open())
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}

/// The other side is gone, and not by a proper end.
fn is_closed(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe | ErrorKind::UnexpectedEof
    )
}

/// The beginning of a request, `METHOD / HTTP/1.1...`, with the target in its place.
fn with_target(output: &[u8], outgoing: &Outgoing) -> Zeroizing<Vec<u8>> {
    let target = outgoing.target.expose();
    let method = output.iter().position(|&byte| byte == b' ').map_or(0, |space| space.saturating_add(1));
    let (method, rest) = output.split_at(method);
    let rest = rest.strip_prefix(b"/").unwrap_or(rest);
    // The body's first piece fits beside it: a vector that grows leaves its old bytes behind.
    let body = outgoing.body.unwrap_or_default().min(OUTPUT);
    let size = [output.len(), target.len(), body].into_iter().fold(0, usize::saturating_add);
    let mut message = Zeroizing::new(Vec::with_capacity(size));
    for part in [method, target.as_bytes(), rest] {
        message.extend_from_slice(part);
    }
    message
}

impl<T> fmt::Debug for Observed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observed")
    }
}
