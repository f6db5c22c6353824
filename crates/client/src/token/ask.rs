//! What a call needs, what is asked of the control center for it, and what comes of that.

use std::sync::Arc;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::clock::Observed;
use crate::error::Error;
use crate::request::Options;
use rpa_signing::Secret;

/// What a call needs.
pub(crate) struct Need<'a> {
    /// How the call travels, and so its token.
    pub(crate) options: &'a Options,
    pub(crate) deadline: Instant,
    /// How long a token lives where the server's reply does not tell it.
    pub(crate) lifetime: Option<Duration>,
    /// Made only where a token must be asked for: it takes the call's settings along.
    pub(crate) asking: &'a dyn Fn() -> Arc<Ask>,
}

impl Need<'_> {
    pub(super) fn time_left(&self, now: Instant) -> Duration {
        self.deadline.saturating_duration_since(now)
    }
}

/// How to ask for a token.
pub(crate) enum By {
    Refresh(Secret),
    Keys,
}

/// The control center's JSON.
pub(crate) struct Reply {
    pub(crate) text: Zeroizing<Vec<u8>>,
    pub(crate) status: u16,
    pub(crate) observed: Option<Observed>,
    /// How long the server asks to wait before the next request.
    pub(crate) retry_after: Option<Duration>,
}

/// No JSON of the control center's.
#[derive(Debug, Clone)]
pub(crate) struct NoReply {
    pub(crate) error: Box<Error>,
    /// Whether another attempt may do better.
    pub(crate) may_repeat: bool,
}

/// Asks the control center once, before the deadline. It may outlive the call that it is made for.
pub(crate) type Ask = dyn Fn(&By, Instant) -> Result<Reply, NoReply> + Send + Sync;

/// Why there is no token.
#[derive(Debug, Clone)]
pub(crate) enum Failure {
    Error(NoReply),
    /// The control center refuses the keys, or cannot give a token now: its own JSON.
    Refused {
        reply: Vec<u8>,
        is_busy: bool,
    },
}
