//! Waiting for what another process has for a moment.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

/// Between two looks at it.
pub(super) const PAUSE: Duration = Duration::from_millis(2);

/// Windows refuses for a moment while a virus scanner or another process has a file open.
pub(super) fn patiently<T>(until: Instant, work: impl Fn() -> io::Result<T>) -> io::Result<T> {
    // ERROR_ACCESS_DENIED, ERROR_SHARING_VIOLATION, ERROR_LOCK_VIOLATION
    let is_taken = |error: &io::Error| cfg!(windows) && matches!(error.raw_os_error(), Some(5 | 32 | 33));
    loop {
        match work() {
            Err(error) if is_taken(&error) && Instant::now() < until => thread::sleep(PAUSE),
            result => return result,
        }
    }
}
