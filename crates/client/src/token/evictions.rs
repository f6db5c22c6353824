//! Counts tokens that were refused before their time.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

const WITHIN: Duration = Duration::from_secs(3600);
const MOST: usize = 1000;

/// Those of the last hour: when, and of which generation.
#[derive(Default)]
pub(super) struct Evictions(VecDeque<(Instant, u64)>);

impl Evictions {
    /// Counts a token once, however many calls it was refused in.
    pub(super) fn count(&mut self, generation: u64) {
        if self.0.back().is_some_and(|&(_, last)| last >= generation) {
            return;
        }
        self.0.push_back((Instant::now(), generation));
        if self.0.len() > MOST {
            self.0.pop_front();
        }
    }

    /// The last one was none.
    pub(super) fn take_back(&mut self) {
        self.0.pop_back();
    }

    pub(super) fn recent(&self) -> usize {
        self.0.iter().filter(|(at, _)| at.elapsed() < WITHIN).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_generation_counts_once() {
        let mut evictions = Evictions::default();
        for generation in [3, 3, 2, 4, 4, 3] {
            evictions.count(generation);
        }
        assert_eq!(evictions.recent(), 2);
        evictions.take_back();
        assert_eq!(evictions.recent(), 1);
        (5..5000).for_each(|generation| evictions.count(generation));
        assert_eq!(evictions.recent(), MOST);
        if let Some(hours_ago) = Instant::now().checked_sub(2 * WITHIN) {
            evictions.0.iter_mut().take(990).for_each(|(at, _)| *at = hours_ago);
            assert_eq!(evictions.recent(), MOST - 990);
        }
    }
}
