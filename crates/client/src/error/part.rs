//! What is told of a call that consists of several: which of them failed, and how to go on.

use serde_json::value::RawValue;

/// Of an error; each stands in it only where there is something to tell.
#[derive(Debug, Clone, Default)]
pub(crate) struct Part {
    /// `start` or `wait`.
    pub(crate) name: Option<&'static str>,
    /// The page that failed.
    pub(crate) page: Option<u64>,
    /// The pointer that led nowhere, or to a value of `fail`.
    pub(crate) pointer: Option<String>,
    /// The text by which another process goes on.
    pub(crate) resume: Option<String>,
    /// The control center's reply to the first call, as it came.
    pub(crate) started: Option<Box<RawValue>>,
    /// Its last reply.
    pub(crate) reply: Option<Box<RawValue>>,
}

/// A reply of the control center, to be told as it came. What is no JSON cannot be.
pub(crate) fn as_it_came(reply: &str) -> Option<Box<RawValue>> {
    RawValue::from_string(reply.to_owned()).ok()
}
