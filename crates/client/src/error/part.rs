//! What is told of a call that consists of several: which of them failed, and how to go on.

use serde_json::value::RawValue;

use crate::basics::json::{Object, name};

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

impl Part {
    /// Writes what there is of it.
    pub(super) fn write(&self, json: &mut Object) {
        let text = |json: &mut Object, name, text: Option<&str>| {
            if let Some(text) = text {
                json.text(name, text);
            }
        };
        text(json, name!("part"), self.name);
        if let Some(page) = self.page.and_then(|page| i64::try_from(page).ok()) {
            json.number(name!("page"), Some(page));
        }
        text(json, name!("pointer"), self.pointer.as_deref());
        text(json, name!("resume"), self.resume.as_deref());
        for (name, reply) in [(name!("started"), &self.started), (name!("reply"), &self.reply)] {
            if let Some(reply) = reply {
                json.raw(name, reply.get());
            }
        }
    }
}

/// A reply of the control center, to be told as it came. What is no JSON cannot be.
pub(crate) fn as_it_came(reply: &str) -> Option<Box<RawValue>> {
    RawValue::from_string(reply.to_owned()).ok()
}
