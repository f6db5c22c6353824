//! What was seen of a call on its way: for its error, for `meta`, and for the log.

use std::net::SocketAddr;
use std::time::Duration;

use super::TokenFacts;
use crate::basics::json::{Name, Object, name};

macro_rules! parts {
    ($($part:literal),*) => {
        /// The parts of an attempt that take time, in their order.
        pub(crate) const PARTS: [&str; 7] = [$($part),*];

        /// The same as names of members.
        const NAMES: [Name; PARTS.len()] = [$(name!($part)),*];
    };
}
parts!("dns", "connect", "proxy", "tls", "send", "wait", "read");

/// What was called.
#[derive(Debug, Clone, Default)]
pub(crate) struct Target {
    pub(crate) https: bool,
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Without the query.
    pub(crate) path: String,
}

/// Of the last attempt, as far as it is no sum.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    pub(crate) method: Option<String>,
    pub(crate) target: Option<Target>,
    /// Where the connection leads: to the proxy, where there is one.
    pub(crate) peer: Option<SocketAddr>,
    /// Without its password, and where its address stands.
    pub(crate) proxy: Option<(String, String)>,
    /// The part that the attempt has come to, counted as in `PARTS`.
    pub(crate) part: Option<usize>,
    /// How long each part took; `None` of those that were left out, as those of a connection that was kept.
    pub(crate) times: [Option<Duration>; PARTS.len()],
    pub(crate) http_status: Option<u16>,
    /// Chosen headers of the reply, where somebody wants them.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// Of all attempts.
    pub(crate) attempts: u32,
    pub(crate) sent: u64,
    pub(crate) received: u64,
    /// Of the token that the library looks after.
    pub(crate) token: Option<TokenFacts>,
    /// Which percent-encoding was signed.
    pub(crate) encoding: Option<&'static str>,
    /// The signature was refused, and at which character the two encodings of its source differ first.
    pub(crate) signature_refused: Option<Option<usize>>,
    /// How far the control center's clock is ahead of this machine's; 0 where that is within the measurement's error.
    pub(crate) clock_offset_ms: Option<i64>,
    /// The end of the server certificate's validity in seconds since 1970, and its fingerprint.
    pub(crate) certificate: Option<(u64, [u8; 32])>,
    /// Any certificate was accepted.
    pub(crate) unverified: bool,
    /// A post was sent again though it may have arrived.
    pub(crate) repeated: bool,
}

impl Seen {
    /// Forgets what was seen of the attempt before.
    pub(crate) fn begin(&mut self, method: &str, target: Target) {
        *self = Seen {
            method: Some(method.to_owned()),
            target: Some(target),
            attempts: self.attempts.saturating_add(1),
            sent: self.sent,
            received: self.received,
            token: self.token.take(),
            encoding: self.encoding,
            signature_refused: self.signature_refused,
            clock_offset_ms: self.clock_offset_ms,
            certificate: self.certificate,
            repeated: self.repeated,
            ..Seen::default()
        };
    }

    /// Writes what an error, `meta` and the log have in common.
    pub(crate) fn write(&self, json: &mut Object) {
        match &self.target {
            None => json.raw(name!("target"), "null"),
            Some(target) => target.write(json),
        }
        json.shown(name!("peer"), self.peer.as_ref().map(|peer| peer as &dyn std::fmt::Display));
        let (proxy, from) = self.proxy.as_ref().map(|(proxy, from)| (&**proxy, &**from)).unzip();
        json.maybe(name!("proxy"), proxy);
        json.maybe(name!("proxy_from"), from);
        json.maybe(name!("phase"), self.part.and_then(|part| PARTS.get(part).copied()));
        json.begin(name!("ms"));
        for (name, time) in NAMES.into_iter().zip(self.times) {
            json.number(name, time.map(|time| u32::try_from(time.as_millis()).unwrap_or(u32::MAX)));
        }
        json.end();
    }
}

impl Target {
    fn write(&self, json: &mut Object) {
        json.begin(name!("target"));
        json.word(name!("scheme"), if self.https { "https" } else { "http" });
        json.text(name!("host"), &self.host);
        json.number(name!("port"), Some(self.port));
        json.text(name!("path"), &self.path);
        json.end();
    }
}
