//! Access and refresh tokens, and why one is refused.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use clap::ValueEnum;
use serde::Serialize;
use serde_json::{Value, json};

use crate::random;

/// A refresh token lives this many times as long as an access token.
const REFRESH_LIVES: i64 = 12;
/// Older pairs are forgotten, so that an emulator left running does not grow for ever.
const PAIRS_KEPT: usize = 10_000;

/// The vendor publishes no field names for a token reply; its text shows an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TokenShape {
    Object,
    Array,
}

#[derive(Clone, Debug)]
pub struct Pair {
    pub access: String,
    pub refresh: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    Unknown,
    Expired,
    /// A newer one took its place: by a refresh, or by any new token under `--single-token`.
    Superseded,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Valid,
    Unknown,
    Expired,
    Superseded,
}

/// An access token as the page shows it. Times are milliseconds since 1970.
#[derive(Clone, Debug, Serialize)]
pub struct View {
    pub access: String,
    pub state: State,
    pub issued: i64,
    pub expires: i64,
    pub calls: u64,
}

pub struct Tokens {
    ttl_ms: i64,
    single: bool,
    book: Mutex<Book>,
}

#[derive(Default)]
struct Book {
    access: HashMap<String, Entry>,
    refresh: HashMap<String, Entry>,
    /// Oldest first.
    pairs: VecDeque<Pair>,
}

struct Entry {
    issued_ms: i64,
    expires_ms: i64,
    superseded: bool,
    /// How often a call came with it.
    calls: u64,
}

impl Tokens {
    pub fn new(ttl: Duration, single: bool) -> Self {
        Self { ttl_ms: i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX), single, book: Mutex::default() }
    }

    /// A new pair, or `None` where the system has no random bytes to give.
    pub fn issue(&self, now_ms: i64) -> Option<Pair> {
        self.record(&mut self.book(), now_ms)
    }

    /// Trades a refresh token, which is used up by that, for a new pair.
    pub fn refresh(&self, token: &str, now_ms: i64) -> Result<Option<Pair>, Refused> {
        let mut book = self.book();
        let entry = book.refresh.get_mut(token).ok_or(Refused::Unknown)?;
        entry.check(now_ms)?;
        entry.superseded = true;
        Ok(self.record(&mut book, now_ms))
    }

    pub fn check(&self, access: &str, now_ms: i64) -> Result<(), Refused> {
        let book = self.book();
        book.access.get(access).ok_or(Refused::Unknown)?.check(now_ms)
    }

    /// What is known of an access token that a call came with. `None` for one that was not handed out here.
    pub fn used(&self, access: &str, now_ms: i64) -> Option<View> {
        let mut book = self.book();
        let entry = book.access.get_mut(access)?;
        entry.calls += 1;
        Some(entry.view(access, now_ms))
    }

    /// Whether a token, of either kind, was handed out here: then it opens nothing but this emulator.
    pub fn knows(&self, token: &str) -> bool {
        let book = self.book();
        book.access.contains_key(token) || book.refresh.contains_key(token)
    }

    /// The newest first.
    pub fn newest(&self, most: usize, now_ms: i64) -> Vec<View> {
        let book = self.book();
        let newest = book.pairs.iter().rev().take(most);
        newest.filter_map(|pair| Some(book.access.get(&pair.access)?.view(&pair.access, now_ms))).collect()
    }

    /// Every token that lives ends now.
    pub fn expire_all(&self, now_ms: i64) {
        for entry in self.book().access.values_mut() {
            entry.expires_ms = entry.expires_ms.min(now_ms);
        }
    }

    /// The result of a token call. `expiresIn` is in seconds, with a fraction only where there is one.
    pub fn describe(&self, pair: &Pair, shape: TokenShape) -> Value {
        let expires_in = match self.ttl_ms % 1000 {
            0 => json!(self.ttl_ms / 1000),
            _ => json!(self.ttl_ms as f64 / 1000.0),
        };
        match shape {
            TokenShape::Array => json!([pair.access, pair.refresh]),
            TokenShape::Object => json!({
                "accessToken": pair.access,
                "refreshToken": pair.refresh,
                "expiresIn": expires_in,
            }),
        }
    }

    fn record(&self, book: &mut Book, now_ms: i64) -> Option<Pair> {
        let pair = Pair { access: random::token()?, refresh: random::token()? };
        if self.single {
            book.supersede_newest();
        }
        let lives = |times: i64| Entry {
            issued_ms: now_ms,
            calls: 0,
            expires_ms: now_ms.saturating_add(self.ttl_ms.saturating_mul(times)),
            superseded: false,
        };
        book.access.insert(pair.access.clone(), lives(1));
        book.refresh.insert(pair.refresh.clone(), lives(REFRESH_LIVES));
        book.pairs.push_back(pair.clone());
        book.forget_oldest();
        Some(pair)
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    fn supersede_newest(&mut self) {
        let Some(pair) = self.pairs.back() else {
            return;
        };
        let entries = [self.access.get_mut(&pair.access), self.refresh.get_mut(&pair.refresh)];
        for entry in entries.into_iter().flatten() {
            entry.superseded = true;
        }
    }

    fn forget_oldest(&mut self) {
        if self.pairs.len() <= PAIRS_KEPT {
            return;
        }
        if let Some(pair) = self.pairs.pop_front() {
            self.access.remove(&pair.access);
            self.refresh.remove(&pair.refresh);
        }
    }
}

impl Entry {
    fn view(&self, access: &str, now_ms: i64) -> View {
        let state = match self.check(now_ms) {
            Ok(()) => State::Valid,
            Err(Refused::Expired) => State::Expired,
            Err(Refused::Superseded) => State::Superseded,
            Err(Refused::Unknown) => State::Unknown,
        };
        let (issued, expires, calls) = (self.issued_ms, self.expires_ms, self.calls);
        View { access: access.to_owned(), state, issued, expires, calls }
    }

    fn check(&self, now_ms: i64) -> Result<(), Refused> {
        match self {
            Self { superseded: true, .. } => Err(Refused::Superseded),
            Self { expires_ms, .. } if now_ms >= *expires_ms => Err(Refused::Expired),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(single: bool) -> Tokens {
        Tokens::new(Duration::from_secs(2), single)
    }

    #[test]
    fn a_token_expires_and_its_refresh_token_later() {
        let tokens = tokens(false);
        let pair = tokens.issue(0).unwrap();
        assert_eq!(tokens.check(&pair.access, 1_999), Ok(()));
        assert_eq!(tokens.check(&pair.access, 2_000), Err(Refused::Expired));
        assert!(tokens.refresh(&pair.refresh, 23_999).is_ok());
        let pair = tokens.issue(0).unwrap();
        assert_eq!(tokens.refresh(&pair.refresh, 24_000).unwrap_err(), Refused::Expired);
    }

    #[test]
    fn the_two_kinds_do_not_stand_in_for_each_other() {
        let tokens = tokens(false);
        let pair = tokens.issue(0).unwrap();
        assert_eq!(tokens.check(&pair.refresh, 0), Err(Refused::Unknown));
        assert_eq!(tokens.refresh(&pair.access, 0).unwrap_err(), Refused::Unknown);
    }

    #[test]
    fn a_refresh_token_is_used_up() {
        let tokens = tokens(false);
        let old = tokens.issue(0).unwrap();
        let new = tokens.refresh(&old.refresh, 1).unwrap().unwrap();
        assert_eq!(tokens.refresh(&old.refresh, 1).unwrap_err(), Refused::Superseded);
        assert_eq!(tokens.check(&old.access, 1), Ok(()));
        assert_eq!(tokens.check(&new.access, 1), Ok(()));
    }

    #[test]
    fn a_single_token_supersedes_the_older_pair() {
        let tokens = tokens(true);
        let old = tokens.issue(0).unwrap();
        let new = tokens.issue(0).unwrap();
        assert_eq!(tokens.check(&old.access, 0), Err(Refused::Superseded));
        assert_eq!(tokens.refresh(&old.refresh, 0).unwrap_err(), Refused::Superseded);
        let newest = tokens.refresh(&new.refresh, 0).unwrap().unwrap();
        assert_eq!(tokens.check(&new.access, 0), Err(Refused::Superseded));
        assert_eq!(tokens.check(&newest.access, 0), Ok(()));
    }

    #[test]
    fn the_book_does_not_grow_for_ever() {
        let tokens = tokens(false);
        let first = tokens.issue(0).unwrap();
        for _ in 0..PAIRS_KEPT {
            tokens.issue(0).unwrap();
        }
        assert_eq!(tokens.check(&first.access, 0), Err(Refused::Unknown));
        let book = tokens.book();
        assert_eq!([book.access.len(), book.refresh.len(), book.pairs.len()], [PAIRS_KEPT; 3]);
    }

    #[test]
    fn the_page_sees_each_state() {
        let tokens = tokens(true);
        let old = tokens.issue(0).unwrap();
        let new = tokens.issue(1).unwrap();
        let states = |now_ms| tokens.newest(9, now_ms).into_iter().map(|view| view.state).collect::<Vec<_>>();
        assert_eq!(states(2), [State::Valid, State::Superseded]);
        assert_eq!(states(9_000), [State::Expired, State::Superseded]);
        assert_eq!((tokens.used(&new.access, 2).unwrap().calls, tokens.used(&new.access, 2).unwrap().calls), (1, 2));
        assert!(tokens.used("other", 2).is_none() && tokens.knows(&old.refresh) && !tokens.knows("other"));
        tokens.expire_all(2);
        assert_eq!(tokens.check(&new.access, 2), Err(Refused::Expired));
    }

    #[test]
    fn the_shape_of_a_reply_can_be_chosen() {
        let pair = Pair { access: "a".into(), refresh: "r".into() };
        let object = json!({"accessToken": "a", "refreshToken": "r", "expiresIn": 2});
        assert_eq!(tokens(false).describe(&pair, TokenShape::Object), object);
        assert_eq!(tokens(false).describe(&pair, TokenShape::Array), json!(["a", "r"]));
        let brief = Tokens::new(Duration::from_millis(250), false);
        assert_eq!(brief.describe(&pair, TokenShape::Object)["expiresIn"], json!(0.25));
    }
}
