//! A connection to the control center, or to a proxy that forwards to it, plain or under TLS.

use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use super::input::Input;
use crate::network::attempt::Attempt;
use crate::network::tcp::Tcp;
use crate::tls::session::Session;

pub(super) struct Connection {
    tcp: Tcp,
    session: Option<Box<Session>>,
    pub(super) input: Input,
    /// The address that it leads to.
    pub(super) peer: Option<SocketAddr>,
    /// The server certificate's end and fingerprint.
    pub(super) certificate: Option<(u64, [u8; 32])>,
    /// Replies that came over it whole.
    pub(super) replies: u32,
    /// How long it took to be made: at least as long as a packet to the server and back.
    pub(super) round_trip: Duration,
    /// For how long a post may trust that it is kept, by what the server said last.
    pub(super) announced: Option<Duration>,
    /// For how long it may lie idle at most, by what the server said last.
    pub(super) server_limit: Option<Duration>,
    /// It was seen open after a rest.
    pub(super) has_rested: bool,
}

impl Connection {
    pub(super) fn new(
        tcp: Tcp,
        session: Option<Session>,
        peer: Option<SocketAddr>,
        round_trip: Duration,
    ) -> Connection {
        let certificate = session.as_ref().and_then(Session::certificate);
        Connection {
            tcp,
            session: session.map(Box::new),
            input: Input::default(),
            peer,
            certificate,
            replies: 0,
            round_trip,
            announced: None,
            server_limit: None,
            has_rested: false,
        }
    }

    /// Whether the server asked for a client certificate as this connection was made.
    pub(super) fn is_certificate_wanted(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.is_certificate_wanted())
    }

    /// Whether it can carry a request: it is open, and nothing has come that nobody asked for.
    pub(super) fn is_quiet(&mut self) -> bool {
        let is_taken =
            self.input.bytes().is_empty() && self.session.as_mut().is_none_or(|session| session.is_at_rest());
        is_taken && self.tcp.is_quiet()
    }

    /// Who speaks before it is asked does not speak HTTP, or answers somebody else. Under TLS a server may send session
    /// tickets at any time.
    pub(super) fn check_silence(&mut self) -> io::Result<()> {
        if self.session.is_none() && !self.is_quiet() {
            let why = "the other side closed it, or spoke before it was asked";
            return Err(io::Error::new(ErrorKind::ConnectionAborted, why));
        }
        Ok(())
    }

    pub(super) fn write_all(&mut self, bytes: &[u8], attempt: &Attempt) -> io::Result<()> {
        match &mut self.session {
            Some(session) => session.write_all(bytes, &mut self.tcp, attempt),
            None => self.tcp.within(attempt).write_all(bytes),
        }
    }

    /// Reads once into the input; nothing at the end of the connection.
    pub(super) fn fill(&mut self, attempt: &Attempt) -> io::Result<usize> {
        let mut source = Source { tcp: &mut self.tcp, session: self.session.as_deref_mut(), attempt };
        self.input.fill_from(&mut source)
    }

    /// Reads what comes after the input, past it.
    pub(super) fn beyond_input<'a>(&'a mut self, attempt: &'a Attempt) -> Source<'a> {
        assert!(self.input.bytes().is_empty(), "what came first is taken first");
        Source { tcp: &mut self.tcp, session: self.session.as_deref_mut(), attempt }
    }
}

/// The bytes of replies.
pub(super) struct Source<'a> {
    tcp: &'a mut Tcp,
    session: Option<&'a mut Session>,
    attempt: &'a Attempt,
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let amount = match &mut self.session {
            Some(session) => session.read(buffer, self.tcp, self.attempt)?,
            None => self.tcp.within(self.attempt).read(buffer)?,
        };
        if amount > 0 {
            self.attempt.has_received();
        }
        Ok(amount)
    }
}

/// The other side is gone, and not by a proper end.
pub(super) fn is_broken(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe | ErrorKind::UnexpectedEof
    )
}
