//! What has changed since the call before: told once, and not with each call.

use std::time::{Duration, Instant, SystemTime};

use super::warnings::{self, Warning};
use crate::basics::locks::PerProcess;
use crate::basics::recent::Recent;
use crate::error::{Refusal, Seen};

/// So many control centers are known.
const MOST: usize = 256;

/// What was seen of a control center last.
#[derive(Default)]
struct Known {
    /// The warnings that stand.
    told: Vec<&'static str>,
    /// Those that were shown, the newest last: an address may be that of several servers.
    certificates: Vec<[u8; 32]>,
    /// What is over, and since when.
    over: Vec<(&'static str, Instant)>,
}

/// So many servers may stand behind one address.
const MOST_CERTIFICATES: usize = 16;
/// Two servers behind one address may differ by their clocks and certificates. What comes and goes with each call is told once
/// in so long.
const QUIET: Duration = Duration::from_secs(3600);

/// Warnings that are events as well, and what is told when they are over.
const OVER: [(&str, &str, &str); 3] = [
    ("clock", "本机时钟与控制中心又一致了", "this machine's clock agrees with the control center's again"),
    ("store", "token_store又可用了", "the store of `token_store` can be used again"),
    (
        "certificate",
        "服务器证书已更新,有效期在30天以上",
        "the server's certificate is a new one, with more than 30 days left",
    ),
];

/// What is to be told: the event, in Chinese, in English.
pub(super) type Event = (&'static str, String, String);

pub(super) fn of(seen: &Seen, present: &[Warning], process: u32) -> Vec<Event> {
    static KNOWN: PerProcess<Recent<(String, u16), Known>> = PerProcess::new();
    let Some(target) = &seen.target else { return Vec::new() };
    KNOWN.within(
        process,
        || Recent::new(MOST),
        |all| {
            // Most calls find it; `get` twice for the sake of those that borrow.
            let fits = |(host, port): &(String, u16)| *port == target.port && *host == target.host;
            if all.get(fits).is_none() {
                all.insert((target.host.clone(), target.port), Known::default());
            }
            all.get(fits).map(|known| known.events(seen, present)).unwrap_or_default()
        },
    )
}

impl Known {
    fn events(&mut self, seen: &Seen, present: &[Warning]) -> Vec<Event> {
        let mut events = Vec::new();
        for (kind, zh, en) in OVER {
            // A call that did not get so far says nothing of it.
            let is_known = match kind {
                "clock" => seen.clock_offset_ms.is_some(),
                "store" => seen.token.is_some(),
                _ => seen.certificate.is_some(),
            };
            let warning = present.iter().find(|warning| warning.kind == kind);
            let was_told = self.told.contains(&kind);
            match warning {
                Some(warning) if !was_told && !self.comes_and_goes(kind) => {
                    self.told.push(kind);
                    events.push((kind, warning.zh.clone(), warning.en.clone()));
                }
                None if was_told && is_known => {
                    self.told.retain(|other| *other != kind);
                    self.over.retain(|(other, _)| *other != kind);
                    self.over.push((kind, Instant::now()));
                    events.push((kind, zh.to_owned(), en.to_owned()));
                }
                _ => {}
            }
        }
        if let Some((_, fingerprint)) = seen.certificate
            && self.is_another(fingerprint)
        {
            let days = warnings::days_left(seen, SystemTime::now()).unwrap_or_default();
            events.push((
                "certificate",
                format!(
                    "服务器证书换了,新证书还有{days}天到期;若非计划更换,请与控制中心管理员核对,用tls.pin_sha256固定的须更新指纹"
                ),
                format!(
                    "the server's certificate has changed; the new one ends in {days} days. Unless that was planned, ask whoever runs the control center; where `tls.pin_sha256` pins it, change the pin"
                ),
            ));
        }
        if let Some(differ) = seen.signature_refused {
            let (at_zh, at) = match differ {
                Some(place) => (
                    format!("两种编码的结果从第{place}个字符起不同"),
                    format!("the two encodings differ from character {place} on"),
                ),
                None => ("两种编码的结果相同".to_owned(), "the two encodings are the same".to_owned()),
            };
            events.push((
                "signature",
                format!("控制中心拒绝了签名;{at_zh}"),
                format!("the control center refused the signature; {at}"),
            ));
        }
        if seen.token.as_ref().is_some_and(|token| token.refusal == Some(Refusal::Eviction)) {
            let warning = present.iter().find(|warning| warning.kind == "eviction");
            let (zh, en) = warning.map_or_else(
                || ("token提前失效".to_owned(), "the token was refused before its time".to_owned()),
                |warning| (warning.zh.clone(), warning.en.clone()),
            );
            events.push(("eviction", zh, en));
        }
        events
    }

    /// Whether it was over a short time ago. A store has one place: each of its troubles is one of its own.
    fn comes_and_goes(&self, kind: &str) -> bool {
        kind != "store" && self.over.iter().any(|(other, since)| *other == kind && since.elapsed() < QUIET)
    }

    /// Whether another certificate was shown before, and never this one.
    fn is_another(&mut self, fingerprint: [u8; 32]) -> bool {
        if self.certificates.contains(&fingerprint) {
            return false;
        }
        if self.certificates.len() == MOST_CERTIFICATES {
            self.certificates.remove(0);
        }
        self.certificates.push(fingerprint);
        self.certificates.len() > 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::TokenFacts;

    #[test]
    fn an_event_is_told_as_it_comes_and_as_it_goes() {
        let mut known = Known::default();
        let mut events = |offset, trouble: Option<&str>, fingerprint, refusal| {
            let token = TokenFacts { store_trouble: trouble.map(str::to_owned), refusal, ..TokenFacts::default() };
            let certificate = Some((u64::MAX, [fingerprint; 32]));
            let seen = Seen { clock_offset_ms: offset, token: Some(token), certificate, ..Seen::default() };
            let present = warnings::of(&seen, SystemTime::now());
            known.events(&seen, &present).into_iter().map(|(kind, ..)| kind).collect::<Vec<_>>()
        };
        assert!(events(Some(0), None, 1, None).is_empty());
        assert_eq!(events(Some(3_000), Some("x"), 1, None), ["clock", "store"]);
        assert!(events(Some(3_000), Some("x"), 1, None).is_empty(), "once");
        assert!(events(None, Some("x"), 1, None).is_empty(), "a call without a reply tells no time");
        assert_eq!(events(Some(0), None, 2, Some(Refusal::Eviction)), ["clock", "store", "certificate", "eviction"]);
        assert!(events(Some(0), None, 2, None).is_empty());
        for _ in 0..3 {
            assert!(events(Some(5_000), None, 1, None).is_empty(), "two servers in turn are told once");
            assert!(events(Some(0), None, 2, None).is_empty());
        }
        assert_eq!(
            events(Some(0), Some("x"), 3, None),
            ["store", "certificate"],
            "another trouble, another certificate"
        );
    }
}
