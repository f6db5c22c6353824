//! What a reply says, in few words and without what must not be shown; and of what kind a refusal is.

use serde_json::Value;

use super::check::{Facts, Words};
use crate::reply::redact::Redactor;

/// So many characters of what others wrote are told.
const LENGTH: usize = 120;

/// The `code` and the message of an envelope.
pub(super) struct Said {
    pub(super) code: String,
    pub(super) msg: String,
}

/// The beginning of a text that others wrote.
pub(super) fn beginning(text: &str) -> String {
    text.chars().take(LENGTH).collect()
}

impl Said {
    pub(super) fn of(reply: &[u8], redactor: &Redactor) -> Said {
        let reply: Value = serde_json::from_slice(reply).unwrap_or(Value::Null);
        let text = |name: &str| match &reply[name] {
            Value::String(text) => beginning(&redactor.quote(text)),
            Value::Number(number) => number.to_string(),
            _ => String::new(),
        };
        let msg = text("msg");
        Said { code: text("code"), msg: if msg.is_empty() { text("message") } else { msg } }
    }

    pub(super) fn put_into(&self, facts: &mut Facts) {
        facts.text("code", &self.code);
        facts.text("msg", &self.msg);
    }

    /// What the control center does, quoted, and the next step; each in Chinese and in English.
    pub(super) fn told(&self, does: (&str, &str), step: (&str, &str)) -> Words {
        let Said { code, msg } = self;
        Words::told(
            format_args!("{}(code {code}:{msg}),{}", does.0, step.0),
            format_args!("{} (code {code}: {msg}): {}", does.1, step.1),
        )
    }

    /// Whether the control center says that it has failed itself.
    pub(super) fn is_of_the_server(&self) -> bool {
        let is_failure = self.code.parse().is_ok_and(|code: i64| (500..600).contains(&code));
        is_failure && !self.speaks_of(&["key", "密钥", "sign", "签名"])
    }

    /// Whether a refusal is for the time of the request.
    pub(super) fn is_of_time(&self) -> bool {
        // An account may be let in at certain times only.
        self.speaks_of(&["timestamp", "time stamp", "时间戳"])
            || (self.speaks_of(&["时间"]) && !self.speaks_of(&["时间段", "访问"]))
    }

    /// Whether a refusal is one of rights, which no other key helps against.
    pub(super) fn is_of_rights(&self) -> bool {
        self.speaks_of(&[
            "锁定",
            "locked",
            "授权已",
            "授权到期",
            "授权过期",
            "licen",
            "白名单",
            "whitelist",
            "allowlist",
            "许可",
            "权限",
            "permission",
            "时间段",
        ])
    }

    fn speaks_of(&self, words: &[&str]) -> bool {
        let msg = self.msg.to_lowercase();
        words.iter().any(|word| msg.contains(word))
    }
}
