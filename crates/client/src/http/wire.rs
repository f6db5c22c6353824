//! What is known of the attempt that this thread is making: its limits, its phase, and whether bytes went and came.
//!
//! ureq runs a request from start to end on the thread that asked for it, and hands nothing of the request to the
//! connectors and transports below it. So the attempt is this thread's, and they find it here.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use super::idle::ServersLimit;
use crate::error::Delivered;
use crate::tls::failure::Way;
use rpa_signing::Secret;

/// How far an attempt has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Lookup,
    Connect,
    /// Reaching the proxy, and asking it for the way on.
    Proxy,
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
            Phase::Proxy => "waiting for the proxy",
            Phase::Tls => "waiting for the TLS handshake",
            Phase::Send => "sending the request",
            Phase::Wait => "waiting for the reply",
            Phase::Read => "reading the reply",
        }
    }

    fn before_request(self) -> bool {
        matches!(self, Phase::Lookup | Phase::Connect | Phase::Proxy | Phase::Tls)
    }
}

/// The request target and what follows the head.
pub(crate) struct Outgoing {
    /// What stands between the method and the HTTP version.
    pub(crate) target: Secret,
    /// The length of the body.
    pub(crate) body: Option<usize>,
    /// To a proxy that forwards it: what fails before is the proxy's fault.
    pub(crate) forward: bool,
}

struct Attempt {
    deadline: Instant,
    connect_deadline: Instant,
    outgoing: Option<Outgoing>,
    phase: Phase,
    /// The connection that is being made is one to a proxy, or through it.
    in_proxy: bool,
    through_proxy: bool,
    forward: bool,
    sent: bool,
    received: bool,
    broken: bool,
    certificate_wanted: bool,
    /// Of the connection that the request goes over.
    idle_limit: Option<ServersLimit>,
}

thread_local! {
    static ATTEMPT: RefCell<Option<Attempt>> = const { RefCell::new(None) };
    /// What the earlier attempts of the same call say about the request.
    static EARLIER: Cell<Delivered> = const { Cell::new(Delivered::No) };
}

/// Begins an attempt: of an earlier one only whether it can have arrived is kept.
pub(crate) fn begin(deadline: Instant, connect_timeout: Duration, outgoing: Outgoing) {
    let connect_deadline = Instant::now().checked_add(connect_timeout).map_or(deadline, |at| at.min(deadline));
    let attempt = Attempt {
        deadline,
        connect_deadline,
        forward: outgoing.forward,
        outgoing: Some(outgoing),
        phase: Phase::Connect,
        in_proxy: false,
        through_proxy: false,
        sent: false,
        received: false,
        broken: false,
        certificate_wanted: false,
        idle_limit: None,
    };
    EARLIER.set(delivered_in_all());
    ATTEMPT.set(Some(attempt));
}

/// Forgets the call: its attempt and those before.
pub(crate) fn forget() {
    EARLIER.set(Delivered::No);
    ATTEMPT.set(None);
}

fn with<T>(default: T, look: impl FnOnce(&mut Attempt) -> T) -> T {
    ATTEMPT.with_borrow_mut(|attempt| attempt.as_mut().map_or(default, look))
}

/// A phase begins. What happens on the way to and through a proxy stays `Proxy`.
pub(crate) fn enter(phase: Phase) {
    with((), |attempt| {
        let of_proxy = attempt.in_proxy || attempt.forward && phase.before_request();
        attempt.phase = if of_proxy { Phase::Proxy } else { phase };
    });
}

pub(crate) fn enter_proxy() {
    with((), |attempt| {
        attempt.in_proxy = true;
        attempt.through_proxy = true;
    });
    enter(Phase::Proxy);
}

pub(crate) fn leave_proxy() {
    with((), |attempt| attempt.in_proxy = false);
}

/// How the present attempt reaches the server.
pub(crate) fn way() -> Way {
    with(Way::Direct, |attempt| if attempt.through_proxy { Way::ThroughProxy } else { Way::Direct })
}

pub(crate) fn in_proxy() -> bool {
    with(false, |attempt| attempt.in_proxy)
}

/// The request begins, on a new connection or a kept one. What handshakes sent does not count.
pub(crate) fn request_begins(idle_limit: ServersLimit) {
    with((), |attempt| {
        attempt.idle_limit = Some(idle_limit);
        attempt.phase = Phase::Send;
        attempt.sent = false;
        attempt.received = false;
    });
}

/// At least one byte was handed to the network.
pub(crate) fn sent() {
    with((), |attempt| attempt.sent = true);
}

/// At least one byte of a reply came.
pub(crate) fn received() {
    with((), |attempt| attempt.received = true);
}

/// The connection broke while a reply was read. ureq takes that for the end of a reply that has no length.
pub(crate) fn broken() {
    with((), |attempt| attempt.broken = true);
}

/// Whether [`broken`] was said.
pub(crate) fn is_broken() -> bool {
    with(false, |attempt| attempt.broken)
}

/// The server told in a Keep-Alive header for how long it keeps the connection.
pub(crate) fn server_keeps(header: &str) {
    with((), |attempt| {
        if let Some(limit) = &attempt.idle_limit {
            limit.learn(header);
        }
    });
}

/// The server asked for a client certificate as this connection was made.
pub(crate) fn certificate_wanted() {
    with((), |attempt| attempt.certificate_wanted = true);
}

/// Whether [`certificate_wanted`] was said.
pub(crate) fn is_certificate_wanted() -> bool {
    with(false, |attempt| attempt.certificate_wanted)
}

/// The request target, once.
pub(crate) fn take_outgoing() -> Option<Outgoing> {
    with(None, |attempt| attempt.outgoing.take())
}

/// How far the attempt has come.
pub(crate) fn phase() -> Phase {
    with(Phase::Send, |attempt| attempt.phase)
}

/// What the attempt's bytes say about the request.
pub(crate) fn delivered() -> Delivered {
    with(Delivered::No, |attempt| match attempt {
        attempt if attempt.phase.before_request() => Delivered::No,
        Attempt { received: true, .. } => Delivered::Yes,
        Attempt { sent: true, .. } => Delivered::Unknown,
        _ => Delivered::No,
    })
}

/// What this attempt and those before it say about the request.
pub(crate) fn delivered_in_all() -> Delivered {
    EARLIER.get().max(delivered())
}

/// The time left for the present phase; `None` when it has run out.
pub(crate) fn time_left() -> Option<Duration> {
    let deadline = with(None, |attempt| {
        Some(if attempt.phase.before_request() { attempt.connect_deadline } else { attempt.deadline })
    });
    // Without an attempt there is no limit to keep.
    let left = deadline.map_or(Duration::MAX, |at| at.saturating_duration_since(Instant::now()));
    (!left.is_zero()).then_some(left)
}
