//! How long the tokens of an account live, as far as that is told or seen.
//!
//! A token that is refused before its end was evicted: somebody got another one for the same keys. Where nobody tells how
//! long tokens live, only those count as evicted that were refused younger than others were seen to work.

use std::collections::VecDeque;
use std::time::Duration;

use super::issued::Life;
use crate::error::Refusal;

/// How far two clocks that are kept in step may differ.
const SLACK: Duration = Duration::from_secs(2);
/// No control center gives out tokens that live shorter.
pub(super) const SHORTEST: Duration = Duration::from_secs(1);
/// A lifetime that is told in seconds and is longer may have been told in milliseconds.
const DOUBTFUL: Duration = Duration::from_secs(86_400);
/// And one that is longer than this was: no token lives for a month.
const IMPLAUSIBLE: Duration = Duration::from_secs(31 * 86_400);
const A_YEAR_MS: u64 = 366 * 86_400_000;
/// So many ends that look alike are a lifetime.
const ALIKE: usize = 3;

/// The end of a token, which was seen to work before and was refused after: at these ages.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct End {
    pub(super) told: Option<Duration>,
    pub(super) worked: Duration,
    pub(super) refused: Duration,
}

#[derive(Debug, Default)]
pub(super) struct Lifetimes {
    /// The greatest age at which a token was seen to work.
    worked: Duration,
    /// Of tokens whose lifetime nobody told, the last ones.
    ends: VecDeque<End>,
    /// How many in turn ended as if their lifetime had been told in milliseconds.
    in_milliseconds: u32,
}

impl Lifetimes {
    /// The lifetime that a reply tells, whose token was issued then by the control center's clock.
    pub(super) fn told(&self, life: Life, issued_ms: i64) -> Option<Duration> {
        match life {
            Life::Lasts(seconds) => self.told_in_seconds(seconds),
            Life::Ends(at) => {
                let left = at - issued_ms;
                if left.unsigned_abs() > A_YEAR_MS {
                    // No time of these days: 2,592,000,000 is thirty days in milliseconds.
                    return Some(Duration::from_millis(u64::try_from(at / 1000).ok()?))
                        .filter(|life| *life <= IMPLAUSIBLE);
                }
                // A time that has passed is a slip of time zones.
                u64::try_from(left).ok().filter(|left| *left > 0).map(Duration::from_millis)
            }
        }
    }

    fn told_in_seconds(&self, seconds: f64) -> Option<Duration> {
        let told = Duration::try_from_secs_f64(seconds).ok()?;
        let in_milliseconds = told > IMPLAUSIBLE || told >= DOUBTFUL && self.in_milliseconds >= 2;
        Some(if in_milliseconds { told / 1000 } else { told })
    }

    /// The lifetime that was seen, where none is told.
    pub(super) fn seen(&self) -> Option<Duration> {
        let narrow = |end: &End| end.refused - end.worked.min(end.refused) <= end.refused / 4;
        let last = self.ends.iter().rev().take(ALIKE);
        if last.len() < ALIKE || !last.clone().all(narrow) {
            return None;
        }
        let worked = last.clone().map(|end| end.worked).max()?;
        let refused = last.map(|end| end.refused).min()?;
        (SHORTEST..refused).contains(&worked).then_some(worked)
    }

    /// A token was seen to work at this age.
    pub(super) fn works(&mut self, age: Duration) {
        self.worked = self.worked.max(age);
    }

    /// What the refusal of a token looks like. `None` for an age that is not known: nothing speaks against the usual reason.
    pub(super) fn refusal(&self, told: Option<Duration>, worked: Duration, age: Option<Duration>) -> Refusal {
        let Some(refused) = age else { return Refusal::Expiry };
        let evicted = match told {
            Some(told) => refused + SLACK < told && !End { told: Some(told), worked, refused }.is_in_milliseconds(),
            None => refused < SHORTEST || refused < self.worked,
        };
        if evicted { Refusal::Eviction } else { Refusal::Expiry }
    }

    /// A token has ended, which is certain: the call that was refused with it was taken with the next one.
    pub(super) fn ended(&mut self, end: End) {
        if end.told.is_some_and(|told| told >= DOUBTFUL) {
            self.in_milliseconds = if end.is_in_milliseconds() { self.in_milliseconds + 1 } else { 0 };
        }
        if end.told.is_none() {
            self.ends.push_back(end);
            if self.ends.len() > ALIKE {
                self.ends.pop_front();
            }
            // A control center may be told to give shorter lives.
            if self.seen().is_some() {
                self.worked = end.worked;
            }
        }
    }
}

impl End {
    /// Whether the token ended when it had to if its lifetime was told in milliseconds.
    fn is_in_milliseconds(&self) -> bool {
        self.told.filter(|told| *told >= DOUBTFUL).is_some_and(|told| {
            let end = told / 1000;
            self.worked < end && end <= self.refused
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    fn end(worked: f64, refused: f64) -> End {
        End { told: None, worked: seconds(worked), refused: seconds(refused) }
    }

    #[test]
    fn before_its_time_or_not() {
        let lifetimes = Lifetimes::default();
        let of = |told, age| lifetimes.refusal(Some(seconds(told)), Duration::ZERO, Some(seconds(age)));
        assert_eq!(of(10.0, 7.0), Refusal::Eviction);
        assert_eq!(of(10.0, 8.0), Refusal::Expiry, "clocks differ");
        assert_eq!(
            lifetimes.refusal(Some(seconds(10.0)), Duration::ZERO, None),
            Refusal::Expiry,
            "its age is not known"
        );
    }

    #[test]
    fn where_nobody_tells_the_lifetime_the_longest_that_was_seen_counts() {
        let mut lifetimes = Lifetimes::default();
        let of = |lifetimes: &Lifetimes, age| lifetimes.refusal(None, Duration::ZERO, Some(seconds(age)));
        assert_eq!(of(&lifetimes, 0.9), Refusal::Eviction, "no token lives so short");
        assert_eq!(of(&lifetimes, 60.0), Refusal::Expiry, "it may have been its time");
        lifetimes.works(seconds(59.0));
        assert_eq!((of(&lifetimes, 58.0), of(&lifetimes, 60.0)), (Refusal::Eviction, Refusal::Expiry));
    }

    #[test]
    fn several_ends_that_are_alike_are_a_lifetime() {
        let mut lifetimes = Lifetimes::default();
        for (worked, refused) in [(59.0, 61.0), (58.0, 60.5)] {
            lifetimes.ended(end(worked, refused));
            assert_eq!(lifetimes.seen(), None);
        }
        lifetimes.ended(end(59.5, 63.0));
        assert_eq!(lifetimes.seen(), Some(seconds(59.5)));
        lifetimes.ended(end(20.0, 21.0));
        assert_eq!(lifetimes.seen(), None, "that one was evicted, or the others were");
        lifetimes.ended(end(20.0, 21.0));
        lifetimes.works(seconds(300.0));
        lifetimes.ended(end(20.2, 21.5));
        assert_eq!(lifetimes.seen(), Some(seconds(20.2)), "lives have become shorter");
        assert_eq!(lifetimes.refusal(None, Duration::ZERO, Some(seconds(21.0))), Refusal::Expiry);
    }

    #[test]
    fn ends_of_tokens_that_are_seldom_used_show_nothing() {
        let mut lifetimes = Lifetimes::default();
        (0..9).for_each(|_| lifetimes.ended(end(0.0, 3_600.0)));
        assert_eq!(lifetimes.seen(), None);
    }

    #[test]
    fn a_lifetime_of_months_was_told_in_milliseconds() {
        let mut lifetimes = Lifetimes::default();
        let told = |lifetimes: &Lifetimes, number| lifetimes.told(Life::Lasts(number), 0);
        assert_eq!(told(&lifetimes, 7_200.0), Some(seconds(7_200.0)));
        assert_eq!(told(&lifetimes, 7_200_000.0), Some(seconds(7_200.0)));
        // Ten minutes, or a week: seen to end after ten minutes twice.
        let week = Some(seconds(600_000.0));
        assert_eq!(told(&lifetimes, 600_000.0), week);
        for _ in 0..2 {
            let (worked, refused) = (seconds(595.0), seconds(601.0));
            assert_eq!(lifetimes.refusal(week, worked, Some(refused)), Refusal::Expiry);
            assert_eq!(lifetimes.refusal(week, seconds(400.0), Some(seconds(500.0))), Refusal::Eviction);
            lifetimes.ended(End { told: week, worked, refused });
        }
        assert_eq!(told(&lifetimes, 600_000.0), Some(seconds(600.0)));
        assert_eq!(told(&lifetimes, 7_200.0), Some(seconds(7_200.0)), "which is two hours, and no seven seconds");
    }

    #[test]
    fn an_end_is_told_as_a_time_or_is_none() {
        let now = 1_795_000_000_000;
        let told = |at| Lifetimes::default().told(Life::Ends(at), now);
        assert_eq!(told(now + 7_200_000), Some(seconds(7_200.0)));
        assert_eq!(told(now - 1), None, "that time has passed");
        // 2,592,000,000 milliseconds, which may be read as seconds until the year 2052.
        assert_eq!(told(2_592_000_000_000), Some(seconds(2_592_000.0)));
    }
}
