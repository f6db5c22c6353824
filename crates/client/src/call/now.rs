//! The time that a call is stamped with.

use std::time::SystemTime;

use crate::basics::time::{timestamp, unix_ms};
use crate::error::Error;

/// Milliseconds since 1970 by a clock that is so far ahead of this machine's; negative if it is behind.
pub(crate) fn now(ahead_ms: i64) -> Result<u64, Error> {
    timestamp(unix_ms(SystemTime::now()) + ahead_ms).ok_or_else(|| {
        Error::argument("timestamp", "本机时钟早于1970年", "this machine's clock stands before 1970; set it right")
    })
}
