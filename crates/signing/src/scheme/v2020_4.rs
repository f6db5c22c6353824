//! The scheme of generation 2020.4: sorted parameters, percent-encoded, HMAC-SHA256 under the access token.
//!
//! # The rule, step by step
//!
//! Given are the parameters (a JSON object), the mode, the access token, and the time in milliseconds since 1970.
//!
//! 1. **Text.** Each value of the object becomes text as Python's `str()` writes it: text as it is, `True`, `None`, `1e+16`,
//!    `{'k': "it's"}` ([`Values`] has two other ways).
//! 2. **Body and params.** The pairs are sorted by key, in the order of code points. The *body* is the JSON object of these
//!    texts as Python's `json.dumps(data, sort_keys=True)` writes it: `", "` and `": "` between the parts, all but ASCII as
//!    `\uXXXX` in lower case. The *params* are `key=value` of the same pairs, as they are, joined with `&`.
//! 3. **Source string.** `{params}&token={token}&timestamp={time}` for a get, `{body}&token={token}&timestamp={time}` for
//!    all others: [`Stamp::source`](super::Stamp::source).
//! 4. **Encoding.** The whole source string is percent-encoded, its `=` and `&` as well: UTF-8, upper-case hex, all but
//!    `A-Z a-z 0-9 - _ . ~ /` ([`Encoding::Python`]), or all but `A-Z a-z 0-9 - _ .` ([`Encoding::Java`]): [`Stamp::encoded`](super::Stamp::encoded).
//! 5. **Signature.** HMAC-SHA256 of that text under the token's bytes; its 32 bytes as 64 digits of lower-case hex; the
//!    Base64 of these 64 digits, not of the 32 bytes: [`Stamp::signature`](super::Stamp::signature).
//! 6. **What is sent.** The headers `accesstoken`, `timestamp` and `signature`, and:
//!
//! | mode | query of the URL | body | content type |
//! |---|---|---|---|
//! | get | the params | none | none |
//! | post | the params, or none by [`Query::None`] | the body | `application/x-www-form-urlencoded;charset=utf-8` |
//! | put, delete | none | the body | `application/json;charset=utf-8` |
//!
//! In the query each key and each value is percent-encoded on its own, so that the server decodes what was signed. The
//! reference client pastes them as they are, and a value with `& = # + %` then breaks its signature.
//!
//! A get of `{"procCode": "P001", "pageNum": 1}` with the token `t0ken` at the time 1:
//!
//! | step | text |
//! |---|---|
//! | params | `pageNum=1&procCode=P001` |
//! | source string | `pageNum=1&procCode=P001&token=t0ken&timestamp=1` |
//! | encoded | `pageNum%3D1%26procCode%3DP001%26token%3Dt0ken%26timestamp%3D1` |
//! | signature | `NzYzMzk4NTRlYmVlNTJhZTNjZTU3ZmMyMWMxNDcwMjlkODhmOWMwNjUyZDFiNTk0Yzc2NTVhNGQ4MGQ0OGYwMQ==` |
//!
//! The server proves a signature from the bytes that it received, so the body and the query are made once, here,
//! and are sent as they are.

use super::parameters::{Encoding, LoneSurrogate, Mode, Parameters, Query, Values};
use super::payload::{FORM, Payload, Sent};
use super::rule::{Pass, Scheme};

/// Generation 2020.4.
pub struct V2020_4;

impl Scheme for V2020_4 {
    fn name(&self) -> &'static str {
        "2020.4"
    }

    fn pass(&self) -> Pass {
        Pass::Token
    }

    fn usual(&self) -> (Encoding, Values) {
        (Encoding::Python, Values::Python)
    }

    fn payload(&self, call: &Parameters<'_>) -> Result<Payload, LoneSurrogate> {
        let body = |content_type| (call.body(), Sent::Body(content_type));
        let (query, (signed, sent)) = match (call.mode, call.query) {
            (Mode::Get, _) => (call.in_query()?, (call.params()?, Sent::Nothing(None))),
            (Mode::Post, Query::Params) => (call.in_query()?, body(FORM)),
            (Mode::Post, Query::None) => (None, body(FORM)),
            (Mode::Put | Mode::Delete, _) => (None, body("application/json;charset=utf-8")),
        };
        Ok(Payload { query, signed, sent })
    }

    fn end<'s>(&self, pass: &'s str, time: &'s str) -> [&'s str; 4] {
        ["&token=", pass, "&timestamp=", time]
    }

    fn pass_header(&self) -> Option<&'static str> {
        Some("accesstoken")
    }
}

#[cfg(test)]
mod tests {
    use super::super::Stamp;
    use super::*;
    use crate::python::{Value, loads};
    use crate::secret::Secret;

    fn body(payload: &Payload) -> Option<String> {
        let nothing = Secret::new(String::new());
        stamp(payload, &nothing, Encoding::Python).body("").0.map(|body| body.text().to_owned())
    }

    fn stamp<'s>(payload: &'s Payload, token: &'s Secret, encoding: Encoding) -> Stamp<'s> {
        Stamp { scheme: &V2020_4, payload, pass: token, encoding, timestamp: 1 }
    }

    fn payload(mode: Mode, json: &str, values: Values) -> Result<Payload, LoneSurrogate> {
        match loads(json) {
            Ok(Value::Dict(entries)) => V2020_4.payload(&Parameters::new(mode, &entries, values, Query::Params)),
            other => panic!("{other:?}"),
        }
    }

    /// The example of this file's head, computed by Python's `hmac`.
    #[test]
    fn the_example_of_the_rule() {
        let payload = payload(Mode::Get, r#"{"procCode": "P001", "pageNum": 1}"#, Values::Python).unwrap();
        let token = Secret::new("t0ken".into());
        let stamp = stamp(&payload, &token, Encoding::Python);
        assert_eq!(stamp.source().expose(), "pageNum=1&procCode=P001&token=t0ken&timestamp=1");
        let encoded = "pageNum%3D1%26procCode%3DP001%26token%3Dt0ken%26timestamp%3D1";
        assert_eq!(stamp.encoded().expose(), encoded);
        assert_eq!(
            stamp.signature(),
            "NzYzMzk4NTRlYmVlNTJhZTNjZTU3ZmMyMWMxNDcwMjlkODhmOWMwNjUyZDFiNTk0Yzc2NTVhNGQ4MGQ0OGYwMQ=="
        );
    }

    #[test]
    fn the_stages_of_a_get() {
        let payload = payload(Mode::Get, r#"{"b": "x y&", "a": [1], "/": "~"}"#, Values::Python).unwrap();
        let token = Secret::new("t0ken".into());
        let stamp = stamp(&payload, &token, Encoding::Java);
        assert_eq!(payload.query.as_deref(), Some("%2F=~&a=%5B1%5D&b=x%20y%26"));
        assert_eq!(body(&payload).as_deref(), None);
        assert_eq!(stamp.source().expose(), "/=~&a=[1]&b=x y&&token=t0ken&timestamp=1");
        let encoded = "%2F%3D%7E%26a%3D%5B1%5D%26b%3Dx%20y%26%26token%3Dt0ken%26timestamp%3D1";
        assert_eq!(stamp.encoded().expose(), encoded);
    }

    #[test]
    fn an_empty_key_still_separates() {
        // Python joins the pairs with "&"; "=" is a pair with an empty key and an empty value.
        let payload = payload(Mode::Get, r#"{"": "", "a": ""}"#, Values::Python).unwrap();
        assert_eq!(payload.signed, "=&a=");
        assert_eq!(payload.query.as_deref(), Some("=&a="));
    }

    #[test]
    fn native_bodies_and_their_params() {
        let payload = payload(Mode::Post, r#"{"b": {"z": 1.10, "y": null}, "a": "t"}"#, Values::Native).unwrap();
        assert_eq!(body(&payload).as_deref(), Some(r#"{"a": "t", "b": {"y": null, "z": 1.10}}"#));
        assert_eq!(payload.query.as_deref(), Some("a=t&b=%7B%22z%22%3A1.10%2C%22y%22%3Anull%7D"));
    }

    #[test]
    fn a_post_without_a_query_signs_and_sends_the_same_body() {
        let Ok(Value::Dict(entries)) = loads(r#"{"a": "x y", "键\ud800": 1}"#) else { panic!() };
        let post = |entries: &[_], query| V2020_4.payload(&Parameters::new(Mode::Post, entries, Values::Python, query));
        let without = post(&entries, Query::None).unwrap();
        assert_eq!(
            (without.query.as_deref(), body(&without).as_deref()),
            (None, Some(r#"{"a": "x y", "\u952e\ud800": "1"}"#))
        );
        let Ok(Value::Dict(entries)) = loads(r#"{"a": "x y"}"#) else { panic!() };
        let [with, without] = [Query::Params, Query::None].map(|url| post(&entries, url).unwrap());
        assert_eq!((with.query.as_deref(), without.query.as_deref()), (Some("a=x%20y"), None));
        let token = Secret::new("t0ken".into());
        let [with, without] = [with, without].map(|payload| stamp(&payload, &token, Encoding::Python).signature());
        assert_eq!(with, without);
    }

    #[test]
    fn half_a_pair_fits_a_body_and_no_query() {
        let json = r#"{"键\ud800": "a"}"#;
        let refused = LoneSurrogate { parameter: "键\u{fffd}".into() };
        assert_eq!(payload(Mode::Get, json, Values::Python).err(), Some(refused));
        let put = payload(Mode::Put, json, Values::Python).unwrap();
        assert_eq!(body(&put).as_deref(), Some(r#"{"\u952e\ud800": "a"}"#));
    }
}
