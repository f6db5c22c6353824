//! Counts tokens that were refused before their time.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

const WITHIN: Duration = Duration::from_secs(3600);
const MOST: usize = 1000;

/// Those of the last hour.
#[derive(Default)]
pub(super) struct Evictions(VecDeque<Instant>);

impl Evictions {
    pub(super) fn count(&mut self) {
        self.0.push_back(Instant::now());
        if self.0.len() > MOST {
            self.0.pop_front();
        }
    }

    pub(super) fn recent(&self) -> usize {
        self.0.iter().filter(|at| at.elapsed() < WITHIN).count()
    }
}
