//! One attempt to send a request: its limits, how far it has come, and what its bytes say about the request.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::SocketAddr;
use std::process;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant, SystemTime};

use crate::basics::locks::lock;
use crate::basics::time::unix_ms;
use crate::error::{Delivered, PARTS, Seen};

/// How far an attempt has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Lookup,
    Connect,
    ProxyLookup,
    ProxyConnect,
    /// Asking the proxy for the way on.
    ProxyAnswer,
    Tls,
    Send,
    Wait,
    Read,
}

impl Phase {
    /// For "timed out while ...".
    pub(crate) fn in_words(self) -> &'static str {
        match self {
            Phase::Lookup => "looking up the name",
            Phase::Connect => "connecting",
            Phase::ProxyLookup => "looking up the name of the proxy",
            Phase::ProxyConnect => "connecting to the proxy",
            Phase::ProxyAnswer => "waiting for the proxy",
            Phase::Tls => "waiting for the TLS handshake",
            Phase::Send => "sending the request",
            Phase::Wait => "waiting for the reply",
            Phase::Read => "reading the reply",
        }
    }

    /// Which of `PARTS` it belongs to: what leads to a proxy is looked up and connected to like a server.
    fn part(self) -> usize {
        match self {
            Phase::Lookup | Phase::ProxyLookup => 0,
            Phase::Connect | Phase::ProxyConnect => 1,
            Phase::ProxyAnswer => 2,
            Phase::Tls => 3,
            Phase::Send => 4,
            Phase::Wait => 5,
            Phase::Read => 6,
        }
    }

    fn is_before_request(self) -> bool {
        !matches!(self, Phase::Send | Phase::Wait | Phase::Read)
    }
}

/// An attempt that has ended.
#[derive(Debug, Clone)]
pub(crate) struct Tried {
    pub(crate) ended: SystemTime,
    pub(crate) seen: Box<Seen>,
}

/// What somebody wants to know of a call beside its reply.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Wants {
    /// What it was, though it does not fail.
    pub(crate) facts: bool,
    /// The reply's headers.
    pub(crate) headers: bool,
    /// What was refused for its signature.
    pub(crate) refusals: bool,
    /// Each attempt.
    pub(crate) attempts: bool,
}

/// What the attempts of one call say about its request. A clone is a handle to the same, so that whoever made it still
/// knows after a panic.
#[derive(Debug, Clone, Default)]
pub(crate) struct Progress(Arc<Levels>);

#[derive(Debug, Default)]
struct Levels {
    /// Of the attempts that have failed, together.
    failed: AtomicU8,
    /// Of the bytes since.
    present: AtomicU8,
    seen: Mutex<Seen>,
    /// And the number of the process.
    id: OnceLock<(u32, String)>,
    wants: OnceLock<Wants>,
    tried: Mutex<Vec<Tried>>,
}

impl Progress {
    /// The attempt has come so far.
    fn raise(&self, delivered: Delivered) {
        self.0.present.fetch_max(level(delivered), Ordering::Relaxed);
    }

    /// The attempt has failed, and this is what its error says.
    pub(crate) fn fail(&self, delivered: Delivered) {
        self.0.failed.fetch_max(level(delivered), Ordering::Relaxed);
        self.0.present.store(level(Delivered::No), Ordering::Relaxed);
    }

    /// What was seen on the way.
    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen> {
        lock(&self.0.seen)
    }

    /// What the call is known by: the time, the process, and chance, since a process that was forked goes on with the
    /// chance of its parent.
    pub(crate) fn id(&self) -> &str {
        &self.names().1
    }

    /// The number of the process that it was called in.
    pub(crate) fn process(&self) -> u32 {
        self.names().0
    }

    fn names(&self) -> &(u32, String) {
        self.0.id.get_or_init(|| {
            let (time, process) = (unix_ms(SystemTime::now()), process::id());
            let (time, number, chance) = (time.to_be_bytes(), process.to_be_bytes(), fastrand::u64(..).to_be_bytes());
            let id = [&time[2..], &number[1..], &chance[1..]].concat();
            (process, base16ct::lower::encode_string(&id))
        })
    }

    /// Says once, before the first attempt, what is wanted.
    pub(crate) fn want(&self, wants: Wants) {
        let _ = self.0.wants.set(wants);
    }

    pub(crate) fn wants(&self) -> Wants {
        self.0.wants.get().copied().unwrap_or_default()
    }

    /// The attempts that have ended, if somebody wants them.
    pub(crate) fn tried(&self) -> Vec<Tried> {
        std::mem::take(&mut *lock(&self.0.tried))
    }

    /// What the failed attempts say together.
    pub(crate) fn of_failed(&self) -> Delivered {
        of_level(self.0.failed.load(Ordering::Relaxed))
    }

    /// The same in the middle of an attempt.
    pub(crate) fn so_far(&self) -> Delivered {
        of_level(self.0.present.load(Ordering::Relaxed)).max(self.of_failed())
    }
}

fn level(delivered: Delivered) -> u8 {
    match delivered {
        Delivered::No => 0,
        Delivered::Unknown => 1,
        Delivered::Yes => 2,
    }
}

fn of_level(level: u8) -> Delivered {
    match level {
        0 => Delivered::No,
        1 => Delivered::Unknown,
        _ => Delivered::Yes,
    }
}

/// What all attempts of one call share.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// Nothing goes on after it.
    pub(crate) deadline: Instant,
    pub(crate) progress: Progress,
}

/// One attempt. It is shared, by reference, between the steps that it consists of.
pub(crate) struct Attempt {
    deadline: Instant,
    /// Of all that comes before the request.
    connect_deadline: Instant,
    phase: Cell<Phase>,
    /// When the phase began; `None` before the first.
    since: Cell<Option<Instant>>,
    times: Cell<[Option<Duration>; PARTS.len()]>,
    bytes_sent: Cell<u64>,
    bytes_received: Cell<u64>,
    peer: Cell<Option<SocketAddr>>,
    sent: Cell<bool>,
    received: Cell<bool>,
    certificate_wanted: Cell<bool>,
    /// The server's addresses, once they are known.
    addresses: RefCell<Vec<SocketAddr>>,
    /// Of the whole call.
    progress: Progress,
}

impl Attempt {
    pub(crate) fn new(call: &Call, connect_timeout: Duration) -> Attempt {
        let Call { deadline, progress } = call.clone();
        let connect_deadline = Instant::now().checked_add(connect_timeout).map_or(deadline, |at| at.min(deadline));
        Attempt {
            deadline,
            connect_deadline,
            phase: Cell::new(Phase::Connect),
            since: Cell::new(None),
            times: Cell::default(),
            bytes_sent: Cell::new(0),
            bytes_received: Cell::new(0),
            peer: Cell::new(None),
            sent: Cell::new(false),
            received: Cell::new(false),
            certificate_wanted: Cell::new(false),
            addresses: RefCell::default(),
            progress,
        }
    }

    pub(crate) fn enter(&self, phase: Phase) {
        self.end_phase();
        self.since.set(Some(Instant::now()));
        self.phase.set(phase);
    }

    fn end_phase(&self) {
        if let Some(since) = self.since.take() {
            let mut times = self.times.get();
            if let Some(time) = times.get_mut(self.phase.get().part()) {
                *time = Some(time.unwrap_or_default() + since.elapsed());
            }
            self.times.set(times);
        }
    }

    /// The connection leads there.
    pub(crate) fn leads_to(&self, peer: Option<SocketAddr>) {
        self.peer.set(peer);
    }

    pub(crate) fn count_sent(&self, bytes: usize) {
        self.bytes_sent.set(self.bytes_sent.get().saturating_add(bytes as u64));
    }

    pub(crate) fn count_received(&self, bytes: usize) {
        self.bytes_received.set(self.bytes_received.get().saturating_add(bytes as u64));
    }

    pub(crate) fn progress(&self) -> &Progress {
        &self.progress
    }

    /// These addresses of the server are tried.
    pub(crate) fn tries(&self, addresses: &[SocketAddr]) {
        self.addresses.replace(addresses.to_vec());
    }

    /// The addresses that were tried, for an error: `10.0.0.5:8443, [fe80::1%2]:8443`. The first of many.
    pub(crate) fn addresses_in_words(&self) -> String {
        let addresses = self.addresses.borrow();
        addresses.iter().take(4).map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }

    pub(crate) fn phase(&self) -> Phase {
        self.phase.get()
    }

    /// At least one byte was handed to the network. What handshakes send does not count.
    pub(crate) fn has_sent(&self) {
        if !self.phase.get().is_before_request() {
            self.sent.set(true);
            self.progress.raise(Delivered::Unknown);
        }
    }

    /// At least one byte of a reply came.
    pub(crate) fn has_received(&self) {
        self.received.set(true);
        self.progress.raise(Delivered::Yes);
    }

    /// The server asked for a client certificate on the connection that is used.
    pub(crate) fn wants_certificate(&self) {
        self.certificate_wanted.set(true);
    }

    pub(crate) fn is_certificate_wanted(&self) -> bool {
        self.certificate_wanted.get()
    }

    /// What the attempt's bytes say about the request.
    pub(crate) fn delivered(&self) -> Delivered {
        match (self.sent.get(), self.received.get()) {
            _ if self.phase.get().is_before_request() => Delivered::No,
            (_, true) => Delivered::Yes,
            (true, false) => Delivered::Unknown,
            (false, false) => Delivered::No,
        }
    }

    /// The time left for the present phase, never zero; the error says that it has run out.
    pub(crate) fn time_left(&self) -> io::Result<Duration> {
        let until = if self.phase.get().is_before_request() { self.connect_deadline } else { self.deadline };
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
    }
}

/// However it ends, by a panic, too: what was seen is kept with the call.
impl Drop for Attempt {
    fn drop(&mut self) {
        let was_in_phase = self.since.get().is_some();
        self.end_phase();
        let mut seen = self.progress.seen();
        if was_in_phase {
            seen.part = Some(self.phase.get().part());
        }
        seen.times = self.times.get();
        seen.peer = self.peer.get().or_else(|| self.addresses.borrow().first().copied());
        seen.sent = seen.sent.saturating_add(self.bytes_sent.get());
        seen.received = seen.received.saturating_add(self.bytes_received.get());
        if self.progress.wants().attempts {
            let tried = Tried { ended: SystemTime::now(), seen: Box::new(seen.clone()) };
            lock(&self.progress.0.tried).push(tried);
        }
    }
}

#[cfg(test)]
impl Attempt {
    /// With time enough.
    pub(crate) fn of_test() -> Attempt {
        let minute = Duration::from_secs(60);
        Attempt::new(&Call { deadline: Instant::now() + minute, progress: Progress::default() }, minute)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_handshakes_are_not_those_of_the_request() {
        let attempt = Attempt::of_test();
        attempt.enter(Phase::Tls);
        attempt.has_sent();
        assert_eq!((attempt.delivered(), attempt.progress.so_far()), (Delivered::No, Delivered::No));
        attempt.enter(Phase::Send);
        assert_eq!(attempt.delivered(), Delivered::No);
        attempt.has_sent();
        assert_eq!((attempt.delivered(), attempt.progress.so_far()), (Delivered::Unknown, Delivered::Unknown));
        attempt.has_received();
        assert_eq!((attempt.delivered(), attempt.progress.so_far()), (Delivered::Yes, Delivered::Yes));
    }

    #[test]
    fn what_was_seen_outlives_a_panic() {
        let call = Call { deadline: Instant::now() + Duration::from_secs(60), progress: Progress::default() };
        let of_call = call.clone();
        let panicked = std::thread::spawn(move || {
            let attempt = Attempt::new(&of_call, Duration::from_secs(60));
            attempt.enter(Phase::ProxyConnect);
            attempt.enter(Phase::Tls);
            attempt.count_sent(7);
            panic!("on purpose");
        });
        assert!(panicked.join().is_err());
        let seen = call.progress.seen();
        let known: Vec<_> = seen.times.iter().map(Option::is_some).collect();
        assert_eq!((seen.part, known), (Some(3), vec![false, true, false, true, false, false, false]));
        assert_eq!(seen.sent, 7);
    }

    #[test]
    fn calls_have_names_of_their_own() {
        let ids: std::collections::BTreeSet<_> = (0..1000).map(|_| Progress::default().id().to_owned()).collect();
        assert!(ids.len() == 1000 && ids.iter().all(|id| id.len() == 32), "{ids:?}");
    }

    #[test]
    fn a_later_attempt_takes_nothing_back() {
        let progress = Progress::default();
        let sent = || {
            let call = Call { deadline: Instant::now(), progress: progress.clone() };
            let attempt = Attempt::new(&call, Duration::ZERO);
            attempt.enter(Phase::Send);
            attempt.has_sent();
            attempt.delivered()
        };
        progress.fail(sent());
        assert_eq!((progress.of_failed(), progress.so_far()), (Delivered::Unknown, Delivered::Unknown));
        progress.fail(Delivered::No);
        assert_eq!(progress.so_far(), Delivered::Unknown);
    }

    #[test]
    fn the_error_of_an_attempt_counts_more_than_its_bytes() {
        let progress = Progress::default();
        progress.raise(Delivered::Unknown);
        assert_eq!((progress.of_failed(), progress.so_far()), (Delivered::No, Delivered::Unknown));
        progress.fail(Delivered::No);
        assert_eq!(progress.so_far(), Delivered::No);
    }

    #[test]
    fn connecting_has_a_limit_of_its_own() {
        let call = Call { deadline: Instant::now() + Duration::from_secs(60), progress: Progress::default() };
        let attempt = Attempt::new(&call, Duration::ZERO);
        assert_eq!(attempt.time_left().unwrap_err().kind(), io::ErrorKind::TimedOut);
        attempt.enter(Phase::Send);
        assert!(attempt.time_left().unwrap() > Duration::from_secs(30));
    }
}
