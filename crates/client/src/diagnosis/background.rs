//! Work beside the other checks.

use crate::basics::threads;
use crate::wait::promise::{Taker, promise};

/// Begins some work on a thread of its own, which may outlive the diagnosis.
pub(super) fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Taker<T> {
    let (giver, taker) = promise();
    // Without a thread nobody gives an answer, and the giver is dropped.
    let _ = threads::spawn("diagnosis", move || giver.give(work()));
    taker
}
