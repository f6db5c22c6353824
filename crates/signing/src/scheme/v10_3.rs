//! The scheme of generation 10.3: one key, the appkey, and no token.
//!
//! 1. **Params** are `key=value` of the pairs, sorted by key, as they are, joined with `&`. The **body** is the pairs'
//!    compact JSON, sorted by key, all but ASCII as `\uXXXX`.
//! 2. **Source string.** `{body}&appkey={appkey}&timestamp={ms}` for a put, `{params}&appkey={appkey}&timestamp={ms}` for all
//!    others.
//! 3. **Encoding.** [`Encoding::Java`], as the vendor states it for this generation.
//! 4. **Signature.** As in [2020.4](super::v2020_4), the key being the appkey.
//! 5. **What is sent.** The headers `appkey`, `timestamp` and `signature`, and:
//!
//! | mode | query of the URL | body | content type |
//! |---|---|---|---|
//! | get | the params | none | `application/json; charset=UTF-8` |
//! | post, delete | the params | none | none |
//! | put | none | the body | `application/json; charset=UTF-8` |
//!
//! Inferred is how a value that is no text is written ([`Values::Native`]: as its compact JSON), that keys are sorted, and
//! that a delete has no content type.

use super::parameters::{Encoding, LoneSurrogate, Mode, Parameters, Values};
use super::payload::{Payload, Sent};
use super::rule::{Pass, Scheme};

/// Generation 10.3.
pub struct V10_3;

const JSON: &str = "application/json; charset=UTF-8";

impl Scheme for V10_3 {
    fn name(&self) -> &'static str {
        "10.3"
    }

    fn pass(&self) -> Pass {
        Pass::AppKey
    }

    fn usual(&self) -> (Encoding, Values) {
        (Encoding::Java, Values::Native)
    }

    fn payload(&self, call: &Parameters<'_>) -> Result<Payload, LoneSurrogate> {
        if call.mode == Mode::Put {
            return Ok(Payload { query: None, signed: call.compact_body(), sent: Sent::Body(JSON) });
        }
        let content_type = (call.mode == Mode::Get).then_some(JSON);
        Ok(Payload { query: call.in_query()?, signed: call.params()?, sent: Sent::Nothing(content_type) })
    }

    fn end<'s>(&self, pass: &'s str, time: &'s str) -> [&'s str; 4] {
        ["&appkey=", pass, "&timestamp=", time]
    }

    fn inferred(&self) -> Option<&'static str> {
        Some(
            "generation 10.3: inferred are the order of keys, and how a value that is no text is written, which `values` changes (10.3的键排序和非文本值的写法为推断;后者可用values更改)",
        )
    }

    fn pass_header(&self) -> Option<&'static str> {
        Some("appkey")
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Body, Query, Stamp};
    use super::*;
    use crate::python::{Value, loads};
    use crate::secret::Secret;

    #[test]
    fn the_stages_in_each_mode() {
        let Ok(Value::Dict(entries)) = loads(r#"{"b": "x y/", "a": [1, true], "n": 1.50}"#) else { panic!() };
        let (key, params) = (Secret::new("k/y".into()), "a=[1,true]&b=x y/&n=1.50&appkey=k/y&timestamp=7");
        let query = Some("a=%5B1%2Ctrue%5D&b=x%20y%2F&n=1.50");
        let body = r#"{"a":[1,true],"b":"x y/","n":1.50}"#;
        for (mode, source, query, body, content_type) in [
            (Mode::Get, params, query, None, Some(JSON)),
            (Mode::Post, params, query, None, None),
            (Mode::Delete, params, query, None, None),
            (Mode::Put, &format!("{body}&appkey=k/y&timestamp=7"), None, Some(body), Some(JSON)),
        ] {
            let payload = V10_3.payload(&Parameters::new(mode, &entries, Values::Native, Query::Params)).unwrap();
            let stamp = Stamp { scheme: &V10_3, payload: &payload, pass: &key, encoding: Encoding::Java, timestamp: 7 };
            assert_eq!((stamp.source().expose(), payload.query.as_deref()), (source, query));
            let (sent, sent_type) = stamp.body("");
            assert_eq!((sent.as_ref().map(Body::text), sent_type), (body, content_type));
        }
    }
}
