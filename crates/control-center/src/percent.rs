//! Percent-encoding by hand: a byte loop each way, so that nothing is shared with the library under test.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// The two rules by which a source string is encoded before it is signed. They differ on `/` and `~` only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    Python,
    Java,
}

/// By which rules a signature may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Accepted {
    /// Python 3.7's urllib.parse.quote, which keeps / and ~
    Python,
    /// Java's URLEncoder with +, * and ~ percent-encoded too, as the vendor states for its server
    Java,
    /// Whichever of the two it was signed by
    Either,
}

impl Accepted {
    /// The rule that a refusal shows comes first.
    pub fn rules(self) -> &'static [Encoding] {
        match self {
            Self::Python => &[Encoding::Python],
            Self::Java => &[Encoding::Java],
            Self::Either => &Encoding::ALL,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Java => "java",
            Self::Either => "either",
        }
    }
}

impl Encoding {
    pub const ALL: [Self; 2] = [Self::Python, Self::Java];

    pub fn name(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Java => "java",
        }
    }

    fn keeps(self, byte: u8) -> bool {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' => true,
            b'/' | b'~' => self == Self::Python,
            _ => false,
        }
    }

    pub fn encode(self, bytes: &[u8]) -> String {
        const HEX: &[u8; 16] = b"0123456789ABCDEF";
        let mut text = String::with_capacity(bytes.len() + bytes.len() / 2);
        for &byte in bytes {
            if self.keeps(byte) {
                text.push(char::from(byte));
            } else {
                text.push('%');
                text.push(char::from(HEX[usize::from(byte >> 4)]));
                text.push(char::from(HEX[usize::from(byte & 15)]));
            }
        }
        text
    }
}

/// What a `+` in a query stands for. The protocol sends a space as `%20`, so a plus is a plus; HTML
/// forms differ.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Plus {
    Stays,
    IsSpace,
}

/// Why a query cannot be decoded.
#[derive(Debug, PartialEq, Eq)]
pub enum Broken {
    /// A `%` that two hex digits do not follow.
    Percent,
    /// The decoded bytes are not UTF-8.
    Utf8,
}

pub type Pairs = Vec<(String, String)>;

/// The pairs of a raw query in the order received: split at `&`, each at its first `=`, each side decoded.
/// A piece of no characters at all (`a=1&&b=2`, or an empty query) is no pair.
pub fn pairs(raw: &str, plus: Plus) -> Result<Pairs, Broken> {
    raw.split('&')
        .filter(|piece| !piece.is_empty())
        .map(|piece| {
            let (key, value) = piece.split_once('=').unwrap_or((piece, ""));
            Ok((decode(key, plus)?, decode(value, plus)?))
        })
        .collect()
}

/// A text as a whole decoded, with a plus as a plus. `None` if it is broken.
pub fn decoded(text: &str) -> Option<String> {
    decode(text, Plus::Stays).ok()
}

fn decode(text: &str, plus: Plus) -> Result<String, Broken> {
    let mut rest = text.as_bytes();
    let mut bytes = Vec::with_capacity(rest.len());
    while let [first, tail @ ..] = rest {
        rest = tail;
        match first {
            b'%' => {
                let [high, low, tail @ ..] = tail else {
                    return Err(Broken::Percent);
                };
                bytes.push(nibble(*high)? << 4 | nibble(*low)?);
                rest = tail;
            }
            b'+' if plus == Plus::IsSpace => bytes.push(b' '),
            byte => bytes.push(*byte),
        }
    }
    String::from_utf8(bytes).map_err(|_| Broken::Utf8)
}

/// Pairs of hex digits, for bytes that are not text. `None` if they are anything else.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| match pair {
            [high, low] => Some(nibble(*high).ok()? << 4 | nibble(*low).ok()?),
            _ => None,
        })
        .collect()
}

fn nibble(digit: u8) -> Result<u8, Broken> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        b'A'..=b'F' => Ok(digit - b'A' + 10),
        _ => Err(Broken::Percent),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(key: &str, value: &str) -> (String, String) {
        (key.to_owned(), value.to_owned())
    }

    #[test]
    fn the_rules_differ_on_slash_and_tilde_only() {
        let differing: Vec<u8> =
            (0..=255).filter(|b| Encoding::Python.encode(&[*b]) != Encoding::Java.encode(&[*b])).collect();
        assert_eq!(differing, b"/~");
    }

    #[test]
    fn encoding_is_upper_case_hex_of_each_byte() {
        assert_eq!(Encoding::Python.encode("a/~ 中+*=".as_bytes()), "a/~%20%E4%B8%AD%2B%2A%3D");
        assert_eq!(Encoding::Java.encode(b"a/~-_."), "a%2F%7E-_.");
    }

    #[test]
    fn a_query_is_split_before_it_is_decoded() {
        let decoded = pairs("b=1%262&a%3D=%3d&c&&=x", Plus::Stays).unwrap();
        let expected = [pair("b", "1&2"), pair("a=", "="), pair("c", ""), pair("", "x")];
        assert_eq!(decoded, expected);
        assert_eq!(pairs("", Plus::Stays), Ok(vec![]));
    }

    #[test]
    fn a_plus_stays_a_plus_unless_told() {
        assert_eq!(pairs("a=1+%2B", Plus::Stays), Ok(vec![pair("a", "1++")]));
        assert_eq!(pairs("a=1+%2B", Plus::IsSpace), Ok(vec![pair("a", "1 +")]));
    }

    #[test]
    fn broken_queries_are_told_apart() {
        for raw in ["a=%", "a=%4", "a=%zz", "%=1", "a=100%&b=2", "a=%4é"] {
            assert_eq!(pairs(raw, Plus::Stays), Err(Broken::Percent), "{raw}");
        }
        assert_eq!(pairs("a=%D6%D0", Plus::Stays), Err(Broken::Utf8));
    }

    #[test]
    fn hex_is_pairs_of_digits() {
        assert_eq!(unhex("d6D000"), Some(vec![0xd6, 0xd0, 0]));
        assert_eq!(unhex(""), Some(vec![]));
        assert_eq!(unhex("d6d"), None);
        assert_eq!(unhex("中文"), None);
    }
}
