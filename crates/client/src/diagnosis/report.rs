//! The reply: all that was found, as JSON, without secrets.

use serde_json::Value;

use super::check::{Check, Facts};
use super::verdict;
use crate::reply::redact::Redactor;
use rpa_signing::Secret;

#[derive(Default)]
pub(super) struct Report {
    pub(super) library: Facts,
    pub(super) machine: Facts,
    pub(super) settings: Vec<Value>,
    pub(super) checks: Vec<Check>,
    pub(super) secrets: Vec<Secret>,
}

/// In place of a text that shows something of a secret.
const HIDDEN: &str = "(not shown: it holds a secret of this request; 含有本请求的密钥,不予显示)";

/// Words of our own, which a key may resemble: `demo-access-key`.
const OWN_WORDS: [&str; 9] = [
    "accesskey",
    "secretkey",
    "accesstoken",
    "refreshtoken",
    "token_store",
    "access key",
    "secret key",
    "access token",
    "refresh token",
];

impl Report {
    pub(super) fn write(self) -> Vec<u8> {
        let mut redactor = Redactor::default();
        redactor.hide(self.secrets.iter().map(Secret::expose));
        let mut result = Facts::default();
        result.put("verdict", verdict::of(&self.checks).json());
        result.put("library", self.library.json());
        result.put("machine", self.machine.json());
        result.put("settings", Value::Array(self.settings));
        result.put("checks", Value::Array(self.checks.into_iter().map(Check::json).collect()));
        let mut result = result.json();
        if !self.secrets.is_empty() {
            sweep(&mut result, &redactor);
        }
        let mut reply = Facts::default();
        reply.number("code", 0);
        reply.text("msg", "success");
        reply.put("result", result);
        serde_json::to_vec(&reply.json()).expect("texts and numbers alone are always JSON")
    }
}

/// A server, a proxy or a path may quote anything: whatever shows a secret is taken out whole.
fn sweep(value: &mut Value, redactor: &Redactor) {
    match value {
        Value::String(text) => {
            let foreign = OWN_WORDS.iter().fold(text.to_ascii_lowercase(), |text, word| text.replace(word, " "));
            if foreign.len() >= 8 && redactor.is_shown_in(&foreign) {
                HIDDEN.clone_into(text);
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| sweep(value, redactor)),
        Value::Object(fields) => fields.values_mut().for_each(|value| sweep(value, redactor)),
        _ => {}
    }
}
