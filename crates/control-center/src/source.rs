//! What is signed, as it was received: the source string and its digest.

use ring::hmac;

use crate::percent::{self, Plus};

/// The part of a request that is signed.
#[derive(Clone, Copy)]
pub enum Content<'a> {
    /// The query as it came: its decoded pairs are signed, sorted by key.
    Query(&'a str),
    /// The body as it came. The query beside it is not signed.
    Body { body: &'a [u8], query: &'a str },
    /// A text that was put together from a form.
    Text(&'a str),
}

/// What a signature is checked against.
pub struct Received<'a> {
    pub content: Content<'a>,
    /// What follows the content in the source string.
    pub tail: String,
    /// The key of the HMAC.
    pub key: &'a str,
    pub signature: Option<&'a str>,
}

impl Received<'_> {
    pub fn signed_text(&self) -> Vec<u8> {
        match self.content {
            Content::Query(query) => params(query, Plus::Stays).unwrap_or_else(|| query.into()),
            Content::Body { body, .. } => body.to_vec(),
            Content::Text(text) => text.into(),
        }
    }

    pub fn source(&self) -> Vec<u8> {
        source(&self.signed_text(), &self.tail)
    }
}

pub fn source(text: &[u8], tail: &str) -> Vec<u8> {
    [text, tail.as_bytes()].concat()
}

/// `key=value` of the decoded pairs, sorted by key, joined with `&`.
///
/// The order is that of code points, which is the order of UTF-8's bytes too.
pub fn params(query: &str, plus: Plus) -> Option<Vec<u8>> {
    let mut pairs = percent::pairs(query, plus).ok()?;
    pairs.sort_by(|a, b| a.0.cmp(&b.0));
    let texts: Vec<String> = pairs.iter().map(|(key, value)| format!("{key}={value}")).collect();
    Some(texts.join("&").into_bytes())
}

pub fn digest(key: &str, text: &[u8]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    hmac::sign(&key, text).as_ref().to_vec()
}
