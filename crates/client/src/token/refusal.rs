//! Whether a reply refuses the token, or the time.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use crate::request::RefusalRule;

/// Whether the server refuses the token, by what the caller says of this server's replies.
pub(crate) fn is_refused(rule: &RefusalRule, status: u16, reply: &[u8]) -> bool {
    if rule.http_status.contains(&status) {
        return true;
    }
    let envelope = Envelope::read(reply);
    let of_code = envelope.code.is_some_and(|code| rule.code.contains(&code));
    !envelope.is_success(status) && (of_code || envelope.says(rule))
}

/// What a reply says of the call's signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    /// It was taken: the server has done what it was asked.
    Taken,
    Refused,
    /// Nothing. What the server says of the call comes after the signature in most of them.
    Other,
    /// Nothing, and the server may not have looked at it.
    Unclear,
}

/// Whether the server refuses the signature, by what the caller says of this server's replies.
pub(crate) fn signature(rule: &RefusalRule, status: u16, reply: &[u8]) -> Sign {
    let envelope = Envelope::read(reply);
    // Some gateways write a success so.
    let is_success = envelope.is_success(status) || (envelope.code == Some(200) && status < 400);
    let is_listed = rule.http_status.contains(&status) || envelope.code.is_some_and(|code| rule.code.contains(&code));
    // Without a code a reply with a status of success may be one that only speaks of signatures.
    let fails = status >= 400 || envelope.has_code;
    match (is_success, status) {
        (false, _) if is_listed || (fails && envelope.says(rule)) => Sign::Refused,
        (true, 200..300) => Sign::Taken,
        (_, 401 | 403 | 500..) => Sign::Unclear,
        _ if !fails || of_time(&envelope.msg.to_lowercase()) => Sign::Unclear,
        _ => Sign::Other,
    }
}

/// Whether the server says that it did not do what it was asked.
pub(crate) fn is_failure(status: u16, reply: &[u8]) -> bool {
    status >= 400 || Envelope::read(reply).code.is_some_and(|code| code != 0)
}

/// Whether the reply may well refuse the call for its time or, which servers check first, for its signature.
pub(crate) fn may_refuse_time(status: u16, reply: &[u8]) -> bool {
    is_failure(status, reply) && (matches!(status, 401 | 403) || of_time(&message(reply)))
}

fn of_time(msg: &str) -> bool {
    ["time", "sign", "时间", "签名", "过期"].iter().any(|word| msg.contains(word))
}

/// Whether a refusal speaks of the time, be it that of a signature.
pub(crate) fn speaks_of_time(reply: &[u8]) -> bool {
    let message = message(reply);
    ["time", "expire", "时间", "过期"].iter().any(|word| message.contains(word))
}

/// Whether a refusal names the token.
pub(crate) fn names_token(rule: &RefusalRule, reply: &[u8]) -> bool {
    let message = message(reply);
    rule.msg.iter().any(|piece| message.contains(piece.as_str()))
}

/// Whether the reply refuses the call for its time or its signature beyond doubt, so that a post did not run. A message of
/// a business error may speak of times ("执行时间冲突", "timeout") and hold the letters of "sign" ("assigned").
pub(crate) fn refuses_time(status: u16, reply: &[u8]) -> bool {
    const PARTS: [&str; 6] = ["timestamp", "time stamp", "signature", "时间戳", "签名", "验签"];
    const WORDS: [&str; 2] = ["sign", "expired"];
    let message = message(reply);
    let words = || message.split(|c: char| !c.is_ascii_alphanumeric());
    let says_so = || PARTS.iter().any(|part| message.contains(part)) || words().any(|word| WORDS.contains(&word));
    is_failure(status, reply) && (matches!(status, 401 | 403) || says_so())
}

/// The `code` of a reply.
pub(crate) fn code(reply: &[u8]) -> Option<i64> {
    Envelope::read(reply).code
}

/// Whether a `code` that is no number says that all went well.
pub(crate) fn is_word_of_success(code: &str) -> bool {
    ["ok", "success"].iter().any(|word| code.eq_ignore_ascii_case(word))
}

/// What the server says, in lower case: two replies that say the same refuse a call for the same reason.
pub(crate) fn message(reply: &[u8]) -> String {
    Envelope::read(reply).msg.to_lowercase()
}

/// What a reply says, as a number: two of one number say the same, but for digits in their messages, which may be a time or
/// the number of a request.
pub(crate) fn fingerprint(status: u16, reply: &[u8]) -> u64 {
    let envelope = Envelope::read(reply);
    let mut hasher = DefaultHasher::new();
    (status, envelope.code, &envelope.word).hash(&mut hasher);
    envelope.msg.chars().filter(|letter| !letter.is_numeric()).for_each(|letter| letter.hash(&mut hasher));
    hasher.finish()
}

/// Words that hold the letters of "sign" and speak of something else.
const OTHER_WORDS: [&str; 9] =
    ["assign", "design", "resign", "consign", "signal", "signif", "signin", "signout", "signup"];

/// Whether a word of the message holds this piece, such as "checkSign", and not by chance.
fn has_word(lower: &str, piece: &str) -> bool {
    let words = lower.split(|c: char| !c.is_ascii_alphanumeric());
    words.filter(|word| word.contains(piece)).any(|word| !OTHER_WORDS.iter().any(|other| word.contains(other)))
}

/// What the server says of a call, in a reply of any kind.
#[derive(Default)]
struct Envelope {
    code: Option<i64>,
    /// It has a code, be it a word.
    has_code: bool,
    /// That word.
    word: String,
    msg: String,
}

impl Envelope {
    fn read(reply: &[u8]) -> Envelope {
        let mut envelope = Envelope::default();
        // A success is not read to its end, which may be megabytes away; that is an error to serde_json, and to nobody else.
        let _ = serde_json::Deserializer::from_slice(reply).deserialize_map(Reader(&mut envelope));
        envelope
    }

    /// Whether the server has done what it was asked, whatever its message speaks of.
    fn is_success(&self, status: u16) -> bool {
        self.code == Some(0) || ((200..300).contains(&status) && is_word_of_success(&self.word))
    }

    fn says(&self, rule: &RefusalRule) -> bool {
        let lower = self.msg.to_lowercase();
        rule.msg.iter().any(|piece| match rule.by_words && piece.is_ascii() {
            true => has_word(&lower, piece),
            false => lower.contains(piece.as_str()),
        })
    }
}

/// Some servers write a number as text, or `0.0`.
fn whole(value: &Value) -> Option<i64> {
    let is_zero = || value.as_f64().or_else(|| value.as_str()?.trim().parse().ok()) == Some(0.0);
    value.as_i64().or_else(|| value.as_str()?.trim().parse().ok()).or_else(|| is_zero().then_some(0))
}

struct Reader<'e>(&'e mut Envelope);

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "code" => {
                    let code: Value = map.next_value()?;
                    self.0.has_code = !code.is_null();
                    self.0.code = whole(&code);
                    self.0.word = code.as_str().unwrap_or_default().trim().to_owned();
                }
                "msg" => self.0.msg = map.next_value::<Value>()?.as_str().unwrap_or_default().to_owned(),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
            if self.0.code == Some(0) {
                return Ok(());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_business_error_that_speaks_of_times_refuses_no_post() {
        for msg in [
            "robot assigned to another job",
            "runtime error in flow",
            "任务提交超时 timeout",
            "执行时间冲突",
            "时间段冲突",
            "设计文件已过期",
        ] {
            let reply = format!("{{\"code\":500,\"msg\":\"{msg}\"}}");
            assert!(!refuses_time(200, reply.as_bytes()), "{msg}");
        }
        for msg in ["timestamp不在允许的范围内", "时间戳错误", "签名验证失败", "Sign error", "invalid signature"]
        {
            let reply = format!("{{\"code\":500,\"msg\":\"{msg}\"}}");
            assert!(refuses_time(200, reply.as_bytes()), "{msg}");
            assert!(!refuses_time(200, reply.replace("500", "0").as_bytes()), "{msg}");
        }
        assert!(refuses_time(401, b"{}") && !refuses_time(500, b"{}"));
    }

    #[test]
    fn by_status_code_or_message() {
        let usual = RefusalRule::default();
        for (status, reply, refused) in [
            (401, "{\"code\":0}", true),
            (401, "", true),
            (200, r#"{"code":401,"msg":"x"}"#, true),
            (200, r#"{"msg":"Access TOKEN expired","code":7}"#, true),
            (500, r#"{"code":"401","msg":"x"}"#, true),
            (500, r#"{"code":"E7","msg":"令牌已过期"}"#, true),
            (200, r#"{"code":"0","msg":"token"}"#, false),
            (500, r#"{"result":{"code":401},"code":40,"msg":"令牌已过期"}"#, true),
            (200, r#"{"code":0,"msg":"token"}"#, false),
            (200, r#"{"code":0,"result":["#, false),
            (200, r#"{"code":7,"msg":"x","result":"token"}"#, false),
            (200, r#"{"code":7,"msg":null}"#, false),
            (403, r#"[{"code":401}]"#, false),
            (200, "null", false),
        ] {
            assert_eq!(is_refused(&usual, status, reply.as_bytes()), refused, "{status} {reply}");
        }
        let own = RefusalRule { http_status: vec![], code: vec![-3], msg: vec!["失效".into()], by_words: false };
        for (status, reply, refused) in [
            (401, r#"{"code":401,"msg":"token"}"#, false),
            (200, r#"{"code":-3}"#, true),
            (200, r#"{"code":1,"msg":"已失效"}"#, true),
        ] {
            assert_eq!(is_refused(&own, status, reply.as_bytes()), refused, "{status} {reply}");
        }
    }

    #[test]
    fn neither_a_success_nor_a_word_that_holds_sign_by_chance_is_a_refusal() {
        let usual =
            RefusalRule {
                http_status: vec![], code: vec![], msg: vec!["sign".into(), "签名".into()], by_words: true
            };
        let said = |status, code: &str, msg: &str| {
            signature(&usual, status, format!("{{\"code\":{code},\"msg\":\"{msg}\"}}").as_bytes())
        };
        for code in ["0.0", "-0.0", "\"0.0\"", "\"00000\"", "\"SUCCESS\"", "\"success\"", "\"OK\"", "\" ok \""] {
            assert_eq!(said(200, code, "签名成功"), Sign::Taken, "{code}");
            let reply = format!("{{\"code\":{code},\"msg\":\"token\"}}");
            assert!(!is_refused(&RefusalRule::default(), 200, reply.as_bytes()), "{code}");
        }
        assert_eq!(said(403, "\"OK\"", "签名错误"), Sign::Refused);
        for msg in [
            "sign error",
            "SIGN_INVALID",
            "signError",
            "checkSign failed",
            "checksign failed",
            "request is unsigned",
            "错误sign错误",
            "Signature mismatch",
            "无效签名",
        ] {
            assert_eq!(said(200, "7", msg), Sign::Refused, "{msg}");
        }
        for msg in
            ["task assigned to robot", "designer offline", "design", "signal lost", "SignOut", "resigned", "assign"]
        {
            assert_ne!(said(200, "7", msg), Sign::Refused, "{msg}");
            let own = RefusalRule { by_words: false, ..usual.clone() };
            let reply = format!("{{\"code\":7,\"msg\":\"{msg}\"}}");
            assert_eq!(signature(&own, 200, reply.as_bytes()), Sign::Refused, "{msg}");
        }
    }

    #[test]
    fn two_replies_that_say_the_same() {
        let of = |status, reply: &str| fingerprint(status, reply.as_bytes());
        let one = of(403, r#"{"code":7,"msg":"签名错误 1","result":1}"#);
        assert_eq!(one, of(403, r#"{"msg":"签名错误 27","code":7}"#));
        for (status, reply) in [
            (200, r#"{"code":7,"msg":"签名错误 1"}"#),
            (403, r#"{"code":8,"msg":"签名错误 1"}"#),
            (403, r#"{"code":"E","msg":"签名错误 1"}"#),
            (403, r#"{"code":7,"msg":"未签名 1"}"#),
        ] {
            assert_ne!(one, of(status, reply), "{reply}");
        }
    }

    #[test]
    fn failures_and_refusals_of_the_time() {
        for (status, reply, failure, of_time) in [
            (200, r#"{"code":0,"msg":"time"}"#, false, false),
            (200, r#"{"code":200,"msg":"x"}"#, true, false),
            (200, r#"{"result":["a","b"],"msg":"time"}"#, false, false),
            (200, r#"{"code":7,"msg":"签名错误"}"#, true, true),
            (200, r#"{"code":7,"msg":"Timestamp expired"}"#, true, true),
            (500, "{}", true, false),
            (403, "{}", true, true),
        ] {
            assert_eq!(
                (is_failure(status, reply.as_bytes()), may_refuse_time(status, reply.as_bytes())),
                (failure, of_time),
                "{status} {reply}"
            );
        }
    }
}
