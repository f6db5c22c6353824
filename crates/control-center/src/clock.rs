//! The emulator's own clock, which may be shifted from the machine's: people try a drifting clock with it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub struct Clock {
    skew_ms: i64,
}

impl Clock {
    pub fn new(skew_ms: i64) -> Self {
        Self { skew_ms }
    }

    /// Milliseconds since 1970, the unit of the protocol's timestamps.
    pub fn now_ms(&self) -> i64 {
        let machine = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let machine = i64::try_from(machine.as_millis()).unwrap_or(i64::MAX);
        machine.saturating_add(self.skew_ms).max(0)
    }

    /// The `Date` header, by which a client can tell that its clock differs.
    pub fn http_date(&self) -> String {
        httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_millis(self.now_ms().unsigned_abs()))
    }

    /// UTC, since the standard library knows no time zones.
    pub fn time_of_day(&self) -> String {
        time_of_day(self.now_ms())
    }
}

fn time_of_day(ms: i64) -> String {
    let (s, ms) = (ms / 1000 % 86_400, ms % 1000);
    format!("{:02}:{:02}:{:02}.{ms:03}Z", s / 3600, s / 60 % 60, s % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_day_reads_as_one() {
        assert_eq!(time_of_day(1_606_694_400_000), "00:00:00.000Z");
        assert_eq!(time_of_day(1_606_694_399_999), "23:59:59.999Z");
    }

    #[test]
    fn the_clock_can_be_ahead_and_behind() {
        let machine = Clock::new(0).now_ms();
        assert!((Clock::new(700_000).now_ms() - machine - 700_000).abs() < 5_000);
        assert!((Clock::new(-700_000).now_ms() - machine + 700_000).abs() < 5_000);
        assert_eq!(Clock::new(i64::MIN).http_date(), "Thu, 01 Jan 1970 00:00:00 GMT");
    }
}
