//! Not to get a new token for each call, where new tokens do not help: a server's own error may read like a refusal.

use std::time::{Duration, Instant};

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);

#[derive(Default)]
pub(super) struct Restraint {
    until: Option<Instant>,
    length: Duration,
}

impl Restraint {
    pub(super) fn is_over(&self) -> bool {
        self.until.is_none_or(|until| Instant::now() >= until)
    }

    /// Each time in a row twice as long.
    pub(super) fn impose(&mut self) {
        self.length = self.length.saturating_mul(2).clamp(FIRST, LONGEST);
        self.until = Instant::now().checked_add(self.length);
    }

    pub(super) fn lift(&mut self) {
        *self = Restraint::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longer_each_time_until_it_is_lifted() {
        let mut restraint = Restraint::default();
        assert!(restraint.is_over());
        let lengths = [(); 8].map(|()| {
            restraint.impose();
            assert!(!restraint.is_over());
            restraint.length.as_secs()
        });
        assert_eq!(lengths, [1, 2, 4, 8, 16, 32, 60, 60]);
        restraint.lift();
        assert!(restraint.is_over());
    }
}
