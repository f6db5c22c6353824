//! Whether the control center did what it was asked: its `code`, and the status of HTTP. A list or a number may stand in a
//! refusal, too, and a gateway or a framework refuses without a `code`.

use super::{Answer, excerpt};
use crate::basics::pointer::Pointer;
use crate::token::is_word_of_success;

/// What it says where it did not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// A status of failure; none where the keys were refused.
    status: Option<u16>,
    /// What is no code of success.
    pub(super) code: Option<String>,
    msg: String,
    /// The server failed over it, or contradicts itself: it may have done a part of it, or all.
    pub(super) is_in_doubt: bool,
}

impl Refusal {
    pub(super) fn of(answer: &Answer) -> Option<Refusal> {
        let find = |pointer: &str| {
            let value = Pointer::parse(pointer)?.find(&answer.text).ok()?.trim_matches('"');
            (!matches!(value, "null" | "")).then(|| excerpt(value))
        };
        let fails = answer.status.is_none_or(|status| status >= 400);
        let code = find("/code");
        let says_success = code.as_deref().is_some_and(is_success);
        let code = code.filter(|_| !says_success);
        let msg = find("/msg").or_else(|| find("/message")).or_else(|| find("/error"));
        (fails || code.is_some()).then(|| Refusal {
            status: answer.status.filter(|_| fails),
            msg: msg.unwrap_or_else(|| if code.is_none() { excerpt(&answer.text) } else { String::new() }),
            code,
            is_in_doubt: answer.status.is_some_and(|status| status >= 500) || (fails && says_success),
        })
    }

    /// In Chinese and in English.
    pub(super) fn in_words(&self) -> (String, String) {
        let status = self.status.map(|status| (format!("HTTP状态为{status}"), format!("HTTP status {status}")));
        let code = self.code.as_ref().map(|code| (format!("code为{code}"), format!("code {code}")));
        let msg = Some((format!("msg为{}", self.msg), self.msg.clone())).filter(|_| !self.msg.is_empty());
        let (zh, en): (Vec<_>, Vec<_>) = [status, code, msg].into_iter().flatten().unzip();
        (zh.join(","), en.join(", "))
    }
}

/// Some gateways write a success as HTTP does, or in words.
fn is_success(code: &str) -> bool {
    is_word_of_success(code) || code.parse::<f64>().is_ok_and(|code| code == 0.0 || code == 200.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_the_code_and_by_the_status() {
        for (status, text, expected) in [
            (200, r#"{"code":0,"msg":"x"}"#, None),
            (200, r#"{"code":"0.0"}"#, None),
            (200, r#"{"code":200,"msg":"ok"}"#, None),
            (202, r#"{"code":"Success"}"#, None),
            (200, r#"{"code":null}"#, None),
            (200, r#"{"result":{"code":7}}"#, None),
            (200, "[1]", None),
            (200, r#"{"code":7,"msg":"忙"}"#, Some("code 7, 忙")),
            (200, r#"{"code":500,"message":"db down"}"#, Some("code 500, db down")),
            (500, r#"{"status":500,"error":"Internal Server Error"}"#, Some("HTTP status 500, Internal Server Error")),
            (404, r#"{"code":"x"}"#, Some("HTTP status 404, code x")),
            (404, "{}", Some("HTTP status 404, {}")),
            (500, r#"{"code":0,"msg":"x"}"#, Some("HTTP status 500, x")),
            (502, r#"{"code":7,"msg":"x"}"#, Some("HTTP status 502, code 7, x")),
        ] {
            let refusal = Refusal::of(&Answer { text: text.to_owned(), status: Some(status) });
            assert_eq!(refusal.as_ref().map(|refusal| refusal.in_words().1).as_deref(), expected, "{status} {text}");
            assert_eq!(refusal.is_some_and(|refusal| refusal.is_in_doubt), status >= 500, "{status} {text}");
        }
        let of = |status, text: &str| Refusal::of(&Answer { text: text.to_owned(), status }).unwrap();
        let of_keys = of(None, r#"{"message":"no"}"#);
        assert_eq!((of_keys.in_words().0.as_str(), of_keys.is_in_doubt), ("msg为no", false));
        assert!(of(Some(409), r#"{"code":200,"msg":"x"}"#).is_in_doubt);
    }
}
