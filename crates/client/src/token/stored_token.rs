//! A token as it is kept, in this process and in the store.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use zeroize::Zeroizing;

use super::account::Account;
use super::clock::machine;
use rpa_signing::Secret;

/// A token is renewed when a fifth of its life or this much is left, whichever is less.
const EARLY: Duration = Duration::from_secs(5 * 60);
/// So many machines whose clocks are wrong are remembered.
const MOST_MACHINES: usize = 64;

/// Times are in milliseconds since 1970, by the clock of the machine that got it, as far as that was corrected.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct StoredToken {
    /// The later a token was asked for, the greater; it never shrinks.
    #[serde(skip)]
    pub(super) generation: u64,
    /// Counts the tokens that this process got since without its store, which gives the generations.
    #[serde(skip)]
    pub(super) alone: u64,
    #[serde(serialize_with = "exposed", deserialize_with = "hidden")]
    pub(super) access: Secret,
    #[serde(serialize_with = "exposed_option", deserialize_with = "hidden_option")]
    pub(super) refresh: Option<Secret>,
    pub(super) issued_ms: i64,
    /// `None` where nobody knows.
    pub(super) expires_ms: Option<i64>,
    /// What the clock of the machine that got it was corrected by.
    pub(super) ahead_ms: i64,
    pub(super) machine: String,
    /// Nothing had shown yet that the clock of that machine was right.
    #[serde(default)]
    pub(super) unconfirmed: bool,
    /// What the clocks of machines are corrected by, where they are wrong.
    #[serde(default)]
    pub(super) clocks: BTreeMap<String, i64>,
    /// The generation of the control center and the encoding of signatures that works with it, such as `2020.4 java`; empty
    /// where nobody knows.
    #[serde(default)]
    pub(super) encoding: String,
    /// This process asked for it then, and had it then: its age is measured by a clock that nobody sets.
    #[serde(skip)]
    pub(super) got: Option<Got>,
}

/// The generation, and how many tokens this process has got since without its store.
pub(super) type Number = (u64, u64);

#[derive(Debug, Clone, Copy)]
pub(super) struct Got {
    pub(super) asked: Instant,
    pub(super) had: Instant,
}

/// A moment by all clocks that a process has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) instant: Instant,
    /// This machine's clock.
    pub(super) unix_ms: i64,
    /// What it is corrected by, if anything shows that it is right then.
    pub(super) ahead_ms: Option<i64>,
}

/// A token that only its account can read, as stores have it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sealed {
    pub(super) generation: u64,
    pub(super) bytes: Vec<u8>,
}

impl StoredToken {
    /// `None` where the system has no random bytes to give.
    pub(super) fn seal(&self, account: &Account) -> Option<Sealed> {
        // Sized beforehand: a vector that grows leaves its old bytes behind.
        let secrets = self.access.expose().len() + self.refresh.as_ref().map_or(0, |text| text.expose().len());
        let names: usize = self.clocks.keys().chain([&self.machine]).map(|name| name.len() + 8).sum();
        let mut plain = Zeroizing::new(Vec::with_capacity((secrets + names + self.encoding.len()) * 6 + 1024));
        serde_json::to_writer(&mut *plain, self).expect("texts and numbers alone are always JSON");
        Some(Sealed { generation: self.generation, bytes: account.seal(self.generation, plain)? })
    }

    pub(super) fn open(sealed: &Sealed, account: &Account) -> Option<StoredToken> {
        let plain = account.open(sealed.generation, &sealed.bytes)?;
        let token: StoredToken = serde_json::from_slice(&plain).ok()?;
        Some(StoredToken { generation: sealed.generation, ..token })
    }

    /// What tells it from every other token of its account that this process has had.
    pub(super) fn number(&self) -> Number {
        (self.generation, self.alone)
    }

    /// Whether this one was got later than the other.
    pub(super) fn is_newer_than(&self, other: &StoredToken) -> bool {
        self.number() > other.number()
    }

    /// Whether a call may be tried with this one after that one was refused.
    pub(super) fn may_follow(&self, refused: &StoredToken) -> bool {
        !refused.is_newer_than(self) && self.access != refused.access
    }

    /// How old it is; `None` where no clock is known to be right.
    pub(super) fn age(&self, now: Moment) -> Option<Duration> {
        let milliseconds = if let Some(got) = self.got {
            return Some(now.instant.saturating_duration_since(got.asked));
        } else if !self.machine.is_empty() && self.machine == machine() {
            // By one clock, however wrong that is.
            now.unix_ms - (self.issued_ms - self.ahead_ms)
        } else {
            now.unix_ms + now.ahead_ms.filter(|_| !self.unconfirmed)? - self.issued_ms
        };
        // One that is not issued yet comes from a clock that is a little ahead.
        Some(Duration::from_millis(u64::try_from(milliseconds).unwrap_or(0)))
    }

    /// How old it is at least, by this process's own measurement.
    pub(super) fn age_at_least(&self, now: Instant) -> Option<Duration> {
        self.got.map(|got| now.saturating_duration_since(got.had))
    }

    pub(super) fn life(&self) -> Option<Duration> {
        let milliseconds = self.expires_ms? - self.issued_ms;
        // An end before its beginning is what another version has written.
        u64::try_from(milliseconds).ok().map(Duration::from_millis)
    }

    /// How long it still lives; `None` where that is not known.
    pub(super) fn life_left(&self, now: Moment) -> Option<Duration> {
        Some(self.life()?.saturating_sub(self.age(now)?))
    }

    pub(super) fn is_expired(&self, now: Moment) -> bool {
        self.life_left(now).is_some_and(|left| left.is_zero())
    }

    /// Whether it is time to renew a token that still works.
    pub(super) fn is_due(&self, now: Moment) -> bool {
        let early = |life: Duration| (life / 5).min(EARLY);
        self.life_left(now).zip(self.life()).is_some_and(|(left, life)| left <= early(life))
    }
}

/// What machines' clocks are corrected by, with what this process knows of its own machine's.
pub(super) fn clocks_with(mut clocks: BTreeMap<String, i64>, ahead_ms: i64) -> BTreeMap<String, i64> {
    clocks.remove(machine());
    if ahead_ms != 0 && !machine().is_empty() && clocks.len() < MOST_MACHINES {
        clocks.insert(machine().to_owned(), ahead_ms);
    }
    clocks
}

// A token is written only to be sealed.

fn exposed<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}

fn exposed_option<S: Serializer>(secret: &Option<Secret>, serializer: S) -> Result<S::Ok, S::Error> {
    secret.as_ref().map(Secret::expose).serialize(serializer)
}

fn hidden<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    String::deserialize(deserializer).map(Secret::new)
}

fn hidden_option<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    Option::deserialize(deserializer).map(|text: Option<String>| text.map(Secret::new))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::token::account::tests::account;

    pub(crate) fn token(generation: u64, access: &str) -> StoredToken {
        StoredToken {
            generation,
            alone: 0,
            access: Secret::new(access.to_owned()),
            refresh: None,
            issued_ms: 0,
            expires_ms: None,
            ahead_ms: 0,
            machine: String::new(),
            unconfirmed: false,
            clocks: BTreeMap::new(),
            encoding: String::new(),
            got: None,
        }
    }

    fn moment(unix_ms: i64, ahead_ms: Option<i64>) -> Moment {
        Moment { instant: Instant::now(), unix_ms, ahead_ms }
    }

    #[test]
    fn what_is_sealed_is_opened() {
        let whole = StoredToken {
            refresh: Some(Secret::new("r".into())),
            expires_ms: Some(9),
            ahead_ms: -3_600_000,
            machine: "机器".into(),
            unconfirmed: true,
            clocks: BTreeMap::from([("乙".to_owned(), 7)]),
            encoding: "2020.4 java".into(),
            ..token(5, "t")
        };
        let opened = StoredToken::open(&whole.seal(&account("s")).unwrap(), &account("s")).unwrap();
        let secrets = (opened.access.expose(), opened.refresh.as_ref().map(Secret::expose));
        assert_eq!((opened.generation, secrets), (5, ("t", Some("r"))));
        assert_eq!((opened.expires_ms, opened.ahead_ms, &*opened.machine), (Some(9), -3_600_000, "机器"));
        assert_eq!((opened.unconfirmed, opened.clocks["乙"], &*opened.encoding), (true, 7, "2020.4 java"));
        let other = Sealed { generation: 6, ..whole.seal(&account("s")).unwrap() };
        assert!(StoredToken::open(&other, &account("s")).is_none());
    }

    #[test]
    fn what_version_0_1_wrote_is_opened() {
        let text = br#"{"access":"t","refresh":null,"issued_ms":1,"expires_ms":2,"ahead_ms":3,"machine":"m"}"#;
        let bytes = account("s").seal(4, Zeroizing::new(text.to_vec())).unwrap();
        let opened = StoredToken::open(&Sealed { generation: 4, bytes }, &account("s")).unwrap();
        assert_eq!((opened.issued_ms, opened.unconfirmed, opened.clocks.len()), (1, false, 0));
        assert_eq!(opened.encoding, "");
    }

    #[test]
    fn due_in_the_last_fifth_or_the_last_five_minutes() {
        let living = |ms: i64| StoredToken { issued_ms: 1_000, expires_ms: Some(1_000 + ms), ..token(1, "t") };
        let at = |ms: i64| moment(ms, Some(0));
        assert_eq!([2_599, 2_600].map(|now| living(2_000).is_due(at(now))), [false, true]);
        let hours = 7_200_000;
        assert_eq!([6_900_999, 6_901_000].map(|now| living(hours).is_due(at(now))), [false, true]);
        assert_eq!([2_999, 3_000].map(|now| living(2_000).is_expired(at(now))), [false, true]);
        assert!(!token(1, "t").is_due(at(i64::MAX)) && !token(1, "t").is_expired(at(i64::MAX)));
    }

    #[test]
    fn an_age_is_measured_by_one_clock_or_by_two_that_are_known_to_be_right() {
        let issued = |machine: &str| StoredToken {
            issued_ms: 10_000,
            ahead_ms: 4_000,
            machine: machine.to_owned(),
            ..token(1, "t")
        };
        let seconds = |token: &StoredToken, ahead_ms| token.age(moment(16_000, ahead_ms)).map(|age| age.as_secs());
        assert_eq!(seconds(&issued(machine()), None), Some(10), "whose clock stood at 6 when it was got");
        assert_eq!(seconds(&issued("another"), None), None);
        assert_eq!(seconds(&issued("another"), Some(0)), Some(6));
        assert_eq!(seconds(&issued("another"), Some(-9_000)), Some(0), "not yet");
        assert_eq!(seconds(&StoredToken { unconfirmed: true, ..issued("another") }, Some(0)), None);
        let now = Instant::now();
        let own = StoredToken { got: Some(Got { asked: now, had: now + Duration::from_secs(1) }), ..issued("another") };
        let later = Moment { instant: now + Duration::from_secs(7), ..moment(0, None) };
        assert_eq!(
            (own.age(later), own.age_at_least(later.instant)),
            (Some(Duration::from_secs(7)), Some(Duration::from_secs(6)))
        );
    }

    #[test]
    fn tokens_that_were_got_without_the_store_follow_each_other_and_no_later_one_of_the_store() {
        let alone = |alone, access| StoredToken { alone, ..token(5, access) };
        assert!(alone(1, "b").may_follow(&token(5, "a")) && alone(2, "c").may_follow(&alone(1, "b")));
        assert!(!token(5, "a").may_follow(&alone(1, "b")), "that was refused before");
        assert!(token(6, "d").may_follow(&alone(9, "c")));
        assert!(token(5, "x").may_follow(&token(5, "a")), "two processes may have given one number to two tokens");
    }

    #[test]
    fn clocks_of_other_machines_are_passed_on() {
        let passed_on = clocks_with(BTreeMap::from([("another".to_owned(), 7)]), 5);
        assert_eq!((passed_on["another"], passed_on[machine()]), (7, 5));
        assert_eq!(clocks_with(passed_on, 0).len(), 1, "that clock is right again");
    }
}
