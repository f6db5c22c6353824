//! Guesses why a signature was refused: tries the usual mistakes, and names those that lead to the signature received.
//! Then it is known what the client signed.

use crate::mistakes::{Other, Way, encodings, forms, texts};
use crate::percent::{Encoding, Plus};
use crate::source::{Content, Received, digest, params, source};
use crate::words::{Words, words};

/// Above this size nothing is tried, since each try is an HMAC over all of it.
const SIZE_LIMIT: usize = 256 << 10;
/// Above this one other keys and tails are not tried.
const OTHERS_LIMIT: usize = 16 << 10;

const NO_SIGNATURE: Words = words("the request has no signature header", "请求没有signature请求头");
const A_PLUS: Words = words(
    "the query holds a +, which stays a plus here (send a space as %20, a plus as %2B)",
    "URL参数里有+，这里+就是加号（空格应写为%20，加号应写为%2B）",
);

/// What a client signed, as the signature proves.
pub struct Signed {
    pub source: Vec<u8>,
    pub encoded: Vec<u8>,
}

pub struct Guess {
    pub words: Words,
    /// `None` where it is only a guess.
    pub signed: Option<Signed>,
}

impl Guess {
    fn unproven(words: Words) -> Self {
        Self { words, signed: None }
    }
}

pub fn guess(encoding: Encoding, received: &Received, others: impl FnOnce() -> Vec<Other>) -> Option<Guess> {
    let Some(signature) = received.signature else {
        return Some(Guess::unproven(NO_SIGNATURE));
    };
    let (size, query) = match received.content {
        Content::Query(query) => (query.len(), Some(query)),
        Content::Body { body, query } => (body.len() + query.len(), None),
        Content::Text(text) => (text.len(), None),
    };
    if size > SIZE_LIMIT {
        return None;
    }
    let own = [(received.key, received.tail.as_str(), None)];
    let found = proven(encoding, received, signature, &own).or_else(|| {
        let others = if size <= OTHERS_LIMIT { others() } else { Vec::new() };
        let others: Vec<_> =
            others.iter().map(|other| (other.key.as_str(), other.tail.as_str(), Some(&other.mistake))).collect();
        proven(encoding, received, signature, &others)
    });
    let plus = |query| params(query, Plus::Stays) != params(query, Plus::IsSpace);
    found.or_else(|| query.is_some_and(plus).then(|| Guess::unproven(A_PLUS)))
}

/// The mistakes that together lead to this very signature.
fn proven(
    encoding: Encoding,
    received: &Received,
    signature: &str,
    keys: &[(&str, &str, Option<&Words>)],
) -> Option<Guess> {
    let texts = texts(received);
    for (key, tail, key_mistake) in keys {
        for (text, text_mistake) in &texts {
            let source = source(text, tail);
            for (encoded, encoding_mistake) in encodings(encoding, &source) {
                let written = forms(&digest(key, &encoded));
                let Some((_, form_mistake)) = written.iter().find(|(written, _): &&Way<String>| written == signature)
                else {
                    continue;
                };
                let mistakes = [*key_mistake, text_mistake.as_ref(), encoding_mistake.as_ref(), form_mistake.as_ref()];
                let words = told(mistakes.into_iter().flatten());
                return Some(Guess { words, signed: Some(Signed { source, encoded }) });
            }
        }
    }
    None
}

fn told<'a>(mistakes: impl Iterator<Item = &'a Words> + Clone) -> Words {
    let english: Vec<_> = mistakes.clone().map(|words| words.en.as_ref()).collect();
    let chinese: Vec<_> = mistakes.map(|words| words.zh.as_ref()).collect();
    Words::new(
        format!("the signature would match if {}", english.join(", and ")),
        format!("如果是这样，签名就对得上：{}", chinese.join("；并且")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mistakes::{PASTED, PLUS_IS_SPACE, RAW_QUERY, UNSORTED};
    use crate::random::hex;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD as BASE64;

    const TAIL: &str = "&token=t&timestamp=1";

    fn received<'a>(content: Content<'a>, signature: Option<&'a str>) -> Received<'a> {
        Received { content, key: "t", tail: TAIL.to_owned(), signature }
    }

    fn signed(key: &str, encoded: &[u8]) -> String {
        BASE64.encode(hex(&digest(key, encoded)))
    }

    /// The guess at a signature made over `text`, encoded by `rule`, for a get of `query`.
    fn guess_for(query: &str, text: &str, rule: Encoding) -> Option<Guess> {
        let signature = signed("t", rule.encode(&source(text.as_bytes(), TAIL)).as_bytes());
        guess(Encoding::Python, &received(Content::Query(query), Some(&signature)), Vec::new)
    }

    #[test]
    fn the_mistake_is_named() {
        let python = |query, text| guess_for(query, text, Encoding::Python).unwrap().words;
        for (query, text, mistake) in [
            ("a=x%20y", "a=x%20y", RAW_QUERY),
            ("b=%201&a=2", "b=%201&a=2", UNSORTED),
            ("a=x+y", "a=x y", PLUS_IS_SPACE),
            ("note=%E6%9C%88&%E5%B9%B4&p=1", "note=月&年&p=1", PASTED),
        ] {
            let words = python(query, text);
            assert!(words.en.ends_with(&*mistake.en) && words.zh.ends_with(&*mistake.zh), "{words:?}");
        }
        let java = guess_for("a=1/2", "a=1/2", Encoding::Java).unwrap().words.en;
        assert!(java.contains("by the java rule") && !java.contains(", and "), "{java}");
        let two = guess_for("a=x+/", "a=x /", Encoding::Java).unwrap().words.en;
        assert!(two.contains(&*PLUS_IS_SPACE.en) && two.contains("java rule"), "{two}");
    }

    #[test]
    fn what_the_client_signed_is_known_then() {
        let signed = guess_for("a=1/2", "a=1/2", Encoding::Java).unwrap().signed.unwrap();
        assert_eq!(signed.source, b"a=1/2&token=t&timestamp=1");
        assert_eq!(signed.encoded, b"a%3D1%2F2%26token%3Dt%26timestamp%3D1");
    }

    #[test]
    fn an_unknown_mistake_gives_no_guess_but_for_a_plus() {
        assert!(guess_for("a=1", "a=2", Encoding::Python).is_none());
        let plus = guess_for("a=x+y", "a=3", Encoding::Python).unwrap();
        assert!(plus.words == A_PLUS && plus.signed.is_none());
    }

    #[test]
    fn a_digest_written_wrongly_is_recognised() {
        let content = Content::Body { body: b"{}", query: "" };
        let digest = digest("t", Encoding::Python.encode(&source(b"{}", TAIL)).as_bytes());
        for (signature, mistake) in &forms(&digest)[1..] {
            let guess = guess(Encoding::Python, &received(content, Some(signature)), Vec::new).unwrap();
            assert!(guess.words.en.ends_with(&*mistake.as_ref().unwrap().en), "{:?}", guess.words);
        }
    }

    #[test]
    fn another_body_and_another_key_are_recognised() {
        let content = Content::Body { body: br#"{"b":1,"a":"\u6708"}"#, query: "" };
        let compact = source("{\"a\":\"月\",\"b\":1}".as_bytes(), TAIL);
        let signature = signed("t", Encoding::Python.encode(&compact).as_bytes());
        let found = guess(Encoding::Python, &received(content, Some(&signature)), Vec::new).unwrap();
        assert!(found.words.en.contains("compact with its Chinese unescaped"), "{:?}", found.words);

        let other = || {
            let mistake = words("an older token", "旧token");
            vec![Other { key: "old".to_owned(), tail: "&token=old&timestamp=1".to_owned(), mistake }]
        };
        let text = source(br#"{"b":1,"a":"\u6708"}"#, "&token=old&timestamp=1");
        let signature = signed("old", Encoding::Python.encode(&text).as_bytes());
        let found = guess(Encoding::Python, &received(content, Some(&signature)), other).unwrap();
        assert!(found.words.en.ends_with("an older token"), "{:?}", found.words);
        assert_eq!(found.signed.unwrap().source, text);
    }
}
