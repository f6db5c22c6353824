//! A token as it is kept.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use zeroize::Zeroizing;

use super::account::Account;
use rpa_signing::Secret;

/// A token is renewed when a fifth of its life or this much is left, whichever is less.
const EARLY_MS: u64 = 5 * 60 * 1000;

/// All times are those of the control center's clock, in milliseconds since 1970: machines share them.
#[derive(Serialize, Deserialize)]
pub(super) struct Record {
    /// The later a token was asked for, the greater; it never shrinks.
    #[serde(skip)]
    pub(super) generation: u64,
    #[serde(serialize_with = "exposed", deserialize_with = "hidden")]
    pub(super) access: Secret,
    #[serde(serialize_with = "exposed_option", deserialize_with = "hidden_option")]
    pub(super) refresh: Option<Secret>,
    pub(super) issued_ms: u64,
    /// `None` where nobody knows.
    pub(super) expires_ms: Option<u64>,
    /// How far the control center's clock was ahead, and of whose clock.
    pub(super) ahead_ms: i64,
    pub(super) machine: String,
}

/// A record that only its account can read, as stores have it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sealed {
    pub(super) generation: u64,
    pub(super) bytes: Vec<u8>,
}

impl Record {
    pub(super) fn seal(&self, account: &Account) -> Option<Sealed> {
        // Sized beforehand: a vector that grows leaves its old bytes behind.
        let length =
            self.access.expose().len().saturating_add(self.refresh.as_ref().map_or(0, |text| text.expose().len()));
        let mut plain = Zeroizing::new(Vec::with_capacity(length.saturating_mul(6).saturating_add(1024)));
        serde_json::to_writer(&mut *plain, self).ok()?;
        Some(Sealed { generation: self.generation, bytes: account.seal(self.generation, plain)? })
    }

    pub(super) fn open(sealed: &Sealed, account: &Account) -> Option<Record> {
        let plain = account.open(sealed.generation, &sealed.bytes)?;
        let record: Record = serde_json::from_slice(&plain).ok()?;
        Some(Record { generation: sealed.generation, ..record })
    }

    /// Whether a call may be tried with this one after that one was refused.
    pub(super) fn may_follow(&self, refused: &Record) -> bool {
        self.generation >= refused.generation && self.access != refused.access
    }

    pub(super) fn is_expired(&self, now_ms: u64) -> bool {
        self.expires_ms.is_some_and(|expires| now_ms >= expires)
    }

    /// Whether it is time to renew a token that still works.
    pub(super) fn is_due(&self, now_ms: u64) -> bool {
        self.expires_ms.is_some_and(|expires| {
            let early = (expires.saturating_sub(self.issued_ms) / 5).min(EARLY_MS);
            now_ms >= expires.saturating_sub(early)
        })
    }

    /// How long to leave the server alone after a renewal that failed.
    pub(super) fn rest(&self, now_ms: u64) -> Duration {
        Duration::from_millis(self.expires_ms.unwrap_or(now_ms).saturating_sub(now_ms) / 4)
    }

    pub(super) fn age_ms(&self, now_ms: u64) -> u64 {
        now_ms.saturating_sub(self.issued_ms)
    }
}

// A record is written only to be sealed.

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

    pub(crate) fn record(generation: u64, access: &str) -> Record {
        Record {
            generation,
            access: Secret::new(access.to_owned()),
            refresh: None,
            issued_ms: 0,
            expires_ms: None,
            ahead_ms: 0,
            machine: String::new(),
        }
    }

    #[test]
    fn what_is_sealed_is_opened() {
        let whole = Record {
            refresh: Some(Secret::new("r".into())),
            expires_ms: Some(9),
            ahead_ms: -3_600_000,
            machine: "机器".into(),
            ..record(5, "t")
        };
        let opened = Record::open(&whole.seal(&account("s")).unwrap(), &account("s")).unwrap();
        let secrets = (opened.access.expose(), opened.refresh.as_ref().map(Secret::expose));
        assert_eq!((opened.generation, secrets), (5, ("t", Some("r"))));
        assert_eq!((opened.expires_ms, opened.ahead_ms, &*opened.machine), (Some(9), -3_600_000, "机器"));
        let other = Sealed { generation: 6, ..whole.seal(&account("s")).unwrap() };
        assert!(Record::open(&other, &account("s")).is_none());
    }

    #[test]
    fn due_in_the_last_fifth_or_the_last_five_minutes() {
        let living = |ms: u64| Record { issued_ms: 1_000, expires_ms: Some(1_000 + ms), ..record(1, "t") };
        assert_eq!([2_599, 2_600].map(|now| living(2_000).is_due(now)), [false, true]);
        let hours = 7_200_000;
        assert_eq!([6_900_999, 6_901_000].map(|now| living(hours).is_due(now)), [false, true]);
        assert_eq!([2_999, 3_000].map(|now| living(2_000).is_expired(now)), [false, true]);
        assert!(!record(1, "t").is_due(u64::MAX) && !record(1, "t").is_expired(u64::MAX));
    }
}
