//! What is asked of the control center, and what comes of it.

use std::time::Instant;

use zeroize::Zeroizing;

use super::clock::Observed;
use crate::error::{Error, Kind};
use crate::secret::Secret;

/// How to ask for a token.
pub(crate) enum By {
    Refresh(Secret),
    Keys,
}

/// The control center's JSON.
pub(crate) struct Reply {
    pub(crate) text: Zeroizing<String>,
    pub(crate) status: u16,
    pub(crate) observed: Option<Observed>,
}

/// Asks the control center, before the deadline.
pub(crate) type Ask<'a> = dyn Fn(&By, Instant) -> Result<Reply, Error> + 'a;

/// Why there is no token.
#[derive(Clone)]
pub(crate) enum Failure {
    Error(Error),
    /// The control center refuses the keys: its own JSON.
    Refused(String),
}

impl Failure {
    /// Whether those who waited for the same token need not ask once more.
    pub(super) fn is_for_all(&self) -> bool {
        !matches!(self, Failure::Error(error) if error.kind == Kind::Timeout)
    }
}
