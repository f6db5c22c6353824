//! The signature of generation 2020.4, computed from what was received.
//!
//! Source string: the params (get) or the body (all else), then `&token=...&timestamp=...`. It is
//! percent-encoded whole and signed by HMAC-SHA256 with the access token as key; the signature is
//! Base64 of the digest's lower-case hex text.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;

use crate::hint::hint;
use crate::percent::Encoding;
use crate::random::hex;
use crate::source::{Received, digest};

/// How much of a source string a refusal repeats.
const SHOWN_LIMIT: usize = 64 << 10;

/// What a person needs to find out why a signature was refused.
///
/// It holds the token, so it goes to the caller, who sent it, and never to a log.
#[derive(Debug, Serialize)]
pub struct Mismatch {
    encoding: Encoding,
    source: String,
    encoded: String,
    expected: String,
    received: Option<String>,
    hint: Option<String>,
}

pub fn check(encoding: Encoding, received: &Received) -> Result<(), Box<Mismatch>> {
    let source = received.source(&received.signed_text());
    let encoded = encoding.encode(&source);
    let expected = BASE64.encode(hex(&digest(received.token, encoded.as_bytes())));
    if received.signature == Some(expected.as_str()) {
        return Ok(());
    }
    Err(Box::new(Mismatch {
        encoding,
        source: shown(&String::from_utf8_lossy(&source)),
        encoded: shown(&encoded),
        expected,
        received: received.signature.map(shown),
        hint: hint(encoding, received),
    }))
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

    fn check_known(encoding: Encoding, content: Content, signature: &str) -> Result<(), Box<Mismatch>> {
        let received = Received { content, token: TOKEN, timestamp: "1606694400000", signature: Some(signature) };
        check(encoding, &received)
    }

    fn body(text: &str) -> Content<'_> {
        Content::Body { body: text.as_bytes(), query: "" }
    }

    #[test]
    fn known_answer_get() {
        // Sent out of order and over-encoded: what counts is what it decodes to.
        for query in ["pageNum=1&pageSize=20&procCode=P001", "procCode=%50001&pageSize=20&pageNum=1"] {
            let signature = "MDdjYTc1YTUxNjdkMGFlNjQxYWFjNTA2MmUzMzc3MzRhNzg2NWY2ZTBhZjRlMDJlOThjODFkNjMyMTMwZDEwMw==";
            check_known(Encoding::Python, Content::Query(query), signature).unwrap();
        }
    }

    #[test]
    fn known_answer_empty_get() {
        let signature = "NjdiNTY3YWRhYjNlMDgxOGYxMTc1ZmZmZmVhNGE1NTFmM2Y2ZmZjMDc1YmYxMjQwNjY5N2YxZmE4YTQzZTBjOA==";
        check_known(Encoding::Python, Content::Query(""), signature).unwrap();
    }

    #[test]
    fn known_answer_post() {
        let text = r#"{"note": "\u6708\u7ed3 2020/11/30 ~ \u5b8c\u6210", "procCode": "P001", "robotNo": "Administrator@0A1B2C3D4E5F"}"#;
        let signature = "YjBjZjU1NzczOGJmYjc2ZWU0OWYyMjBjYWZjYjUyMTM5OWNhZjM1ZjBiZDI3YTIxNDdmZmE4YjE3ZGJiYjg1Mw==";
        check_known(Encoding::Python, body(text), signature).unwrap();
        // It holds / and ~, where the rules part.
        let refused = check_known(Encoding::Java, body(text), signature).unwrap_err();
        assert!(refused.encoded.contains("2020%2F11%2F30%20%7E"));
        assert!(refused.hint.unwrap().contains("python rule"));
    }

    #[test]
    fn known_answer_put() {
        let text = r#"{"big": "1e+16", "enabled": "True", "jobNo": "3f2b8c1e-5d64-4a97-9c0e-7b1a2d3e4f50", "level": "None", "list": "[1, 'a', None]", "obj": "{'k': \"it's\"}", "ratio": "0.1"}"#;
        let signature = "YmZhNWE4YWQ5NDRkYjEwZDNkOTRkMjFlNmNlZGY4ZjNlNmIxNzBhNDgyYTAyNzJjM2VmNzg1NzRmMDQzYTU4ZQ==";
        check_known(Encoding::Python, body(text), signature).unwrap();
    }

    #[test]
    fn known_answer_delete() {
        let text = r#"{"jobNo": "3f2b8c1e-5d64-4a97-9c0e-7b1a2d3e4f50"}"#;
        let signature = "NjJkYTZiNzVkOGM3MTMxZDRlZGE2YjMyNzY1ZTQ0MThlOWJmNWU4MGMyNzBhZTJiN2YwY2NjYWFkYmFjNmRiNA==";
        for encoding in Encoding::ALL {
            check_known(encoding, body(text), signature).unwrap();
        }
    }

    #[test]
    fn a_refusal_says_what_was_computed() {
        let query = Content::Query("b=%E4%B8%AD&a=1%262");
        let refused = check_known(Encoding::Python, query, "c2lnbmVk").unwrap_err();
        let tail = format!("&token={TOKEN}&timestamp=1606694400000");
        assert_eq!(refused.source, format!("a=1&2&b=中{tail}"));
        assert!(refused.encoded.starts_with("a%3D1%262%26b%3D%E4%B8%AD%26token%3D"));
        assert_eq!(refused.received.as_deref(), Some("c2lnbmVk"));
        check_known(Encoding::Python, query, &refused.expected).unwrap();
    }

    #[test]
    fn a_long_source_is_cut_between_characters() {
        let text = "中".repeat(SHOWN_LIMIT);
        let cut = shown(&text);
        assert!(cut.len() < SHOWN_LIMIT + 64 && cut.ends_with("bytes more)"));
        assert_eq!(shown("中"), "中");
    }
}
