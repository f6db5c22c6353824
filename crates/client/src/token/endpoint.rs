//! The control center's token endpoint, as far as it fails: who asks next, and when.
//!
//! A failure that lies in one caller's settings (a pin, a proxy, a limit) says nothing to a caller that has others. What the
//! control center answers itself concerns all.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::ask::Failure;
use crate::request::Options;

/// Keys that were refused are not tried again for this long, by however many threads.
const REFUSAL_STANDS: Duration = Duration::from_secs(1);
/// Between two requests that fail: each time twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// A server that asks for a longer pause than this is asked again all the same.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(300);

#[derive(Default)]
pub(super) struct Endpoint {
    /// How many requests failed in turn.
    failures: u32,
    last: Option<Failed>,
}

struct Failed {
    failure: Failure,
    settings: Arc<Options>,
    /// The renewal that it ended.
    renewal: u64,
    /// Nobody asks before this.
    until: Instant,
}

/// What stands against a request at present.
pub(super) enum Pause {
    /// Wait so long; then ask. Who cannot wait gets this failure.
    Until(Instant, Failure),
    /// It would be refused as before.
    Refused(Failure),
}

impl Endpoint {
    /// A request has failed. How long nobody asks.
    pub(super) fn failed(
        &mut self,
        failure: Failure,
        settings: Arc<Options>,
        retry_after: Option<Duration>,
        renewal: u64,
        now: Instant,
    ) -> Duration {
        let growing =
            (FIRST_PAUSE * 2_u32.pow(self.failures.min(8))).min(LONGEST_PAUSE).mul_f64(0.75 + fastrand::f64() / 4.0);
        self.failures = self.failures.saturating_add(1);
        let pause = match &failure {
            Failure::Refused { is_busy: false, .. } => REFUSAL_STANDS,
            _ => retry_after.map_or(growing, |asked| asked.min(LONGEST_RETRY_AFTER).max(growing)),
        };
        self.last = Some(Failed { failure, settings, renewal, until: now + pause });
        pause
    }

    /// It has given a token.
    pub(super) fn is_well(&mut self) {
        *self = Endpoint::default();
    }

    /// The failure of a renewal, for one who waited for it.
    pub(super) fn failure_of(&self, renewal: u64, settings: &Options) -> Option<&Failure> {
        self.last.as_ref().filter(|last| last.renewal == renewal && last.concerns(settings)).map(|last| &last.failure)
    }

    /// What one who comes now has to wait for.
    pub(super) fn pause(&self, settings: &Options, now: Instant) -> Option<Pause> {
        let last = self.last.as_ref().filter(|last| now < last.until && last.concerns(settings))?;
        Some(match &last.failure {
            refused @ Failure::Refused { is_busy: false, .. } => Pause::Refused(refused.clone()),
            failure => Pause::Until(last.until, failure.clone()),
        })
    }
}

impl Failed {
    fn concerns(&self, settings: &Options) -> bool {
        matches!(self.failure, Failure::Refused { .. }) || self.settings.travels_like(settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, Kind};
    use crate::token::ask::NoReply;

    fn settings(json: &str) -> Arc<Options> {
        Arc::new(Options::of_test(json))
    }

    fn error() -> Failure {
        Failure::Error(NoReply { error: Box::new(Error::new(Kind::Tls, "x", "x")), may_repeat: true })
    }

    fn refused(is_busy: bool) -> Failure {
        Failure::Refused { reply: Vec::new(), is_busy }
    }

    #[test]
    fn a_failure_of_settings_concerns_those_who_have_the_same() {
        let (mut endpoint, now) = (Endpoint::default(), Instant::now());
        let proxied = settings(r#"{"proxy":"http://127.0.0.1:1"}"#);
        endpoint.failed(error(), proxied.clone(), None, 7, now);
        let patient = settings(r#"{"proxy":"http://127.0.0.1:1","timeout_ms":60000,"retry":9}"#);
        for (settings, concerned) in [(&proxied, true), (&patient, true), (&settings(r#"{"proxy":null}"#), false)] {
            assert_eq!(endpoint.failure_of(7, settings).is_some(), concerned);
            assert_eq!(endpoint.pause(settings, now).is_some(), concerned);
        }
        assert!(endpoint.failure_of(8, &proxied).is_none());
        endpoint.failed(refused(true), proxied, None, 8, now);
        assert!(endpoint.failure_of(8, &settings(r#"{"proxy":null}"#)).is_some(), "the control center's own answer");
    }

    #[test]
    fn pauses_grow_to_a_second_and_end_with_the_first_token() {
        let (mut endpoint, now) = (Endpoint::default(), Instant::now());
        let mut pause = |retry_after| endpoint.failed(error(), settings("{}"), retry_after, 1, now).as_millis();
        for longest in [200, 400, 800, 1000, 1000] {
            assert!((longest * 3 / 4..=longest).contains(&pause(None)), "{longest}");
        }
        assert_eq!(pause(Some(Duration::from_secs(5))), 5_000, "as the server asks");
        assert_eq!(pause(Some(Duration::MAX)), 300_000);
        endpoint.is_well();
        assert!(endpoint.pause(&settings("{}"), now).is_none());
        assert!(endpoint.failed(error(), settings("{}"), None, 1, now) <= FIRST_PAUSE);
    }

    #[test]
    fn a_refusal_of_the_keys_stands_for_a_second() {
        let (mut endpoint, now) = (Endpoint::default(), Instant::now());
        endpoint.failed(refused(false), settings("{}"), Some(Duration::from_secs(60)), 1, now);
        assert!(matches!(endpoint.pause(&settings("{}"), now), Some(Pause::Refused(_))));
        assert!(endpoint.pause(&settings("{}"), now + REFUSAL_STANDS).is_none());
        endpoint.failed(refused(true), settings("{}"), None, 1, now);
        assert!(matches!(endpoint.pause(&settings("{}"), now), Some(Pause::Until(..))));
    }
}
