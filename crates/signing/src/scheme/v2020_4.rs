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
//!    all others: [`Stamp::source`].
//! 4. **Encoding.** The whole source string is percent-encoded, its `=` and `&` as well: UTF-8, upper-case hex, all but
//!    `A-Z a-z 0-9 - _ . ~ /` ([`Encoding::Python`]), or all but `A-Z a-z 0-9 - _ .` ([`Encoding::Java`]): [`Stamp::encoded`].
//! 5. **Signature.** HMAC-SHA256 of that text under the token's bytes; its 32 bytes as 64 digits of lower-case hex; the
//!    Base64 of these 64 digits, not of the 32 bytes: [`Stamp::signature`].
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

use std::borrow::Cow;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::python::{
    Entry, Escape, Text, Value, compact, escape_into, escape_to, sorted, str_of, write_json, write_json_string,
};
use crate::secret::Secret;

/// The four methods of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Signs its params, and sends them in the query.
    Get,
    /// Signs its body, and sends the params in the query as well.
    Post,
    /// Signs and sends a body alone.
    Put,
    /// Signs and sends a body alone.
    Delete,
}

/// How a top-level value that is not text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Values {
    /// As text, by Python's `str()`: what the reference client does.
    Python,
    /// As text that is its compact JSON.
    Json,
    /// As itself in the body, as compact JSON in the params.
    Native,
}

/// Which percent-encoding of the source string is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// As `urllib.parse.quote` writes it: `/` and `~` stay.
    Python,
    /// As the vendor states the server's rule: `/` and `~` are encoded, too.
    Java,
}

/// Whether a post's parameters stand in its URL as well as in its body. A get has them in the URL alone, a put and a
/// delete in the body alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Query {
    /// In both, as the reference client has it.
    Params,
    /// In the body alone. What is signed is the body in either case.
    None,
}

/// A parameter's text has no UTF-8 and therefore cannot stand in a query or a source string.
#[derive(Debug, PartialEq, Eq)]
pub struct LoneSurrogate {
    /// The parameter, its own lone surrogates replaced by U+FFFD.
    pub parameter: String,
}

/// What a call carries apart from its stamp: the parameters as they are signed and sent, the same for each attempt.
pub struct Payload {
    /// `key=value&...`, percent-encoded; absent where the mode has no query or there are no parameters.
    pub query: Option<String>,
    content: Content,
}

/// What is signed of a payload.
enum Content {
    /// The raw params of a get, which are sent percent-encoded, as its query.
    Params(String),
    /// The body of the others, which is sent as it is, and its content type.
    Body(String, &'static str),
}

impl Payload {
    /// Writes the parameters as `mode` sends them.
    pub fn new(mode: Mode, entries: &[Entry<'_>], values: Values, url: Query) -> Result<Payload, LoneSurrogate> {
        let entries: Vec<_> = sorted(entries).collect();
        let has_query = match mode {
            Mode::Get => true,
            Mode::Post => url == Query::Params,
            Mode::Put | Mode::Delete => false,
        };
        let query = if has_query { query(&entries, values)? } else { None };
        let content = match mode {
            Mode::Get => Content::Params(params(&entries, values)?),
            Mode::Post => Content::Body(body(&entries, values), "application/x-www-form-urlencoded;charset=utf-8"),
            Mode::Put | Mode::Delete => Content::Body(body(&entries, values), "application/json;charset=utf-8"),
        };
        Ok(Payload { query, content })
    }

    /// JSON text; a get has none.
    pub fn body(&self) -> Option<&str> {
        match &self.content {
            Content::Params(_) => None,
            Content::Body(body, _) => Some(body),
        }
    }

    /// The content type of the body.
    pub fn content_type(&self) -> Option<&'static str> {
        match self.content {
            Content::Params(_) => None,
            Content::Body(_, content_type) => Some(content_type),
        }
    }

    /// The text that the signature covers before token and time are added.
    fn signed(&self) -> &str {
        match &self.content {
            Content::Params(text) | Content::Body(text, _) => text,
        }
    }
}

/// One attempt's stamp: the payload under a token at a time. Each stage of the signature can be seen.
pub struct Stamp<'a> {
    /// What is signed, and sent.
    pub payload: &'a Payload,
    /// The access token, which is the key as well.
    pub token: &'a Secret,
    /// Of the source string.
    pub encoding: Encoding,
    /// Milliseconds since 1970.
    pub timestamp: u64,
}

impl Stamp<'_> {
    /// The source string: `{params or body}&token={token}&timestamp={ms}`.
    pub fn source(&self) -> Secret {
        self.joined(|part, text| text.push_str(part))
    }

    /// The source string percent-encoded.
    pub fn encoded(&self) -> Secret {
        self.joined(|part, text| escape_into(part, self.rule(), text))
    }

    fn joined(&self, write: impl Fn(&str, &mut String)) -> Secret {
        // Sized for the worst case, so that no reallocation leaves a copy of the token behind.
        let longest = self.payload.signed().len() + self.token.expose().len() + 64;
        let mut text = String::with_capacity(3 * longest);
        let timestamp = self.timestamp.to_string();
        for part in [self.payload.signed(), "&token=", self.token.expose(), "&timestamp="] {
            write(part, &mut text);
        }
        text.push_str(&timestamp);
        Secret::new(text)
    }

    /// Base64 of the lower-case hex of HMAC-SHA256 over the encoded source string, the token's bytes being the key.
    pub fn signature(&self) -> String {
        let key = self.token.expose().as_bytes();
        let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("an HMAC takes a key of any length");
        let mut timestamp = itoa::Buffer::new();
        let timestamp = timestamp.format(self.timestamp);
        let source = [self.payload.signed(), "&token=", self.token.expose(), "&timestamp=", timestamp];
        escape_to(&source, self.rule(), |piece| mac.update(piece));
        let mut hex = [0; 64];
        let hex = base16ct::lower::encode(&mac.finalize().into_bytes(), &mut hex).expect("32 bytes are 64 digits");
        BASE64_STANDARD.encode(hex)
    }

    fn rule(&self) -> Escape {
        match self.encoding {
            Encoding::Python => Escape::Python,
            Encoding::Java => Escape::Java,
        }
    }
}

/// The JSON text of the sorted parameters, as `json.dumps(data, sort_keys=True)` writes it.
fn body(entries: &[&Entry<'_>], values: Values) -> String {
    // Most texts are written as they were given; one of many megabytes is not to be copied as it grows.
    let mut body = String::with_capacity(length_given(entries));
    body.push('{');
    for (index, entry) in entries.iter().enumerate() {
        if index > 0 {
            body.push_str(", ");
        }
        write_json_string(&entry.key, &mut body);
        body.push_str(": ");
        match values {
            Values::Native => write_json(&entry.value, &mut body),
            Values::Python | Values::Json => write_json_string(&as_text(entry, values), &mut body),
        }
    }
    body.push('}');
    body
}

/// About as long as what comes of the entries.
fn length_given(entries: &[&Entry<'_>]) -> usize {
    entries.iter().map(|entry| entry.raw.len() + 64).sum::<usize>() + 64
}

/// `key=value` joined with `&`, raw: the text that a get signs.
fn params(entries: &[&Entry<'_>], values: Values) -> Result<String, LoneSurrogate> {
    let mut params = String::with_capacity(length_given(entries));
    for entry in entries {
        let value = as_text(entry, values);
        let (key, value) = utf8(entry, &value)?;
        if !params.is_empty() {
            params.push('&');
        }
        for part in [key, "=", value] {
            params.push_str(part);
        }
    }
    Ok(params)
}

/// The same pairs, each key and value percent-encoded on its own, so that the server decodes exactly what was
/// signed. The reference pastes them raw, and breaks on a value with `& = # + %`.
fn query(entries: &[&Entry<'_>], values: Values) -> Result<Option<String>, LoneSurrogate> {
    let mut query = String::with_capacity(length_given(entries));
    for entry in entries {
        let value = as_text(entry, values);
        let (key, value) = utf8(entry, &value)?;
        if !query.is_empty() {
            query.push('&');
        }
        escape_into(key, Escape::Component, &mut query);
        query.push('=');
        escape_into(value, Escape::Component, &mut query);
    }
    Ok((!entries.is_empty()).then_some(query))
}

/// A parameter's value as text. Text stays text, whatever `values` says.
fn as_text<'e>(entry: &'e Entry<'_>, values: Values) -> Cow<'e, Text<'e>> {
    match (&entry.value, values) {
        (Value::Text(_), _) | (_, Values::Python) => str_of(&entry.value),
        (_, Values::Json | Values::Native) => Cow::Owned(Text::Utf8(Cow::Owned(compact(entry.raw)))),
    }
}

fn utf8<'e>(entry: &'e Entry<'_>, value: &'e Text<'_>) -> Result<(&'e str, &'e str), LoneSurrogate> {
    entry.key.as_str().zip(value.as_str()).ok_or_else(|| {
        let shown = |point| char::from_u32(point).unwrap_or(char::REPLACEMENT_CHARACTER);
        LoneSurrogate { parameter: entry.key.code_points().map(shown).collect() }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::python::loads;

    fn payload(mode: Mode, json: &str, values: Values) -> Result<Payload, LoneSurrogate> {
        match loads(json) {
            Ok(Value::Dict(entries)) => Payload::new(mode, &entries, values, Query::Params),
            other => panic!("{other:?}"),
        }
    }

    /// The example of this file's head, computed by Python's `hmac`.
    #[test]
    fn the_example_of_the_rule() {
        let payload = payload(Mode::Get, r#"{"procCode": "P001", "pageNum": 1}"#, Values::Python).unwrap();
        let token = Secret::new("t0ken".into());
        let stamp = Stamp { payload: &payload, token: &token, encoding: Encoding::Python, timestamp: 1 };
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
        let stamp = Stamp { payload: &payload, token: &token, encoding: Encoding::Java, timestamp: 1 };
        assert_eq!(payload.query.as_deref(), Some("%2F=~&a=%5B1%5D&b=x%20y%26"));
        assert_eq!(payload.body(), None);
        assert_eq!(stamp.source().expose(), "/=~&a=[1]&b=x y&&token=t0ken&timestamp=1");
        let encoded = "%2F%3D%7E%26a%3D%5B1%5D%26b%3Dx%20y%26%26token%3Dt0ken%26timestamp%3D1";
        assert_eq!(stamp.encoded().expose(), encoded);
    }

    #[test]
    fn an_empty_key_still_separates() {
        // Python joins the pairs with "&"; "=" is a pair with an empty key and an empty value.
        let payload = payload(Mode::Get, r#"{"": "", "a": ""}"#, Values::Python).unwrap();
        assert_eq!(payload.signed(), "=&a=");
        assert_eq!(payload.query.as_deref(), Some("=&a="));
    }

    #[test]
    fn native_bodies_and_their_params() {
        let payload = payload(Mode::Post, r#"{"b": {"z": 1.10, "y": null}, "a": "t"}"#, Values::Native).unwrap();
        assert_eq!(payload.body(), Some(r#"{"a": "t", "b": {"y": null, "z": 1.10}}"#));
        assert_eq!(payload.query.as_deref(), Some("a=t&b=%7B%22z%22%3A1.10%2C%22y%22%3Anull%7D"));
    }

    #[test]
    fn a_post_without_a_query_signs_and_sends_the_same_body() {
        let Ok(Value::Dict(entries)) = loads(r#"{"a": "x y", "键\ud800": 1}"#) else { panic!() };
        let without = Payload::new(Mode::Post, &entries, Values::Python, Query::None).unwrap();
        assert_eq!((without.query.as_deref(), without.body()), (None, Some(r#"{"a": "x y", "\u952e\ud800": "1"}"#)));
        let Ok(Value::Dict(entries)) = loads(r#"{"a": "x y"}"#) else { panic!() };
        let [with, without] =
            [Query::Params, Query::None].map(|url| Payload::new(Mode::Post, &entries, Values::Python, url).unwrap());
        assert_eq!((with.query.as_deref(), without.query.as_deref()), (Some("a=x%20y"), None));
        let token = Secret::new("t0ken".into());
        let [with, without] = [with, without].map(|payload| {
            Stamp { payload: &payload, token: &token, encoding: Encoding::Python, timestamp: 1 }.signature()
        });
        assert_eq!(with, without);
    }

    #[test]
    fn half_a_pair_fits_a_body_and_no_query() {
        let json = r#"{"键\ud800": "a"}"#;
        let refused = LoneSurrogate { parameter: "键\u{fffd}".into() };
        assert_eq!(payload(Mode::Get, json, Values::Python).err(), Some(refused));
        let put = payload(Mode::Put, json, Values::Python).unwrap();
        assert_eq!(put.body(), Some(r#"{"\u952e\ud800": "a"}"#));
    }
}
