//! Whose clock calls are stamped by: this machine's, unless the control center has refused that.
//!
//! A reply's `Date` may be a gateway's, and the gateway's clock may be wrong. So a `Date` is no more than a suggestion: it
//! is tried after a refusal that speaks of time, and kept only if the control center then takes the call.

use std::time::{Duration, Instant, SystemTime};

// Another machine's clock says nothing about this one's; and one without a name shares its clock with nobody.
pub(super) use crate::basics::machine::name as machine;
use crate::basics::time::{WINDOW_MS, unix_ms};

/// A smaller difference is not worth a word, and a `Date` in whole seconds does not show it.
const SMALLEST_MS: u64 = 2_000;
/// From here on a caller is told.
const LARGE_MS: u64 = 9 * 60 * 1000;
/// Two measurements that are no further apart are of one clock.
const ALIKE_MS: u64 = 60_000;
/// So many clocks are remembered, each of another gateway.
const MOST_CLOCKS: usize = 4;
/// A `Date` that was tried in vain is not tried again for so long.
const AFTER_A_REFUSAL: Duration = Duration::from_secs(60);
/// And one that differs from a timestamp that was taken, for so long.
const AFTER_A_SUCCESS: Duration = Duration::from_secs(600);

/// A reply's `Date`, and this machine's time before the request and after the reply.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Observed {
    pub(crate) before: SystemTime,
    pub(crate) after: SystemTime,
    pub(crate) date: SystemTime,
}

/// What is known of the control center's clock. Differences are in milliseconds, positive where it is ahead of this
/// machine's.
#[derive(Debug, Default)]
pub(super) struct Clock {
    /// What timestamps are corrected by. Not zero only if the control center took a call that was stamped by it.
    ahead_ms: i64,
    /// The control center took a call with that, or its `Date` says the same.
    confirmed: bool,
    /// By what `Date`s have said, the latest last.
    dates: Vec<i64>,
    /// Those that are not tried before this.
    distrusted: Vec<(i64, Instant)>,
}

impl Observed {
    /// How far that clock is ahead. A difference within the reach of the measurement's error is none.
    pub(crate) fn ahead_ms(self) -> i64 {
        let (before, after) = (unix_ms(self.before), unix_ms(self.after));
        // A `Date` has lost its fraction of a second: half of one on average.
        let ahead_ms = unix_ms(self.date) + 500 - (before + after).div_euclid(2);
        let reach = after.abs_diff(before) / 2;
        if ahead_ms.unsigned_abs() > SMALLEST_MS + reach { ahead_ms } else { 0 }
    }
}

impl Clock {
    /// What to stamp calls by.
    pub(super) fn ahead_ms(&self) -> i64 {
        self.ahead_ms
    }

    /// Whether times that machines share can be judged by this clock.
    pub(super) fn is_confirmed(&self) -> bool {
        self.confirmed
    }

    /// A reply has told a time.
    pub(super) fn observe(&mut self, observed: Observed) {
        let ahead_ms = observed.ahead_ms();
        self.confirmed |= alike(ahead_ms, self.ahead_ms);
        remember(&mut self.dates, ahead_ms, |&date| date);
    }

    /// The control center tells no time: nothing speaks against this machine's.
    pub(super) fn observe_nothing(&mut self) {
        self.confirmed |= self.dates.is_empty();
    }

    /// What to stamp a call by that was refused for its time under all of these: only what makes a difference.
    pub(super) fn another(&self, refused: &[i64], now: Instant) -> Option<i64> {
        let makes_a_difference = |ahead_ms: &i64| !refused.iter().any(|other| same_window(*ahead_ms, *other));
        let is_trusted =
            |ahead_ms: &i64| !self.distrusted.iter().any(|&(other, until)| alike(*ahead_ms, other) && now < until);
        // Last of all this machine's own, where it is not that which was refused.
        let known = self.dates.iter().rev().chain([&0]);
        known.copied().filter(makes_a_difference).find(is_trusted)
    }

    /// The control center took a call with this stamp. Whether that changes what calls are stamped by.
    pub(super) fn taken(&mut self, stamped_by: i64, after_a_refusal: bool, now: Instant) -> bool {
        let changes = after_a_refusal && stamped_by != self.ahead_ms;
        if changes {
            self.ahead_ms = stamped_by;
        }
        self.confirmed |= stamped_by == self.ahead_ms;
        for date in self.dates.clone() {
            if !same_window(date, stamped_by) {
                self.distrust(date, now + AFTER_A_SUCCESS);
            }
        }
        changes
    }

    /// A call that was stamped by this was refused like the one before.
    pub(super) fn refused_again(&mut self, ahead_ms: i64, now: Instant) {
        self.distrust(ahead_ms, now + AFTER_A_REFUSAL);
    }

    /// Another process of this machine has found out.
    pub(super) fn adopt(&mut self, ahead_ms: i64) {
        if !self.confirmed {
            self.ahead_ms = ahead_ms;
        }
    }

    fn distrust(&mut self, ahead_ms: i64, until: Instant) {
        remember(&mut self.distrusted, (ahead_ms, until), |&(ahead_ms, _)| ahead_ms);
    }

    /// What to tell a caller whose machine's clock is far off.
    pub(super) fn warning(&self) -> Option<String> {
        let seconds = self.ahead_ms.unsigned_abs() / 1000;
        let (way, way_zh) = if self.ahead_ms > 0 { ("behind", "慢") } else { ("ahead of", "快") };
        (self.ahead_ms.unsigned_abs() > LARGE_MS).then(|| {
            format!(
                "this machine's clock is {seconds} seconds {way} the control center's; timestamps are corrected by that, but set it right (本机时钟比控制中心{way_zh}{seconds}秒,时间戳已按此修正,请校准)"
            )
        })
    }
}

/// Takes a value in, in the place of one that is alike, else of the oldest.
fn remember<T>(values: &mut Vec<T>, value: T, ahead_ms: impl Fn(&T) -> i64) {
    values.retain(|other| !alike(ahead_ms(other), ahead_ms(&value)));
    if values.len() >= MOST_CLOCKS {
        values.remove(0);
    }
    values.push(value);
}

fn alike(one: i64, other: i64) -> bool {
    one.abs_diff(other) <= ALIKE_MS
}

/// Whether a server that refuses the one refuses the other as well. Measurements are not exact to the second.
fn same_window(one: i64, other: i64) -> bool {
    one.abs_diff(other) <= WINDOW_MS - SMALLEST_MS
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::UNIX_EPOCH;

    const HOUR: i64 = 3_600_000;

    fn at(ms: i64) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(ms.unsigned_abs())
    }

    fn observed(before: i64, after: i64, date: i64) -> Observed {
        Observed { before: at(before), after: at(after), date: at(date) }
    }

    /// After replies of gateways whose clocks are so far ahead.
    fn after(dates: &[i64]) -> Clock {
        let mut clock = Clock::default();
        dates.iter().for_each(|date| clock.observe(observed(10 * HOUR, 10 * HOUR, 10 * HOUR + date - 500)));
        clock
    }

    #[test]
    fn differences_are_measured_from_the_middle_of_the_round_trip() {
        assert_eq!(observed(10_000, 10_200, 10_000 + HOUR).ahead_ms(), 3_600_400);
        assert_eq!(observed(10_000 + HOUR, 10_200 + HOUR, 10_000).ahead_ms(), -3_599_600);
        assert_eq!(observed(10_000, 10_100, 11_000).ahead_ms(), 0, "too small");
        assert_eq!(observed(10_000, 20_000, 21_000).ahead_ms(), 0, "within the error of a slow reply");
    }

    #[test]
    fn a_date_changes_nothing_before_a_call_is_refused_for_its_time() {
        let clock = after(&[HOUR]);
        assert_eq!((clock.ahead_ms(), clock.is_confirmed(), clock.warning()), (0, false, None));
        assert!(after(&[1_000]).is_confirmed());
        let now = Instant::now();
        assert_eq!(clock.another(&[0], now), Some(HOUR));
        assert_eq!(after(&[60_000]).another(&[0], now), None, "a stamp that makes no difference");
        assert_eq!(Clock::default().another(&[0], now), None, "nothing is known");
    }

    #[test]
    fn a_correction_is_kept_once_it_has_helped_and_given_up_once_it_does_not() {
        let now = Instant::now();
        let mut clock = after(&[-HOUR]);
        assert!(clock.taken(-HOUR, true, now));
        assert_eq!((clock.ahead_ms(), clock.is_confirmed()), (-HOUR, true));
        assert!(clock.warning().unwrap().contains("3600 seconds ahead of"));
        // This machine's clock is set right, and the replies say so, or tell no time.
        assert_eq!(clock.another(&[-HOUR], now), Some(0));
        assert!(clock.taken(0, true, now));
        assert_eq!((clock.ahead_ms(), clock.warning()), (0, None));
    }

    #[test]
    fn a_gateways_wrong_date_is_tried_once_and_not_for_each_refusal() {
        let now = Instant::now();
        let mut clock = after(&[HOUR]);
        clock.refused_again(HOUR, now);
        assert_eq!(clock.another(&[0], now), None);
        assert_eq!(clock.another(&[0], now + AFTER_A_REFUSAL), Some(HOUR), "it may have been the call");
        // A stamp that was taken shows that the date is wrong.
        let mut clock = after(&[HOUR]);
        assert!(!clock.taken(0, false, now));
        assert_eq!(clock.another(&[0], now + AFTER_A_REFUSAL), None);
    }

    #[test]
    fn of_two_gateways_the_right_one_is_found_within_a_call() {
        let now = Instant::now();
        let mut clock = after(&[HOUR, 2 * HOUR]);
        assert_eq!(clock.another(&[0], now), Some(2 * HOUR));
        assert_eq!(clock.another(&[0, 2 * HOUR], now), Some(HOUR));
        assert_eq!(clock.another(&[0, 2 * HOUR, HOUR], now), None);
        clock.taken(HOUR, true, now);
        // From now on each of them may answer: nothing is tried that was wrong.
        clock.observe(observed(10 * HOUR, 10 * HOUR, 12 * HOUR));
        assert_eq!(clock.ahead_ms(), HOUR);
        assert_eq!(clock.another(&[HOUR], now), Some(0), "this machine's own");
    }

    #[test]
    fn what_another_process_found_out_counts_until_this_one_knows() {
        let mut clock = Clock::default();
        clock.adopt(HOUR);
        assert_eq!(clock.ahead_ms(), HOUR);
        clock.taken(HOUR, false, Instant::now());
        clock.adopt(0);
        assert_eq!(clock.ahead_ms(), HOUR);
    }
}
