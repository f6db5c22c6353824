//! The retry policy: what is sent again, and after which pause.

use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Delivered, Error, Kind};
use crate::network::attempt::{Call, Progress};
use crate::request::Options;

/// How often and when a failed attempt is repeated, and what became of those that were made.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    /// Attempts in all.
    pub(crate) attempts: u32,
    pub(crate) repeat: Repeat,
    /// Nothing begins after it.
    pub(crate) deadline: Instant,
    /// Attempts that failed.
    failed: u32,
    /// Another attempt may follow the last of them, but for their number and the time.
    may_repeat: bool,
    /// What they say about the request.
    progress: Progress,
}

/// What may be repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// A post: only what cannot have reached the server.
    Undelivered,
    /// A get, put, delete or token call: also what can be done twice without harm.
    Idempotent,
    /// `"retry_mode": "always"`: anything, as the reference does.
    Anything,
}

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

impl Policy {
    pub(crate) fn new(attempts: u32, repeat: Repeat, deadline: Instant) -> Policy {
        Policy { attempts, repeat, deadline, failed: 0, may_repeat: false, progress: Progress::default() }
    }

    /// That of a request with these options, whose time limit began to count at `started`.
    pub(crate) fn of(options: &Options, repeat: Repeat, started: Instant, progress: &Progress) -> Policy {
        Policy::new(options.retry, repeat, deadline(options, started)).telling(progress)
    }

    /// Tells somebody else, too, what becomes of the request.
    pub(crate) fn telling(self, progress: &Progress) -> Policy {
        Policy { progress: progress.clone(), ..self }
    }

    /// What its attempts share.
    pub(crate) fn call(&self) -> Call {
        Call { deadline: self.deadline, progress: self.progress.clone() }
    }

    /// What becomes of the request.
    pub(crate) fn progress(&self) -> &Progress {
        &self.progress
    }

    /// For whoever repeats by other rules: the error of `run` is that of its last attempt, but says of all of them whether
    /// the server can have seen the request, and so does not show what may follow.
    pub(crate) fn may_repeat(&self) -> bool {
        self.may_repeat
    }

    /// Makes attempts until one succeeds or none may follow. The error is that of the last one, but says of all
    /// together whether the server can have seen the request, those of an earlier run included.
    pub(crate) fn run<T>(&mut self, mut attempt: impl FnMut() -> Result<T, Error>) -> Result<T, Error> {
        loop {
            let error = match attempt() {
                Ok(reply) => return Ok(reply),
                Err(error) => error,
            };
            let is_attempt = !error.kind.is_before_any_attempt() || error.delivered != Delivered::No;
            self.failed = self.failed.saturating_add(u32::from(is_attempt));
            self.may_repeat = self.repeat.allows(&error);
            self.progress.fail(error.delivered);
            let pause = self.pause(&error);
            let left = self.deadline.saturating_duration_since(Instant::now());
            if self.failed >= self.attempts || !self.may_repeat || pause >= left {
                return Err(Error { attempts: self.failed, delivered: self.progress.of_failed(), ..error });
            }
            thread::sleep(pause);
        }
    }

    /// Exponential, with jitter so that many robots do not come back at once; longer where the server asks for it.
    fn pause(&self, error: &Error) -> Duration {
        let doublings = self.failed.saturating_sub(1);
        let exponential = FIRST_PAUSE.saturating_mul(2u32.saturating_pow(doublings)).min(LONGEST_PAUSE);
        let jitter = exponential.mul_f64(fastrand::f64() / 2.0);
        exponential.saturating_add(jitter).max(error.retry_after.as_deref().copied().unwrap_or_default())
    }
}

/// When the time limit of these options is over.
pub(crate) fn deadline(options: &Options, started: Instant) -> Instant {
    started.checked_add(options.timeout).expect("a clock holds ten minutes more")
}

impl Repeat {
    pub(crate) fn allows(self, error: &Error) -> bool {
        match self {
            _ if error.kind.is_before_any_attempt() || error.is_final => false,
            _ if error.delivered == Delivered::No => true,
            Repeat::Undelivered => false,
            Repeat::Idempotent => match error.kind {
                Kind::Disconnected | Kind::Timeout => true,
                Kind::Response | Kind::Proxy => matches!(error.http_status, Some(429 | 502 | 503 | 504)),
                _ => false,
            },
            Repeat::Anything => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempts_made(error: &Error, limit: Duration) -> u32 {
        let mut policy = Policy::new(2, Repeat::Idempotent, Instant::now() + limit);
        let mut attempts = 0;
        let result = policy.run(|| -> Result<(), Error> {
            attempts += 1;
            Err(error.clone())
        });
        assert_eq!(result.unwrap_err().attempts, if error.kind == Kind::Argument { 0 } else { attempts });
        attempts
    }

    #[test]
    fn the_table_of_the_contract() {
        use Delivered::{No, Unknown, Yes};
        for (kind, status, delivered, expected) in [
            (Kind::Argument, None, No, [false, false, false]),
            (Kind::Dns, None, No, [true, true, true]),
            (Kind::Connect, None, No, [true, true, true]),
            (Kind::Proxy, None, No, [true, true, true]),
            (Kind::Proxy, Some(504), Unknown, [false, true, true]),
            (Kind::Proxy, Some(302), Unknown, [false, false, true]),
            (Kind::Tls, None, No, [true, true, true]),
            (Kind::Timeout, None, No, [true, true, true]),
            (Kind::Timeout, None, Unknown, [false, true, true]),
            (Kind::Disconnected, None, No, [true, true, true]),
            (Kind::Disconnected, None, Unknown, [false, true, true]),
            (Kind::Disconnected, Some(200), Yes, [false, true, true]),
            (Kind::Response, Some(200), Yes, [false, false, true]),
            (Kind::Response, Some(500), Yes, [false, false, true]),
            (Kind::Response, Some(429), Yes, [false, true, true]),
            (Kind::Response, Some(502), Yes, [false, true, true]),
            (Kind::Response, Some(503), Yes, [false, true, true]),
            (Kind::Response, Some(504), Yes, [false, true, true]),
            (Kind::Redirect, Some(302), Yes, [false, false, true]),
            (Kind::TooLarge, Some(200), Yes, [false, false, true]),
        ] {
            let error = Error { http_status: status, delivered, ..Error::new(kind, "", "") };
            let policies = [Repeat::Undelivered, Repeat::Idempotent, Repeat::Anything];
            assert_eq!(policies.map(|repeat| repeat.allows(&error)), expected, "{error:?}");
        }
    }

    #[test]
    fn what_is_final_is_never_repeated() {
        let refused = Error { is_final: true, ..Error::new(Kind::Proxy, "", "") };
        for repeat in [Repeat::Undelivered, Repeat::Idempotent, Repeat::Anything] {
            assert!(!repeat.allows(&refused), "{repeat:?}");
        }
        assert_eq!(attempts_made(&refused, Duration::from_secs(60)), 1);
    }

    #[test]
    fn counts_attempts_and_nothing_else() {
        let minute = Duration::from_secs(60);
        assert_eq!(attempts_made(&Error::new(Kind::Connect, "", ""), minute), 2);
        assert_eq!(attempts_made(&Error::argument("host", "", ""), minute), 1);
    }

    #[test]
    fn an_earlier_attempt_that_may_have_arrived_is_not_forgotten() {
        let mut policy = Policy::new(2, Repeat::Idempotent, Instant::now() + Duration::from_secs(60));
        let mut errors = [
            Error::new(Kind::Connect, "", ""),
            Error { delivered: Delivered::Unknown, ..Error::new(Kind::Disconnected, "", "") },
        ]
        .to_vec();
        let error = policy.run(|| -> Result<(), Error> { Err(errors.pop().unwrap()) }).unwrap_err();
        assert_eq!((error.kind, error.delivered), (Kind::Connect, Delivered::Unknown));
        assert!(policy.may_repeat(), "the last one was not delivered");
        // Nor by a further run of the same call.
        let error = policy.run(|| -> Result<(), Error> { Err(Error::new(Kind::Connect, "", "")) }).unwrap_err();
        assert_eq!((error.attempts, error.delivered), (3, Delivered::Unknown));
    }

    #[test]
    fn no_pause_goes_past_the_deadline() {
        let error = Error::new(Kind::Connect, "", "");
        assert_eq!(attempts_made(&error, Duration::from_millis(100)), 1);
        let busy = Error { retry_after: Some(Box::new(Duration::from_secs(120))), ..error };
        assert_eq!(attempts_made(&busy, Duration::from_secs(60)), 1);
    }

    #[test]
    fn pauses_grow_and_vary() {
        let policy = |failed| Policy { failed, ..Policy::new(10, Repeat::Anything, Instant::now()) };
        let error = Error::new(Kind::Connect, "", "");
        for (made, low) in [(1, 200), (2, 400), (3, 800), (9, 10_000)] {
            let pauses: Vec<_> = (0..50).map(|_| policy(made).pause(&error)).collect();
            let range = Duration::from_millis(low)..=Duration::from_millis(low * 3 / 2);
            assert!(pauses.iter().all(|pause| range.contains(pause)), "{pauses:?}");
            assert!(pauses.iter().any(|pause| *pause != pauses[0]));
        }
    }
}
