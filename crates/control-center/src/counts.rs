//! How many requests there were, for tests that must know it to the one.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

/// Paths beyond are counted as one, so that the book does not grow for ever.
const PATHS_KEPT: usize = 1000;
const OTHERS: &str = "others";

#[derive(Default)]
pub struct Counts(Mutex<Book>);

#[derive(Clone, Default, Serialize)]
pub struct Book {
    /// Requests whose head arrived; the page's own are none.
    requests: u64,
    /// By method and path; of generation 9 by action, too.
    by_path: BTreeMap<String, u64>,
    by_status: BTreeMap<u16, u64>,
    refused_signatures: u64,
    refused_tokens: u64,
    uploaded_files: u64,
    uploaded_bytes: u64,
    downloads: u64,
}

impl Counts {
    pub fn arrived(&self, method: &str, path: &str) {
        let mut book = self.book();
        book.requests += 1;
        let mut key: String = format!("{method} {path}").chars().take(200).collect();
        if book.by_path.len() >= PATHS_KEPT && !book.by_path.contains_key(&key) {
            key = OTHERS.to_owned();
        }
        *book.by_path.entry(key).or_default() += 1;
    }

    pub fn answered(&self, status: u16) {
        *self.book().by_status.entry(status).or_default() += 1;
    }

    /// An action of generation 9, all of which come to one path.
    pub fn action(&self, action: &'static str) {
        *self.book().by_path.entry(action.to_owned()).or_default() += 1;
    }

    pub fn signature_refused(&self) {
        self.book().refused_signatures += 1;
    }

    pub fn token_refused(&self) {
        self.book().refused_tokens += 1;
    }

    pub fn uploaded(&self, bytes: u64) {
        let mut book = self.book();
        book.uploaded_files += 1;
        book.uploaded_bytes += bytes;
    }

    pub fn downloaded(&self) {
        self.book().downloads += 1;
    }

    pub fn now(&self) -> Book {
        self.book().clone()
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endless_paths_are_counted_as_one() {
        let counts = Counts::default();
        for n in 0..2 * PATHS_KEPT {
            counts.arrived("GET", &format!("/{n}"));
        }
        counts.arrived("GET", "/0");
        let book = counts.now();
        assert_eq!((book.requests, book.by_path.len()), (2 * PATHS_KEPT as u64 + 1, PATHS_KEPT + 1));
        assert_eq!((book.by_path["GET /0"], book.by_path[OTHERS]), (2, PATHS_KEPT as u64));
    }
}
