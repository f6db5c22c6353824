//! The last requests, and the browsers that look on.
//!
//! A request hands its record over and goes on: a browser that is slow loses records, and is told how many.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast::{Receiver, Sender, channel};

use crate::visit::Visit;

pub const KEPT: usize = 200;
/// Of all that are kept.
const BYTES_KEPT: usize = 8 << 20;
/// Records that wait for one browser.
const QUEUE: usize = 64;
const BROWSERS: usize = 32;

pub struct Visits(Mutex<Book>);

struct Book {
    counted: u64,
    last: VecDeque<Arc<Visit>>,
    bytes: usize,
    /// `None` once the emulator ends, so that the browsers' streams end, too.
    live: Option<Sender<Arc<Visit>>>,
}

/// Why a browser cannot look on.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    TooMany,
    Ending,
}

impl Default for Visits {
    fn default() -> Self {
        Self(Mutex::new(Book { counted: 0, last: VecDeque::new(), bytes: 0, live: Some(channel(QUEUE).0) }))
    }
}

/// The requests that are kept, and those to come.
type Followed = (Vec<Arc<Visit>>, Receiver<Arc<Visit>>);

impl Visits {
    pub fn add(&self, mut visit: Visit) {
        let mut book = self.book();
        book.counted += 1;
        visit.n = book.counted;
        let visit = Arc::new(visit);
        book.bytes += visit.size();
        book.last.push_back(Arc::clone(&visit));
        while book.last.len() > KEPT || book.bytes > BYTES_KEPT && book.last.len() > 1 {
            if let Some(oldest) = book.last.pop_front() {
                book.bytes -= oldest.size();
            }
        }
        if let Some(live) = &book.live {
            // Nobody looks on: that is no failure.
            let _ = live.send(visit);
        }
    }

    /// What is kept after the one of this number, and what is to come.
    pub fn follow(&self, after: u64) -> Result<Followed, Refused> {
        let book = self.book();
        let live = book.live.as_ref().ok_or(Refused::Ending)?;
        if live.receiver_count() >= BROWSERS {
            return Err(Refused::TooMany);
        }
        // A number from before a restart is none of this emulator's.
        let after = if after > book.counted { 0 } else { after };
        let past = book.last.iter().filter(|visit| visit.n > after).cloned().collect();
        Ok((past, live.subscribe()))
    }

    /// The newest that a test of it holds for.
    pub fn newest(&self, test: impl Fn(&Visit) -> bool) -> Option<Arc<Visit>> {
        self.book().last.iter().rev().find(|visit| test(visit)).cloned()
    }

    pub fn end(&self) {
        self.book().live = None;
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::broadcast::error::TryRecvError;

    #[test]
    fn the_book_does_not_grow_for_ever() {
        let visits = Visits::default();
        for _ in 0..3 * KEPT {
            visits.add(Visit::default());
        }
        let (past, _) = visits.follow(0).unwrap();
        assert_eq!((past.len(), past[0].n), (KEPT, 2 * KEPT as u64 + 1));
        assert_eq!(visits.follow(3 * KEPT as u64 - 2).unwrap().0.len(), 2);
        assert_eq!(visits.follow(u64::MAX).unwrap().0.len(), KEPT);
    }

    #[test]
    fn large_records_push_others_out() {
        let visits = Visits::default();
        for _ in 0..KEPT {
            let stages = crate::signature::Stages {
                matches: true,
                encoding: crate::percent::Encoding::Python,
                source: "a".repeat(64 << 10),
                encoded: "a".repeat(64 << 10),
                expected: String::new(),
                received: None,
                hint: None,
                client: None,
            };
            visits.add(Visit::of_stages(stages));
        }
        assert!(visits.book().bytes <= BYTES_KEPT);
        assert!(visits.follow(0).unwrap().0.len() < KEPT);
    }

    #[test]
    fn a_slow_browser_loses_records_and_holds_up_nobody() {
        let visits = Visits::default();
        let (_, mut slow) = visits.follow(0).unwrap();
        for _ in 0..10 * QUEUE {
            visits.add(Visit::default());
        }
        assert!(matches!(slow.try_recv(), Err(TryRecvError::Lagged(lost)) if lost >= 9 * QUEUE as u64));
        assert!(slow.try_recv().is_ok());
    }

    #[test]
    fn browsers_are_limited_and_sent_home_at_the_end() {
        let visits = Visits::default();
        let browsers: Vec<_> = (0..BROWSERS).map(|_| visits.follow(0).unwrap().1).collect();
        assert_eq!(visits.follow(0).unwrap_err(), Refused::TooMany);
        drop(browsers);
        let (_, mut last) = visits.follow(0).unwrap();
        visits.end();
        assert!(matches!(last.try_recv(), Err(TryRecvError::Closed)));
        assert_eq!(visits.follow(0).unwrap_err(), Refused::Ending);
    }
}
