//! The end of a renewal: what has come of it is told to all who wait.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::ask::{Failure, NoReply};
use super::shared_token::SharedToken;
use crate::error::{Error, Kind, Source};
use crate::request::Options;

/// What has come of a renewal.
pub(super) enum Outcome {
    Found(Source),
    Failed(Box<Failed>),
    /// Somebody else is at it.
    LeftToOthers,
}

/// A request that brought no token.
pub(super) struct Failed {
    pub(super) failure: Failure,
    /// How long the server asks to wait before the next one.
    pub(super) retry_after: Option<Duration>,
}

/// Ends a renewal, also where its thread panics.
pub(super) struct Landing {
    shared: Arc<SharedToken>,
    number: u64,
    settings: Arc<Options>,
    /// The present token still works.
    ahead: bool,
    landed: bool,
}

impl Landing {
    pub(super) fn new(shared: Arc<SharedToken>, number: u64, settings: Arc<Options>, ahead: bool) -> Landing {
        Landing { shared, number, settings, ahead, landed: false }
    }

    /// Wakes those who wait. Returns how long nobody may ask.
    pub(super) fn land(mut self, outcome: Outcome) -> Duration {
        self.end(outcome)
    }

    fn end(&mut self, outcome: Outcome) -> Duration {
        self.landed = true;
        let mut state = self.shared.state();
        let mut pause = Duration::ZERO;
        match outcome {
            Outcome::Found(source) => {
                if source == Source::Server {
                    state.token.endpoint.is_well();
                }
                state.found = Some((self.number, source));
            }
            Outcome::Failed(failed) => {
                let (Failed { failure, retry_after }, now) = (*failed, Instant::now());
                pause = state.token.endpoint.failed(failure, self.settings.clone(), retry_after, self.number, now);
                if self.ahead {
                    state.token.rest(pause);
                }
            }
            Outcome::LeftToOthers if self.ahead => state.token.rest_a_moment(),
            Outcome::LeftToOthers => {}
        }
        if state.under_way.as_ref().is_some_and(|under_way| under_way.number == self.number) {
            state.under_way = None;
        }
        drop(state);
        self.shared.wake();
        pause
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        if !self.landed {
            let error =
                Error::new(Kind::Internal, "程序内部错误", "a thread that was getting a token ended without one");
            let failure = Failure::Error(NoReply { error: Box::new(error), may_repeat: false });
            self.end(Outcome::Failed(Box::new(Failed { failure, retry_after: None })));
        }
    }
}
