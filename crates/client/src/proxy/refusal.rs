//! What a proxy did in place of leading on.

use std::fmt;
use std::io;

use super::answer::Answer;
use super::socks_refusal::SocksRefusal;

/// What a proxy did in place of leading on. It travels in an `io::Error`, and is told in `explain.rs`, where it is known
/// which proxy it was.
pub(crate) enum Refusal {
    /// It answered CONNECT, and not with a tunnel.
    Answered {
        /// Status and headers.
        answer: Answer,
        /// Of the page that came with it.
        title: Option<String>,
    },
    /// It is no HTTP proxy.
    Speaks(Speaks),
    /// It closed the connection before its answer was whole.
    Closed {
        /// Without a single byte.
        silently: bool,
    },
    /// A SOCKS proxy says no.
    Socks(SocksRefusal),
}

/// What came where an HTTP answer was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaks {
    /// The proxy itself is reached by TLS.
    Tls,
    Socks,
    /// HTTP, but a head without an end.
    Endlessly,
    Nonsense,
}

impl Speaks {
    /// By the first bytes, of which the last is the first that is not HTTP's.
    pub(super) fn of(bytes: &[u8]) -> Speaks {
        match bytes {
            // The record types of an alert and of a handshake.
            [0x15 | 0x16, ..] => Speaks::Tls,
            [0x05 | 0x00, ..] => Speaks::Socks,
            _ => Speaks::Nonsense,
        }
    }
}

/// Never what the proxy said: it may quote a password.
impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Answered { answer, .. } => write!(f, "Answered({})", answer.status),
            Refusal::Speaks(speaks) => write!(f, "Speaks({speaks:?})"),
            Refusal::Closed { silently } => write!(f, "Closed {{ silently: {silently} }}"),
            Refusal::Socks(refusal) => write!(f, "Socks({refusal:?})"),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the proxy did not lead on")
    }
}

impl std::error::Error for Refusal {}

impl From<Refusal> for io::Error {
    fn from(refusal: Refusal) -> io::Error {
        io::Error::other(refusal)
    }
}
