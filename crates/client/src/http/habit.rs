//! What is known of a server's way with idle connections, for the one request that must not be left in doubt: a post.
//!
//! HTTP/1.1 has no way to ask whether a connection will still be served. A server that has closed it answers nothing, and
//! its farewell may be on its way just as the request is; then nobody can know whether the request ran. So a post takes a
//! kept connection only where the server said that it keeps it, or where others of its connections were seen open when
//! they had rested for longer, after as many replies. A server that closes without a word shows no such connection.
//!
//! What remains is a server that has kept all of its connections for a while and closes one all the same, within the time
//! that a packet takes: as it restarts, say. Once that has happened, it has to show more.

use std::time::Duration;

/// A connection that rests for less shows nothing: a server that is about to close it may not have come to it.
pub(super) const REST: Duration = Duration::from_millis(50);
/// A server that closes connections does so before this is over, however busy its machine.
const LONG_REST: Duration = Duration::from_secs(1);
/// So much longer others must have rested: the request is on its way for a while, on a busy machine too.
const MARGIN: Duration = Duration::from_millis(20);
/// So many connections must have been kept. A host may stand for several servers, of which one closes.
const FIRST_WANTED: u32 = 8;
/// No server keeps its word for so many, one after the other, by luck.
const MOST_WANTED: u32 = 1 << 16;

#[derive(Debug)]
pub(super) struct Habit {
    /// Connections that were seen open after a rest, since the last surprise.
    kept: u32,
    /// So many of them a post wants to see.
    wanted: u32,
    /// The longest rest after which one was seen open.
    longest_rest: Duration,
    /// The most replies that one of them had given.
    most_replies: u32,
    /// The fewest replies after which one ended before it had rested.
    fewest_ended: u32,
    /// It said that it keeps a connection, and did not.
    is_word_broken: bool,
}

/// An idle connection, as a habit sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Idle {
    pub(super) rested: Duration,
    pub(super) replies: u32,
    pub(super) round_trip: Duration,
    /// For how long the server said that it keeps it.
    pub(super) announced: Option<Duration>,
}

impl Default for Habit {
    fn default() -> Self {
        Habit {
            kept: 0,
            wanted: FIRST_WANTED,
            longest_rest: Duration::ZERO,
            most_replies: 0,
            fewest_ended: u32::MAX,
            is_word_broken: false,
        }
    }
}

impl Habit {
    /// Whether a post may take this connection.
    pub(super) fn lets_post(&self, idle: Idle) -> bool {
        match idle.announced {
            Some(limit) if !self.is_word_broken && idle.rested < limit => true,
            _ => {
                let arrives_at = idle.rested + MARGIN + 2 * idle.round_trip;
                let lives = idle.replies <= self.most_replies && idle.replies < self.fewest_ended;
                self.is_shown() && lives && arrives_at <= self.longest_rest
            }
        }
    }

    /// Whether enough of its connections were kept.
    pub(super) fn is_shown(&self) -> bool {
        self.kept >= self.wanted
    }

    /// A connection was seen open after this rest: for the first time, or once more after it had been at `seen_open`.
    pub(super) fn keeps(&mut self, idle: Idle, is_first: bool, seen_open: Duration) {
        if idle.rested < REST {
            return;
        }
        self.kept = self.kept.saturating_add(is_first.into());
        self.longest_rest = self.longest_rest.max(idle.rested);
        self.most_replies = self.most_replies.max(idle.replies);
        if idle.rested >= LONG_REST && idle.replies >= self.fewest_ended {
            self.fewest_ended = u32::MAX;
        }
        // A server that was just started anew, say, is trusted again in time.
        if idle.rested >= LONG_REST && seen_open < LONG_REST {
            self.wanted = (self.wanted / 2).max(FIRST_WANTED);
        }
        if self.is_shown() {
            self.is_word_broken = false;
        }
    }

    /// A connection has ended while nobody used it. `seen_open` is the rest after which it was last seen open.
    pub(super) fn ended(&mut self, idle: Idle, seen_open: Duration) {
        let was_announced = idle.announced.is_some_and(|limit| idle.rested < limit);
        if was_announced {
            self.is_word_broken = true;
        } else if seen_open >= REST {
            // An ordinary limit: this server keeps none for longer.
            self.longest_rest = self.longest_rest.min(seen_open);
            return;
        }
        self.fewest_ended = self.fewest_ended.min(idle.replies);
        // Where none has lived for so many replies, what is known of fewer still holds.
        if idle.replies <= self.most_replies || was_announced {
            let wanted = self.wanted.saturating_mul(8).min(MOST_WANTED);
            let Habit { fewest_ended, is_word_broken, .. } = *self;
            *self = Habit { wanted, fewest_ended, is_word_broken, ..Habit::default() };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::ZERO;

    fn idle(rested: u64, replies: u32) -> Idle {
        Idle { rested: Duration::from_millis(rested), replies, round_trip: Duration::from_millis(1), announced: None }
    }

    fn announced(rested: u64, limit: u64) -> Idle {
        Idle { announced: Some(Duration::from_millis(limit)), ..idle(rested, 1) }
    }

    /// That of a server which keeps connections for a second.
    fn shown() -> Habit {
        let mut habit = Habit::default();
        for _ in 0..FIRST_WANTED {
            habit.keeps(idle(1000, 3), true, SHORT);
        }
        habit
    }

    #[test]
    fn nothing_is_taken_for_granted() {
        let mut habit = Habit::default();
        assert!(!habit.lets_post(idle(0, 1)));
        for _ in 1..FIRST_WANTED {
            habit.keeps(idle(1000, 1), true, SHORT);
            habit.keeps(idle(2000, 1), false, SHORT);
        }
        assert!(!habit.lets_post(idle(0, 1)), "one connection is missing");
        habit.keeps(idle(1000, 1), true, SHORT);
        assert!(habit.lets_post(idle(0, 1)));
    }

    #[test]
    fn others_have_rested_longer_after_as_many_replies() {
        let habit = shown();
        for (rested, replies, expected) in [(0, 1, true), (0, 3, true), (0, 4, false), (970, 3, true), (980, 3, false)]
        {
            assert_eq!(habit.lets_post(idle(rested, replies)), expected, "{rested} ms, {replies} replies");
        }
        let far = Idle { round_trip: Duration::from_millis(600), ..idle(0, 1) };
        assert!(!habit.lets_post(far), "the request would come after 1.2 s");
    }

    #[test]
    fn a_word_counts_until_it_is_broken() {
        let mut habit = Habit::default();
        assert!(habit.lets_post(announced(3000, 4000)) && !habit.lets_post(announced(4000, 4000)));
        habit.ended(announced(5000, 4000), Duration::ZERO);
        assert!(habit.lets_post(announced(3000, 4000)), "it said so");
        habit.ended(announced(10, 4000), Duration::ZERO);
        assert!(!habit.lets_post(announced(0, 4000)));
    }

    #[test]
    fn a_surprise_makes_it_harder_and_an_ordinary_limit_does_not() {
        let mut habit = shown();
        habit.ended(idle(3000, 1), Duration::from_millis(800));
        assert!(habit.lets_post(idle(700, 1)) && !habit.lets_post(idle(790, 1)));
        habit.ended(idle(0, 4), Duration::ZERO);
        assert!(habit.lets_post(idle(0, 3)), "nobody was said to live for five requests");
        habit.keeps(idle(100, 4), true, SHORT);
        assert!(!habit.lets_post(idle(0, 4)), "that one is just late");
        habit.ended(idle(1, 2), Duration::ZERO);
        assert!(!habit.lets_post(idle(0, 1)));
        for _ in 0..8 * FIRST_WANTED - 1 {
            habit.keeps(idle(900, 1), true, SHORT);
        }
        assert!(!habit.lets_post(idle(0, 1)));
        habit.keeps(idle(900, 1), true, SHORT);
        assert!(habit.lets_post(idle(0, 1)) && !habit.lets_post(idle(0, 2)));
    }

    #[test]
    fn a_server_that_was_started_anew_is_trusted_again_in_time() {
        let mut habit = Habit::default();
        for _ in 0..3 {
            habit.ended(announced(10, 4000), Duration::ZERO);
        }
        assert!(!habit.lets_post(announced(0, 4000)));
        for _ in 0..6 {
            habit.keeps(idle(800, 1), true, SHORT);
            habit.keeps(idle(1600, 1), false, Duration::from_millis(800));
            habit.keeps(idle(3200, 1), false, Duration::from_millis(1600));
        }
        assert!(!habit.lets_post(announced(0, 4000)), "three surprises are not made up for by six connections");
        for _ in 0..6 {
            habit.keeps(idle(1600, 1), true, Duration::from_millis(800));
        }
        assert!(habit.lets_post(announced(0, 4000)));
    }

    #[test]
    fn what_rested_for_a_moment_shows_nothing() {
        let mut habit = Habit::default();
        (0..100).for_each(|_| habit.keeps(idle(49, 1), true, SHORT));
        assert!(!habit.is_shown());
    }
}
