//! Which percent-encoding each control center takes, as far as this process has seen it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use crate::basics::locks::PerProcess;
use crate::basics::recent::Recent;
use crate::request::CallRequest;
use crate::wait::promise::{self, Giver, Taker};
use rpa_signing::scheme::Encoding;

/// So many passes are remembered, and so many control centers.
const MOST: usize = 256;
/// A control center that has refused both is asked by one alone for so long.
const QUIET: Duration = Duration::from_secs(600);

/// A control center with its generation, and whoever calls it. From it nobody learns a token.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Caller([u8; 32]);

#[derive(Default)]
struct Known {
    works: Option<Encoding>,
    /// What had worked, and was refused. This process knows better than what is kept beside a token.
    forgotten: Option<Encoding>,
    /// A reply of an API, by its fingerprint, that spoke of signatures though that of its call was right; and until when that
    /// stands: the control center may have changed in that moment.
    business: Option<(Caller, u64, Instant)>,
    /// A call has looked, and found or not found: nobody waits for another one's answer.
    looked: bool,
}

struct State {
    callers: Recent<Caller, Known>,
    /// Which control centers have refused both, and until when that stands.
    quiet: Recent<Caller, Instant>,
    /// The calls that are finding out.
    scouts: Vec<(Caller, Arc<Taker<()>>)>,
}

static STATE: PerProcess<State> = PerProcess::new();

fn with<R>(work: impl FnOnce(&mut State) -> R) -> R {
    let new = || State { callers: Recent::new(MOST), quiet: Recent::new(MOST), scouts: Vec::new() };
    STATE.with(new, work)
}

impl State {
    fn known(&mut self, caller: Caller) -> &mut Known {
        if self.callers.get(|other| *other == caller).is_none() {
            self.callers.insert(caller, Known::default());
        }
        self.callers.get(|other| *other == caller).expect("it was put there if it was not")
    }

    fn is_quiet(&mut self, center: Caller) -> bool {
        self.quiet.get(|other| *other == center).is_some_and(|until| Instant::now() < *until)
    }
}

impl Caller {
    /// `pass`: an access key, a token, an appkey; empty for the control center itself, a path for an API, whoever calls.
    pub(super) fn new(request: &CallRequest<'_>, pass: &str) -> Caller {
        let base = request.address.url("");
        let mut hash = Sha256::new();
        // None of them can hold a zero byte.
        for part in [request.scheme.name(), "\0", &base, "\0", pass] {
            hash.update(part);
        }
        Caller(hash.finalize().into())
    }

    /// What works. `kept`: what stands beside the token, which counts until this process has seen something itself.
    pub(super) fn works(self, kept: Option<Encoding>) -> Option<Encoding> {
        with(|state| {
            let known = state.known(self);
            known.works.or(kept.filter(|_| known.forgotten.is_none()))
        })
    }

    /// A call was taken with this.
    pub(super) fn has_worked(self, encoding: Encoding) {
        with(|state| {
            let known = state.known(self);
            *known = Known { works: Some(encoding), business: known.business, ..Known::default() };
        });
    }

    /// What has worked was refused.
    pub(super) fn forget(self, encoding: Encoding) {
        with(|state| *state.known(self) = Known { forgotten: Some(encoding), ..Known::default() });
    }

    /// What has worked before it was refused.
    pub(super) fn had_worked(self) -> Option<Encoding> {
        with(|state| state.known(self).forgotten)
    }

    /// A reply of this API, by its fingerprint, says nothing of the signature.
    pub(super) fn is_business(self, api: Caller, reply: u64) {
        with(|state| state.known(self).business = Some((api, reply, Instant::now() + QUIET)));
    }

    pub(super) fn knows_as_business(self, api: Caller, reply: u64) -> bool {
        let is_it = |(of, known, until)| (of, known) == (api, reply) && Instant::now() < until;
        with(|state| state.known(self).business.is_some_and(is_it))
    }

    /// For a call that does not know what works: the right to find out; or it waits for the one that does, within a limit.
    pub(super) fn scout(self, center: Caller, limit: Duration) -> Option<Scout> {
        let (giver, taker) = promise::promise();
        let awaited = with(|state| {
            if state.known(self).looked || state.is_quiet(center) {
                return None;
            }
            if let Some((_, scout)) = state.scouts.iter().find(|(other, _)| *other == self) {
                return Some(Err(scout.clone()));
            }
            state.scouts.push((self, Arc::new(taker)));
            Some(Ok(Scout { caller: self, giver: Some(giver) }))
        });
        match awaited? {
            Ok(scout) => Some(scout),
            Err(other) => {
                let _ = other.share(limit);
                None
            }
        }
    }
}

/// Whether a control center, or an API of it, has lately refused both encodings.
pub(super) fn is_quiet(center: Caller) -> bool {
    with(|state| state.is_quiet(center))
}

/// A control center has refused both, or an API of it.
pub(super) fn both_refused(center: Caller) {
    with(|state| {
        let until = Instant::now() + QUIET;
        match state.quiet.get(|other| *other == center) {
            Some(kept) => *kept = until,
            None => _ = state.quiet.insert(center, until),
        }
    });
}

/// The call that finds out what works, while the others of its kind wait.
pub(super) struct Scout {
    caller: Caller,
    giver: Option<Giver<()>>,
}

impl Drop for Scout {
    fn drop(&mut self) {
        with(|state| {
            state.scouts.retain(|(other, _)| *other != self.caller);
            state.known(self.caller).looked = true;
        });
        // What it has found out is known by now: those who wait go on.
        drop(self.giver.take());
    }
}
