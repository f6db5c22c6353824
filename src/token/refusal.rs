//! Whether a reply refuses the token, and what such a refusal looks like.

use std::fmt;

use serde::Serialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Number;

use super::record::Record;
use crate::request::RefusalRule;

/// A token that nobody knows the life of is old enough to have expired from this age on.
const YOUNG_MS: u64 = 5 * 60 * 1000;
/// How far two clocks that are kept in step may differ.
const SLACK_MS: u64 = 2_000;

/// What a refused token looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Refusal {
    /// Its time was up.
    Expiry,
    /// It was refused before its time: somebody who does not share this store got another one for the same keys.
    Eviction,
    /// Another thread, process or machine that shares the store had got a newer one.
    Renewed,
}

impl Refusal {
    /// What the refusal of this token looks like by its times alone.
    pub(super) fn of(record: &Record, now_ms: Option<u64>) -> Refusal {
        let is_over = |now: u64| match record.expires_ms {
            Some(expires) => now.saturating_add(SLACK_MS) >= expires,
            None => record.age_ms(now) >= YOUNG_MS,
        };
        // Without a clock nothing speaks against the usual reason.
        if now_ms.is_none_or(is_over) { Refusal::Expiry } else { Refusal::Eviction }
    }
}

/// Whether the server refuses the token, by what the caller says of this server's replies.
pub(crate) fn is_refused(rule: &RefusalRule, status: u16, reply: &str) -> bool {
    if rule.http_status.contains(&status) {
        return true;
    }
    let envelope = Envelope::read(reply);
    let Some(code) = envelope.code.filter(|&code| code != 0) else { return false };
    let msg = envelope.msg.to_lowercase();
    rule.code.contains(&code) || rule.msg.iter().any(|piece| msg.contains(piece.as_str()))
}

/// Whether the reply is one to a call that was let in and done.
pub(crate) fn is_success(status: u16, reply: &str) -> bool {
    status < 400 && Envelope::read(reply).code == Some(0)
}

/// What the server says of a call, in a reply of any kind.
#[derive(Default)]
struct Envelope {
    code: Option<i64>,
    msg: String,
}

impl Envelope {
    fn read(reply: &str) -> Envelope {
        let mut envelope = Envelope::default();
        // A success is not read to its end, which may be megabytes away; that is an error to serde_json, and to nobody else.
        let _ = serde_json::Deserializer::from_str(reply).deserialize_map(Reader(&mut envelope));
        envelope
    }
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
                "code" => self.0.code = map.next_value::<serde_json::Value>()?.as_number().and_then(Number::as_i64),
                "msg" => self.0.msg = map.next_value::<serde_json::Value>()?.as_str().unwrap_or_default().to_owned(),
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
    use crate::token::record::tests::record;

    #[test]
    fn by_status_code_or_message() {
        let usual = RefusalRule::default();
        for (status, reply, refused) in [
            (401, "{\"code\":0}", true),
            (401, "", true),
            (200, r#"{"code":401,"msg":"x"}"#, true),
            (200, r#"{"msg":"Access TOKEN expired","code":7}"#, true),
            (500, r#"{"code":"401","msg":"令牌已过期"}"#, false),
            (500, r#"{"result":{"code":401},"code":40,"msg":"令牌已过期"}"#, true),
            (200, r#"{"code":0,"msg":"token"}"#, false),
            (200, r#"{"code":0,"result":["#, false),
            (200, r#"{"code":7,"msg":"x","result":"token"}"#, false),
            (200, r#"{"code":7,"msg":null}"#, false),
            (403, r#"[{"code":401}]"#, false),
            (200, "null", false),
        ] {
            assert_eq!(is_refused(&usual, status, reply), refused, "{status} {reply}");
        }
        let own = RefusalRule { http_status: vec![], code: vec![-3], msg: vec!["失效".into()] };
        for (status, reply, refused) in [
            (401, r#"{"code":401,"msg":"token"}"#, false),
            (200, r#"{"code":-3}"#, true),
            (200, r#"{"code":1,"msg":"已失效"}"#, true),
        ] {
            assert_eq!(is_refused(&own, status, reply), refused, "{status} {reply}");
        }
    }

    #[test]
    fn before_its_time_or_not() {
        let of = |expires_ms, now| Refusal::of(&Record { expires_ms, ..record(1, "t") }, Some(now));
        assert_eq!(of(Some(10_000), 7_000), Refusal::Eviction);
        assert_eq!(of(Some(10_000), 8_000), Refusal::Expiry);
        assert_eq!(of(None, YOUNG_MS - 1), Refusal::Eviction);
        assert_eq!(of(None, YOUNG_MS), Refusal::Expiry);
    }
}
