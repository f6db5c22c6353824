//! What sets one generation of the control center apart.

use super::{Encoding, LoneSurrogate, Parameters, Payload, Values};

/// What lets a call in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// An access token, which the control center gives for keys.
    Token,
    /// A key that is given once and for all.
    AppKey,
    /// Nothing that is secret to anybody: the signature's key is the same everywhere.
    Nothing,
}

/// A generation: what of a call it wants signed, and where it wants that.
pub trait Scheme: Sync {
    /// As the field `generation` names it.
    fn name(&self) -> &'static str;

    /// What lets a call in.
    fn pass(&self) -> Pass;

    /// The encoding of the source string, and the way of values, unless somebody chooses.
    fn usual(&self) -> (Encoding, Values);

    /// The parameters as they are signed and sent.
    fn payload(&self, call: &Parameters<'_>) -> Result<Payload, LoneSurrogate>;

    /// What follows the payload in the source string, in pieces. `time` is what [`Scheme::time`] says.
    fn end<'s>(&self, pass: &'s str, time: &'s str) -> [&'s str; 4];

    /// The HMAC's key.
    fn key<'s>(&self, pass: &'s str) -> &'s str {
        pass
    }

    /// The time as it is signed and sent, of milliseconds since 1970.
    fn time(&self, milliseconds: u64) -> u64 {
        milliseconds
    }

    /// What of this rule nobody has published, and which options change that; in English and in Chinese.
    fn inferred(&self) -> Option<&'static str> {
        None
    }

    /// The port of a control center whose address names none, if it is not that of HTTP.
    fn port(&self) -> Option<u16> {
        None
    }

    /// The path of all calls, where there is but one; then all are posts, and told apart by an action.
    fn path(&self) -> Option<&'static str> {
        None
    }

    /// The header that holds the pass; beside it time and signature have headers of their own. Where there is none, all
    /// three stand in the body.
    fn pass_header(&self) -> Option<&'static str>;
}
