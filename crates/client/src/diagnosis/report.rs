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

/// A text without a word, where that stands alone: within a longer one it may be part of a key.
fn without(text: &str, word: &str) -> String {
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || "-_.+/=%".contains(c));
    let mut foreign = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(word) {
        foreign.push_str(before);
        let is_own = !is_part(foreign.chars().next_back()) && !is_part(after.chars().next());
        foreign.push_str(if is_own { " " } else { word });
        rest = after;
    }
    foreign.push_str(rest);
    foreign
}

/// A server, a proxy or a path may quote anything: whatever shows a secret is taken out whole.
fn sweep(value: &mut Value, redactor: &Redactor) {
    match value {
        Value::String(text) => {
            let foreign = OWN_WORDS.iter().fold(text.to_ascii_lowercase(), |text, word| without(&text, word));
            if foreign.len() >= 8 && redactor.is_shown_in(&foreign) {
                HIDDEN.clone_into(text);
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| sweep(value, redactor)),
        Value::Object(fields) => fields.values_mut().for_each(|value| sweep(value, redactor)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_holds_a_word_of_ours_is_hidden_and_the_word_is_not() {
        let mut redactor = Redactor::default();
        redactor.hide(["my-accesskey-42", "prod-secretkey-77", "demo-access-key"]);
        for text in [
            "bad key my-accesskey-42",
            "bad key my%2Daccesskey%2D42",
            "prod-secretkey-77, accesskey",
            "demo-access-key of an access key",
        ] {
            let mut value = Value::String(text.to_owned());
            sweep(&mut value, &redactor);
            assert_eq!(value, HIDDEN, "{text}");
        }
        for text in [
            "the control center refuses `accesskey` or `secretkey`",
            "控制中心拒绝了accesskey或secretkey",
            "let all robots share one `token_store`, or give each its own access key",
        ] {
            let mut value = Value::String(text.to_owned());
            sweep(&mut value, &redactor);
            assert_eq!(value, text);
        }
    }
}
