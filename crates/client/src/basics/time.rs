//! Milliseconds since 1970, the unit of the protocol's timestamps.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The server refuses a timestamp that is further off than this.
pub(crate) const WINDOW_MS: u64 = 10 * 60 * 1000;

/// Milliseconds since 1970; negative before.
pub(crate) fn unix_ms(time: SystemTime) -> i64 {
    let whole =
        |duration: Duration| i64::try_from(duration.as_millis()).expect("no system's clock counts 292 million years");
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => whole(since),
        Err(before) => -whole(before.duration()),
    }
}

/// What a call is stamped with at this time; `None` before 1970, which no timestamp can say.
pub(crate) fn timestamp(unix_ms: i64) -> Option<u64> {
    u64::try_from(unix_ms).ok()
}

/// So many seconds, in the unit that tells most of them.
pub(crate) fn span(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} seconds"),
        120..7200 => format!("{} minutes", seconds / 60),
        7200..172_800 => format!("{} hours", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_told_in_the_unit_that_fits() {
        let told = [0, 119, 120, 7199, 7200, 172_799, 172_800].map(span);
        let expected = ["0 seconds", "119 seconds", "2 minutes", "119 minutes", "2 hours", "47 hours", "2 days"];
        assert_eq!(told, expected);
    }

    #[test]
    fn before_and_after_1970() {
        let second = Duration::from_secs(1);
        assert_eq!((unix_ms(UNIX_EPOCH + second), unix_ms(UNIX_EPOCH - second)), (1_000, -1_000));
        assert_eq!((timestamp(0), timestamp(1_000), timestamp(-1)), (Some(0), Some(1_000), None));
    }
}
