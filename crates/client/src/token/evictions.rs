//! Tokens that were refused before their time: how many, and how long to leave the other party alone.
//!
//! Where two parties share keys but no store, and each new token ends the one before, neither may get one as soon as its
//! own is refused: both would do nothing else. Who finds a token ended soon after it was got waits before it gets the next.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::stored_token::Number;

const WITHIN: Duration = Duration::from_secs(3600);
const MOST: usize = 1000;
/// An eviction this long ago says that the next refusal may well be another.
const LATELY: Duration = Duration::from_secs(60);

/// A token that lived shorter was of no use; the pause doubles.
const TOO_SHORT: Duration = Duration::from_millis(100);
/// One that lived longer was; the pause is halved.
const LONG_ENOUGH: Duration = Duration::from_millis(300);
/// And from here on there is none.
const UNDISTURBED: Duration = Duration::from_secs(1);
const SHORTEST_PAUSE: Duration = Duration::from_millis(40);
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(2);

#[derive(Default)]
pub(super) struct Evictions {
    /// Those of the last hour: when, and of which token.
    counted: VecDeque<(Instant, Number)>,
    /// When a call that was refused with one token was last taken with the next.
    certain: Option<Instant>,
    pause: Duration,
}

impl Evictions {
    /// Counts a token once, however many calls it was refused in.
    pub(super) fn count(&mut self, token: Number, now: Instant) {
        if self.counted.back().is_some_and(|&(_, last)| last >= token) {
            return;
        }
        self.counted.push_back((now, token));
        if self.counted.len() > MOST {
            self.counted.pop_front();
        }
    }

    /// This one was none.
    pub(super) fn take_back(&mut self, token: Number) {
        self.counted.retain(|&(_, counted)| counted != token);
    }

    pub(super) fn recent(&self, now: Instant) -> usize {
        self.counted.iter().filter(|(at, _)| now.duration_since(*at) < WITHIN).count()
    }

    /// A token was evicted when it had lived so long.
    pub(super) fn lived(&mut self, life: Duration) {
        self.pause = match life {
            _ if life < TOO_SHORT => (self.pause * 2).clamp(SHORTEST_PAUSE, LONGEST_PAUSE),
            _ if life >= UNDISTURBED => Duration::ZERO,
            _ if life >= LONG_ENOUGH => self.pause / 2,
            _ => self.pause,
        };
    }

    /// How long to wait before the next token is asked for: not as long as the other party.
    pub(super) fn pause(&self) -> Duration {
        self.pause.mul_f64(0.5 + fastrand::f64() / 2.0)
    }

    /// A token was certainly dead before its time.
    pub(super) fn is_certain(&mut self, now: Instant) {
        self.certain = Some(now);
    }

    /// Whether tokens are being evicted at present.
    pub(super) fn go_on(&self, now: Instant) -> bool {
        self.certain.is_some_and(|at| now.duration_since(at) < LATELY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_token_counts_once() {
        let (mut evictions, now) = (Evictions::default(), Instant::now());
        for generation in [3, 3, 2, 4, 4, 3] {
            evictions.count((generation, 0), now);
        }
        assert_eq!(evictions.recent(now), 2);
        evictions.take_back((4, 0));
        assert_eq!(evictions.recent(now), 1);
        (5..5000).for_each(|generation| evictions.count((generation, 0), now));
        assert_eq!(evictions.recent(now), MOST);
        assert_eq!(evictions.recent(now + WITHIN), 0);
    }

    #[test]
    fn parties_leave_each_other_more_time_the_less_their_tokens_live() {
        let mut evictions = Evictions::default();
        assert_eq!(evictions.pause(), Duration::ZERO, "the first one is healed at once");
        let pauses = [(); 8].map(|()| {
            evictions.lived(Duration::from_millis(5));
            assert!((evictions.pause / 2..=evictions.pause).contains(&evictions.pause()));
            evictions.pause.as_millis()
        });
        assert_eq!(pauses, [40, 80, 160, 320, 640, 1280, 2000, 2000]);
        evictions.lived(Duration::from_millis(200));
        assert_eq!(evictions.pause.as_millis(), 2000);
        evictions.lived(Duration::from_millis(300));
        assert_eq!(evictions.pause.as_millis(), 1000);
        evictions.lived(Duration::from_secs(1));
        assert_eq!(evictions.pause(), Duration::ZERO);
    }

    #[test]
    fn a_certain_eviction_is_remembered_for_a_minute() {
        let (mut evictions, now) = (Evictions::default(), Instant::now());
        assert!(!evictions.go_on(now));
        evictions.is_certain(now);
        assert!(evictions.go_on(now) && !evictions.go_on(now + LATELY));
    }
}
