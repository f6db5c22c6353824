//! The difference between the control center's clock and this machine's, measured from the `Date` of its replies.

use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use std::{env, fs};

/// A smaller difference is not worth a correction, and a `Date` in whole seconds does not show it.
const SMALLEST_MS: u64 = 2_000;
/// From here on a caller is told.
const LARGE_MS: u64 = 9 * 60 * 1000;
/// The server refuses a timestamp that is further off.
const WINDOW_MS: u64 = 10 * 60 * 1000;

/// How far the control center's clock is ahead of this machine's, in milliseconds; negative if it is behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Clock {
    pub(crate) ahead_ms: i64,
}

/// A reply's `Date`, and this machine's time before the request and after the reply.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Observed {
    pub(crate) before: SystemTime,
    pub(crate) after: SystemTime,
    pub(crate) date: SystemTime,
}

impl Clock {
    /// The control center's time in milliseconds since 1970, if `now` is this machine's.
    pub(crate) fn correct(self, now: SystemTime) -> u64 {
        let now = i128::from(self.ahead_ms).saturating_add(millis(now));
        u64::try_from(now).unwrap_or_default()
    }

    /// What is known after a reply. A difference within the reach of the measurement's error changes nothing.
    pub(super) fn after(self, observed: Observed) -> Clock {
        let (before, after) = (millis(observed.before), millis(observed.after));
        // A `Date` has lost its fraction of a second: half of one on average.
        let date = millis(observed.date).saturating_add(500);
        let middle = before.saturating_add(after).div_euclid(2);
        let ahead_ms = i64::try_from(date.saturating_sub(middle)).unwrap_or_default();
        let reach = after.abs_diff(before) / 2;
        let beyond = |difference: u64| u128::from(difference) > u128::from(SMALLEST_MS).saturating_add(reach);
        if !beyond(ahead_ms.abs_diff(self.ahead_ms)) {
            self
        } else if !beyond(ahead_ms.unsigned_abs()) {
            Clock::default()
        } else {
            Clock { ahead_ms }
        }
    }

    /// Whether a call that was stamped by this clock is refused, if the other one is right.
    pub(crate) fn is_refused_by(self, right: Clock) -> bool {
        self.ahead_ms.abs_diff(right.ahead_ms) > WINDOW_MS
    }

    /// What to tell a caller whose machine's clock is far off.
    pub(crate) fn warning(self) -> Option<String> {
        let seconds = self.ahead_ms.unsigned_abs() / 1000;
        let (way, way_zh) = if self.ahead_ms > 0 { ("behind", "慢") } else { ("ahead of", "快") };
        (self.ahead_ms.unsigned_abs() > LARGE_MS).then(|| {
            format!(
                "this machine's clock is {seconds} seconds {way} the control center's; timestamps are corrected by that, but set it right (本机时钟比控制中心{way_zh}{seconds}秒,时间戳已按此修正,请校准)"
            )
        })
    }
}

fn millis(time: SystemTime) -> i128 {
    let whole = |duration: Duration| i128::try_from(duration.as_millis()).unwrap_or(i128::MAX);
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => whole(since),
        Err(before) => whole(before.duration()).saturating_neg(),
    }
}

/// Which machine a difference was measured on: another one's clock says nothing about this one's.
pub(super) fn machine() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| {
        let name = env::var("COMPUTERNAME").ok();
        let name = name.or_else(|| fs::read_to_string("/proc/sys/kernel/hostname").ok());
        name.unwrap_or_default().trim().to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(ms)
    }

    fn measured(clock: Clock, before: u64, after: u64, date: u64) -> i64 {
        clock.after(Observed { before: at(before), after: at(after), date: at(date) }).ahead_ms
    }

    #[test]
    fn differences_are_measured_from_the_middle_of_the_round_trip() {
        let hour = 3_600_000;
        assert_eq!(measured(Clock::default(), 10_000, 10_200, 10_000 + hour), 3_600_400);
        assert_eq!(measured(Clock::default(), 10_000 + hour, 10_200 + hour, 10_000), -3_599_600);
        assert_eq!(measured(Clock::default(), 10_000, 10_100, 11_000), 0, "too small");
        assert_eq!(measured(Clock::default(), 10_000, 20_000, 21_000), 0, "within the error of a slow reply");
        let known = Clock { ahead_ms: 3_600_400 };
        assert_eq!(measured(known, 10_000, 10_000, 11_000 + hour), 3_600_400, "no change worth the name");
        assert_eq!(measured(known, 10_000, 10_000, 10_000), 0, "the clock was set right");
    }

    #[test]
    fn times_are_corrected_and_large_differences_told() {
        assert_eq!(Clock { ahead_ms: -500 }.correct(at(1_700)), 1_200);
        assert_eq!(Clock { ahead_ms: -5_000 }.correct(at(1_700)), 0);
        assert_eq!(Clock { ahead_ms: 540_000 }.warning(), None);
        let behind = Clock { ahead_ms: 600_000 }.warning().unwrap();
        assert!(behind.contains("600 seconds behind the control center's"), "{behind}");
        assert!(Clock { ahead_ms: -600_000 }.warning().unwrap().contains("600 seconds ahead of"));
        assert!(Clock { ahead_ms: 600_001 }.is_refused_by(Clock::default()));
        assert!(!Clock::default().is_refused_by(Clock { ahead_ms: -600_000 }));
    }
}
