//! Guesses why a signature was refused: tries the usual mistakes, and names the one that leads to
//! the signature received.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::percent::{Encoding, Plus};
use crate::random::hex;
use crate::source::{Content, Received, digest, params};

/// Above this size nothing is tried, since each try is an HMAC over all of it.
const SIZE_LIMIT: usize = 1 << 20;

const NO_MISTAKE: &str = "";
const PLUS_IS_SPACE: &str = "the query is decoded with + as a space (a + stays a plus here; send a space as %20)";
const RAW_QUERY: &str =
    "the query is signed as it was sent (sign key=value decoded, and percent-encode only in the URL)";
const UNSORTED: &str = "the query is signed undecoded and unsorted (sign key=value decoded and sorted by key)";
const PARAMS_FOR_BODY: &str = "the query is signed (only get signs it, all else signs the body)";
const NOT_ENCODED: &str = "the source is signed without being percent-encoded";
const RAW_DIGEST: &str = "it is Base64 of the digest's 32 bytes (it must be Base64 of their lower-case hex text)";
const UPPER_HEX: &str = "it is Base64 of upper-case hex (it must be lower-case)";
const BARE_HEX: &str = "it is the digest's hex text (it must be Base64 of that text)";

pub fn hint(encoding: Encoding, received: &Received) -> Option<String> {
    let Some(signature) = received.signature else {
        return Some("the request has no signature header".to_owned());
    };
    let (size, query) = match received.content {
        Content::Query(query) => (query.len(), query),
        Content::Body { body, query } => (body.len() + query.len(), query),
    };
    if size > SIZE_LIMIT {
        return None;
    }
    if let Some(mistakes) = mistakes(encoding, received, signature) {
        return Some(format!("the signature would match if {mistakes}"));
    }
    let is_get = matches!(received.content, Content::Query(_));
    (is_get && params(query, Plus::Stays) != params(query, Plus::IsSpace))
        .then(|| "the query holds a +, which stays a plus here (send a space as %20, a plus as %2B)".to_owned())
}

/// The mistakes that together lead to this very signature.
fn mistakes(encoding: Encoding, received: &Received, signature: &str) -> Option<String> {
    for (text, text_mistake) in texts(received) {
        let source = received.source(&text);
        for (encoded, encoding_mistake) in encodings(encoding, &source) {
            let digest = digest(received.token, &encoded);
            for (written, form_mistake) in forms(&digest) {
                if written == signature {
                    let mistakes = [text_mistake, &encoding_mistake, form_mistake];
                    let made: Vec<_> = mistakes.into_iter().filter(|m| !m.is_empty()).collect();
                    return Some(made.join(", and "));
                }
            }
        }
    }
    None
}

/// The text that must be signed, then those that are signed by mistake.
fn texts(received: &Received) -> Vec<(Vec<u8>, &'static str)> {
    let mut texts = vec![(received.signed_text(), NO_MISTAKE)];
    match received.content {
        Content::Query(query) => {
            let mut pieces: Vec<&str> = query.split('&').collect();
            pieces.sort_by_key(|piece| piece.split('=').next());
            texts.push((pieces.join("&").into(), RAW_QUERY));
            texts.push((query.into(), UNSORTED));
            texts.extend(params(query, Plus::IsSpace).map(|text| (text, PLUS_IS_SPACE)));
        }
        Content::Body { query, .. } => {
            texts.extend(params(query, Plus::Stays).map(|text| (text, PARAMS_FOR_BODY)));
        }
    }
    texts
}

fn encodings(own: Encoding, source: &[u8]) -> Vec<(Vec<u8>, String)> {
    let mut encodings = vec![(own.encode(source).into_bytes(), NO_MISTAKE.to_owned())];
    for rule in Encoding::ALL.into_iter().filter(|rule| *rule != own) {
        let mistake = format!(
            "the source is percent-encoded by the {} rule (this server follows {}; see --encoding)",
            rule.name(),
            own.name()
        );
        encodings.push((rule.encode(source).into_bytes(), mistake));
    }
    encodings.push((source.to_vec(), NOT_ENCODED.to_owned()));
    encodings
}

/// The ways of writing a digest as text.
fn forms(digest: &[u8]) -> [(String, &'static str); 4] {
    let hex = hex(digest);
    [
        (BASE64.encode(&hex), NO_MISTAKE),
        (BASE64.encode(digest), RAW_DIGEST),
        (BASE64.encode(hex.to_uppercase()), UPPER_HEX),
        (hex, BARE_HEX),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The hint for a signature made over `text`, encoded by `rule`, for a get of `query`.
    fn hint_for(query: &str, text: &str, rule: Encoding) -> Option<String> {
        let mut received = Received { content: Content::Query(query), token: "t", timestamp: "1", signature: None };
        let encoded = rule.encode(&received.source(text.as_bytes()));
        let signature = BASE64.encode(hex(&digest("t", encoded.as_bytes())));
        received.signature = Some(&signature);
        hint(Encoding::Python, &received)
    }

    #[test]
    fn the_mistake_is_named() {
        let python = |query, text| hint_for(query, text, Encoding::Python).unwrap();
        assert!(python("a=x%20y", "a=x%20y").ends_with(RAW_QUERY));
        assert!(python("b=%201&a=2", "b=%201&a=2").ends_with(UNSORTED));
        assert!(python("a=x+y", "a=x y").ends_with(PLUS_IS_SPACE));
        let java = hint_for("a=1/2", "a=1/2", Encoding::Java).unwrap();
        assert!(java.contains("by the java rule") && !java.contains(", and "), "{java}");
        let two = hint_for("a=x+/", "a=x /", Encoding::Java).unwrap();
        assert!(two.contains(PLUS_IS_SPACE) && two.contains("java rule"), "{two}");
    }

    #[test]
    fn an_unknown_mistake_gives_no_hint_but_for_a_plus() {
        assert_eq!(hint_for("a=1", "a=2", Encoding::Python), None);
        let plus = hint_for("a=x+y", "a=3", Encoding::Python).unwrap();
        assert!(plus.contains("holds a +"), "{plus}");
    }

    #[test]
    fn a_digest_written_wrongly_is_recognised() {
        let content = Content::Body { body: b"{}", query: "" };
        let source = b"{}&token=t&timestamp=1";
        let digest = digest("t", Encoding::Python.encode(source).as_bytes());
        for (signature, mistake) in &forms(&digest)[1..] {
            let received = Received { content, token: "t", timestamp: "1", signature: Some(signature) };
            let hint = hint(Encoding::Python, &received).unwrap();
            assert!(hint.ends_with(mistake), "{hint}");
        }
    }
}
