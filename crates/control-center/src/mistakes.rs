//! The usual mistakes: what a client may have signed in place of what is right, how it may have encoded that, and how it
//! may have written the digest. The right way comes first, and has no words.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::percent::{self, Encoding, Plus};
use crate::random::hex;
use crate::retold::retold;
use crate::source::{Content, Received, params};
use crate::words::{Words, words};

pub const PLUS_IS_SPACE: Words = words(
    "the query is decoded with + as a space (a + stays a plus here; send a space as %20)",
    "URL参数里的+被当作空格（这里+就是加号；空格应写为%20）",
);
pub const RAW_QUERY: Words = words(
    "the query is signed as it was sent (sign key=value decoded, and percent-encode only in the URL)",
    "签名用的是编码后的URL参数（应对解码后的key=value签名，只在URL里做百分号编码）",
);
pub const UNSORTED: Words = words(
    "the query is signed undecoded and unsorted (sign key=value decoded and sorted by key)",
    "签名用的URL参数既未解码也未按键排序（应对解码后的key=value按键排序再签名）",
);
pub const PASTED: Words = words(
    "a value with & = or % was pasted into the URL as it is (percent-encode each key and value on its own)",
    "含有&、=或%的值未经编码就拼进了URL（每个键和值都应单独做百分号编码）",
);
pub const PARAMS_FOR_BODY: Words = words(
    "the query is signed (only get signs it, all else signs the body)",
    "签名用的是URL参数（只有get对URL参数签名，其他方式对请求体签名）",
);
const NOT_ENCODED: Words = words("the source is signed without being percent-encoded", "源串未做百分号编码就签名了");
const FORM_ENCODED: Words = words(
    "the source is encoded as a form, with a space as + (write it as %20)",
    "源串按表单方式编码，空格成了+（应写为%20）",
);
const LOWER_HEX: Words = words(
    "the source's percent-encoding has lower-case hex (it must be upper-case)",
    "百分号编码用了小写十六进制（应为大写）",
);
const RAW_DIGEST: Words = words(
    "it is Base64 of the digest's 32 bytes (it must be Base64 of their lower-case hex text)",
    "它是摘要32个字节的Base64（应为摘要小写十六进制文本的Base64）",
);
const UPPER_HEX: Words =
    words("it is Base64 of upper-case hex (it must be lower-case)", "它是大写十六进制的Base64（应为小写）");
const BARE_HEX: Words =
    words("it is the digest's hex text (it must be Base64 of that text)", "它是摘要的十六进制文本本身（应再做Base64）");

/// Another key, or another end of the source string, that a client may have signed with by mistake.
pub struct Other {
    pub key: String,
    pub tail: String,
    pub mistake: Words,
}

/// A way, and what is wrong with it.
pub type Way<T> = (T, Option<Words>);

/// The text that must be signed, then those that are signed by mistake.
pub fn texts(received: &Received) -> Vec<Way<Vec<u8>>> {
    let mut texts = vec![(received.signed_text(), None)];
    match received.content {
        Content::Query(query) => {
            let mut pieces: Vec<&str> = query.split('&').collect();
            pieces.sort_by_key(|piece| piece.split('=').next());
            texts.push((pieces.join("&").into(), Some(RAW_QUERY)));
            texts.push((query.into(), Some(UNSORTED)));
            texts.extend(params(query, Plus::IsSpace).map(|text| (text, Some(PLUS_IS_SPACE))));
            texts.extend(percent::decoded(query).map(|text| (text.into(), Some(PASTED))));
        }
        Content::Body { body, query } => {
            texts.extend(params(query, Plus::Stays).map(|text| (text, Some(PARAMS_FOR_BODY))));
            texts.extend(retold(body).into_iter().map(|(text, words)| (text, Some(words))));
        }
        Content::Text(_) => {}
    }
    texts
}

pub fn encodings(own: Encoding, source: &[u8]) -> Vec<Way<Vec<u8>>> {
    let right = own.encode(source);
    let mut encodings = vec![];
    for rule in Encoding::ALL.into_iter().filter(|rule| *rule != own) {
        encodings.push((rule.encode(source).into_bytes(), Some(by_the_other_rule(rule, own))));
    }
    encodings.push((source.to_vec(), Some(NOT_ENCODED)));
    encodings.push((right.replace("%20", "+").into(), Some(FORM_ENCODED)));
    encodings.push((lower_hex(&right), Some(LOWER_HEX)));
    encodings.insert(0, (right.into(), None));
    encodings
}

fn by_the_other_rule(rule: Encoding, own: Encoding) -> Words {
    let (rule, own) = (rule.name(), own.name());
    Words::new(
        format!("the source is percent-encoded by the {rule} rule (this server follows {own}; see --encoding)"),
        format!("源串按{rule}规则做了百分号编码（这里按{own}规则；见--encoding）"),
    )
}

fn lower_hex(encoded: &str) -> Vec<u8> {
    let mut bytes = encoded.as_bytes().to_vec();
    let mut left = 0;
    for byte in &mut bytes {
        match byte {
            b'%' => left = 2,
            _ if left > 0 => {
                byte.make_ascii_lowercase();
                left -= 1;
            }
            _ => {}
        }
    }
    bytes
}

/// The ways of writing a digest as text.
pub fn forms(digest: &[u8]) -> [Way<String>; 4] {
    let hex = hex(digest);
    [
        (BASE64.encode(&hex), None),
        (BASE64.encode(digest), Some(RAW_DIGEST)),
        (BASE64.encode(hex.to_uppercase()), Some(UPPER_HEX)),
        (hex, Some(BARE_HEX)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_alone_becomes_lower_case() {
        assert_eq!(lower_hex("AB%E4%B8%ADCD%2F"), b"AB%e4%b8%adCD%2f");
    }
}
