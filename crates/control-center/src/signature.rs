//! Whether a signature is right, and all stages on the way to it, computed from what was received.
//!
//! The source string is percent-encoded whole and signed by HMAC-SHA256; the signature is Base64 of the digest's
//! lower-case hex text. What the source string and the key are is each generation's own: see `scheme`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;

use crate::hint::{Guess, guess};
use crate::mistakes::Other;
use crate::percent::{Accepted, Encoding};
use crate::random::hex;
use crate::source::{Received, digest};
use crate::words::Words;

/// How much of a source string a refusal repeats.
const SHOWN_LIMIT: usize = 64 << 10;

/// What a person needs to find out why a signature was refused.
///
/// It holds the token, so it goes to the caller, who sent it, and to the page, and never to a log.
#[derive(Clone, Debug, Serialize)]
pub struct Stages {
    pub matches: bool,
    pub encoding: Encoding,
    pub source: String,
    pub encoded: String,
    pub expected: String,
    pub received: Option<String>,
    pub hint: Option<Words>,
    /// What the client signed, where that is proven.
    pub client: Option<Client>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Client {
    pub source: String,
    pub encoded: String,
}

/// The stages as a refusal answers them.
#[derive(Serialize)]
pub struct Mismatch<'a> {
    encoding: Encoding,
    source: &'a str,
    encoded: &'a str,
    expected: &'a str,
    received: Option<&'a str>,
    hint: Option<&'a str>,
}

pub fn check(accepted: Accepted, received: &Received, others: impl FnOnce() -> Vec<Other>) -> Stages {
    let source = received.source();
    let shown_source = shown(&String::from_utf8_lossy(&source));
    let mut first = None;
    for &encoding in accepted.rules() {
        let encoded = encoding.encode(&source);
        let expected = BASE64.encode(hex(&digest(received.key, encoded.as_bytes())));
        let stages = Stages {
            matches: received.signature == Some(expected.as_str()),
            encoding,
            source: shown_source.clone(),
            encoded: shown(&encoded),
            expected,
            received: received.signature.map(shown),
            hint: None,
            client: None,
        };
        if stages.matches {
            return stages;
        }
        first.get_or_insert(stages);
    }
    let mut stages = first.unwrap_or_else(|| unreachable!("there is always a rule"));
    if let Some(Guess { words, signed }) = guess(stages.encoding, received, others) {
        stages.hint = Some(words);
        stages.client = signed.map(|signed| Client {
            source: shown(&String::from_utf8_lossy(&signed.source)),
            encoded: shown(&String::from_utf8_lossy(&signed.encoded)),
        });
    }
    stages
}

impl Stages {
    pub fn mismatch(&self) -> Mismatch<'_> {
        Mismatch {
            encoding: self.encoding,
            source: &self.source,
            encoded: &self.encoded,
            expected: &self.expected,
            received: self.received.as_deref(),
            hint: self.hint.as_ref().map(|words| words.en.as_ref()),
        }
    }
}

fn shown(text: &str) -> String {
    match text.char_indices().find(|(at, _)| *at >= SHOWN_LIMIT) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}... ({} bytes more)", &text[..at], text.len() - at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Content;

    const TOKEN: &str = "9f2c4b7e1d5a48c0b3e6a7d812f45c90";

    fn check_known(accepted: Accepted, content: Content, signature: &str) -> Stages {
        let tail = format!("&token={TOKEN}&timestamp=1606694400000");
        check(accepted, &Received { content, key: TOKEN, tail, signature: Some(signature) }, Vec::new)
    }

    fn body(text: &str) -> Content<'_> {
        Content::Body { body: text.as_bytes(), query: "" }
    }

    #[test]
    fn known_answer_get() {
        // Sent out of order and over-encoded: what counts is what it decodes to.
        for query in ["pageNum=1&pageSize=20&procCode=P001", "procCode=%50001&pageSize=20&pageNum=1"] {
            let signature = "MDdjYTc1YTUxNjdkMGFlNjQxYWFjNTA2MmUzMzc3MzRhNzg2NWY2ZTBhZjRlMDJlOThjODFkNjMyMTMwZDEwMw==";
            assert!(check_known(Accepted::Python, Content::Query(query), signature).matches);
        }
    }

    #[test]
    fn known_answer_empty_get() {
        let signature = "NjdiNTY3YWRhYjNlMDgxOGYxMTc1ZmZmZmVhNGE1NTFmM2Y2ZmZjMDc1YmYxMjQwNjY5N2YxZmE4YTQzZTBjOA==";
        assert!(check_known(Accepted::Python, Content::Query(""), signature).matches);
    }

    #[test]
    fn known_answer_post() {
        let text = r#"{"note": "\u6708\u7ed3 2020/11/30 ~ \u5b8c\u6210", "procCode": "P001", "robotNo": "Administrator@0A1B2C3D4E5F"}"#;
        let signature = "YjBjZjU1NzczOGJmYjc2ZWU0OWYyMjBjYWZjYjUyMTM5OWNhZjM1ZjBiZDI3YTIxNDdmZmE4YjE3ZGJiYjg1Mw==";
        assert!(check_known(Accepted::Python, body(text), signature).matches);
        // It holds / and ~, where the rules part.
        let refused = check_known(Accepted::Java, body(text), signature);
        assert!(!refused.matches && refused.encoded.contains("2020%2F11%2F30%20%7E"));
        assert!(refused.hint.unwrap().en.contains("python rule"));
        assert!(refused.client.unwrap().encoded.contains("2020/11/30%20~"));
        let either = check_known(Accepted::Either, body(text), signature);
        assert_eq!((either.matches, either.encoding), (true, Encoding::Python));
    }

    #[test]
    fn known_answer_put() {
        let text = r#"{"big": "1e+16", "enabled": "True", "jobNo": "3f2b8c1e-5d64-4a97-9c0e-7b1a2d3e4f50", "level": "None", "list": "[1, 'a', None]", "obj": "{'k': \"it's\"}", "ratio": "0.1"}"#;
        let signature = "YmZhNWE4YWQ5NDRkYjEwZDNkOTRkMjFlNmNlZGY4ZjNlNmIxNzBhNDgyYTAyNzJjM2VmNzg1NzRmMDQzYTU4ZQ==";
        assert!(check_known(Accepted::Python, body(text), signature).matches);
    }

    #[test]
    fn known_answer_delete() {
        let text = r#"{"jobNo": "3f2b8c1e-5d64-4a97-9c0e-7b1a2d3e4f50"}"#;
        let signature = "NjJkYTZiNzVkOGM3MTMxZDRlZGE2YjMyNzY1ZTQ0MThlOWJmNWU4MGMyNzBhZTJiN2YwY2NjYWFkYmFjNmRiNA==";
        for accepted in [Accepted::Python, Accepted::Java, Accepted::Either] {
            assert!(check_known(accepted, body(text), signature).matches);
        }
    }

    #[test]
    fn a_refusal_says_what_was_computed() {
        let query = Content::Query("b=%E4%B8%AD&a=1%262");
        let refused = check_known(Accepted::Python, query, "c2lnbmVk");
        let tail = format!("&token={TOKEN}&timestamp=1606694400000");
        assert_eq!(refused.source, format!("a=1&2&b=中{tail}"));
        assert!(refused.encoded.starts_with("a%3D1%262%26b%3D%E4%B8%AD%26token%3D"));
        assert_eq!(refused.received.as_deref(), Some("c2lnbmVk"));
        assert!(check_known(Accepted::Python, query, &refused.expected).matches);
    }

    #[test]
    fn a_long_source_is_cut_between_characters() {
        let text = "中".repeat(SHOWN_LIMIT);
        let cut = shown(&text);
        assert!(cut.len() < SHOWN_LIMIT + 64 && cut.ends_with("bytes more)"));
        assert_eq!(shown("中"), "中");
    }
}
