//! The scheme of generation 9 and before ("rapi"): one address for all that can be done, and a signature that anybody can
//! make.
//!
//! 1. **Source string.** `action={action}&param={param}&timestamp={seconds}`, the param being the parameters' compact JSON,
//!    its keys sorted at every level, all but ASCII as `\uXXXX`.
//! 2. **Encoding.** [`Encoding::Python`].
//! 3. **Signature.** As in [2020.4](super::v2020_4), the key being `isearch`.
//! 4. **What is sent.** A post of the form `action={action}&param={param}&timestamp={seconds}&sign={signature}&token={token}`,
//!    each value percent-encoded on its own.
//!
//! Inferred is that all but ASCII is escaped in the param: so it means the same in each charset that a server may read.

use super::parameters::{Encoding, LoneSurrogate, Parameters, Values};
use super::payload::{Payload, Sent};
use super::rule::{Pass, Scheme};

/// Generation 9 and before.
pub struct V9;

impl Scheme for V9 {
    fn name(&self) -> &'static str {
        "9"
    }

    fn pass(&self) -> Pass {
        Pass::Nothing
    }

    fn usual(&self) -> (Encoding, Values) {
        (Encoding::Python, Values::Native)
    }

    fn payload(&self, call: &Parameters<'_>) -> Result<Payload, LoneSurrogate> {
        let signed = ["action=", call.action, "&param=", &call.compact_body()].concat();
        Ok(Payload { query: None, signed, sent: Sent::Form { action: call.action.len() } })
    }

    fn end<'s>(&self, _: &'s str, time: &'s str) -> [&'s str; 4] {
        ["", "", "&timestamp=", time]
    }

    fn key<'s>(&self, _: &'s str) -> &'s str {
        "isearch"
    }

    fn time(&self, milliseconds: u64) -> u64 {
        milliseconds / 1000
    }

    fn port(&self) -> Option<u16> {
        Some(10_080)
    }

    fn path(&self) -> Option<&'static str> {
        Some("/rapi/rcall.action")
    }

    fn inferred(&self) -> Option<&'static str> {
        Some(
            "generation 9: inferred are that all but ASCII is escaped in the param, and what `token` is, which is sent and not signed (9版param中非ASCII字符的转义和token的含义为推断;token只发送,不参与签名)",
        )
    }

    fn pass_header(&self) -> Option<&'static str> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Body, Mode, Query, Stamp};
    use super::*;
    use crate::python::{Value, loads};
    use crate::secret::Secret;

    fn signed(action: &str, json: &str, token: &str, then: impl FnOnce(&Stamp<'_>)) {
        let Ok(Value::Dict(entries)) = loads(json) else { panic!("{json}") };
        let mut parameters = Parameters::new(Mode::Post, &entries, Values::Native, Query::Params);
        parameters.action = action;
        let payload = V9.payload(&parameters).unwrap();
        let token = Secret::new(token.to_owned());
        let timestamp = 1_361_431_471_999;
        then(&Stamp { scheme: &V9, payload: &payload, pass: &token, encoding: Encoding::Python, timestamp });
    }

    /// The vendor's own.
    #[test]
    fn the_known_answer() {
        signed("get-process", r#"{"proc_code": ""}"#, "", |stamp| {
            let source = r#"action=get-process&param={"proc_code":""}&timestamp=1361431471"#;
            assert_eq!(stamp.source().expose(), source);
            let answer = "MDJkMWEyZTY2MWZhY2ZmNWE3OTQwNmQ0ZWMwYzNlZDE1YWNjZjY3MGI0MjM1NjZmMmMzYjIyZDY5Y2Y5OGYxYg==";
            assert_eq!(stamp.signature(), answer);
        });
    }

    #[test]
    fn the_form_has_each_value_encoded_and_the_token_is_not_signed() {
        signed("a&param=b", r#"{"b": {"z": "中&=", "y": 1.10}, "a": " "}"#, "t&k", |stamp| {
            let source = r#"action=a&param=b&param={"a":" ","b":{"y":1.10,"z":"\u4e2d&="}}&timestamp=1361431471"#;
            assert_eq!(stamp.source().expose(), source);
            let form = "action=a%26param%3Db&param=%7B%22a%22%3A%22%20%22%2C%22b%22%3A%7B%22y%22%3A1.10%2C%22z%22%3A%22%5Cu4e2d%26%3D%22%7D%7D\
                 &timestamp=1361431471&sign=s%3D&token=t%26k";
            let (body, content_type) = stamp.body("s=");
            assert_eq!(body.as_ref().map(Body::text), Some(form));
            assert_eq!(content_type, Some("application/x-www-form-urlencoded;charset=utf-8"));
        });
    }
}
