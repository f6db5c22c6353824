//! Percent-encoding: `urllib.parse.quote`, the server's Java rule, and the parts of a query.

use zeroize::Zeroize;

/// What to percent-encode. Letters, digits and `-_.` always stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escape {
    /// RFC 3986, unreserved characters alone: `~` stays too. Each key and value of a query is written so.
    Component,
    /// `urllib.parse.quote` of Python 3.7 and later, with its default `safe='/'`: `~` and `/` stay too.
    Python,
    /// `URLEncoder.encode` of Java, then `+` to `%20` and `*` to `%2A`.
    Java,
}

/// What each byte becomes: at most three characters, and their number.
type Table = [([u8; 3], usize); 256];

static COMPONENT: Table = table(b"-_.~");
static PYTHON: Table = table(b"-_.~/");
static JAVA: Table = table(b"-_.");

const fn table(kept: &[u8]) -> Table {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut table = [([0; 3], 0); 256];
    let mut byte = 0;
    while byte < table.len() {
        table[byte] = ([b'%', HEX[byte >> 4], HEX[byte & 15]], 3);
        if (byte as u8).is_ascii_alphanumeric() {
            table[byte] = ([byte as u8, 0, 0], 1);
        }
        byte += 1;
    }
    let mut place = 0;
    while place < kept.len() {
        table[kept[place] as usize] = ([kept[place], 0, 0], 1);
        place += 1;
    }
    table
}

/// Of a long text the pieces in which nothing is to be encoded are handed on as they are.
const PIECE: usize = 64;

/// Hands the parts to `take`, one after the other, percent-encoded as UTF-8 with upper-case hex. Nothing is allocated and
/// nothing is left behind: the parts may be secret, or of many megabytes.
pub fn escape_to(parts: &[&str], rule: Escape, mut take: impl FnMut(&[u8])) {
    let table = match rule {
        Escape::Component => &COMPONENT,
        Escape::Python => &PYTHON,
        Escape::Java => &JAVA,
    };
    // Small, since wiping costs by the byte.
    let mut block = [0; 128];
    let mut used: usize = 0;
    for piece in parts.iter().flat_map(|part| part.as_bytes().chunks(PIECE)) {
        let stays = |byte: &u8| table[usize::from(*byte)].1 == 1;
        if piece.len() == PIECE && piece.iter().all(stays) {
            take(&block[..used]);
            take(piece);
            used = 0;
            continue;
        }
        for &byte in piece {
            let (characters, length) = table[usize::from(byte)];
            if used + characters.len() > block.len() {
                take(&block[..used]);
                used = 0;
            }
            block[used..used + characters.len()].copy_from_slice(&characters);
            used += length;
        }
    }
    take(&block[..used]);
    block.zeroize();
}

/// Appends the text percent-encoded.
pub fn escape_into(text: &str, rule: Escape, out: &mut String) {
    escape_to(&[text], rule, |piece| out.push_str(str::from_utf8(piece).expect("it is ASCII")));
}

#[cfg(test)]
mod tests {
    use super::*;

    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

    const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
    const PYTHON: &AsciiSet = &COMPONENT.remove(b'/');
    const JAVA: &AsciiSet = &COMPONENT.add(b'~');

    fn escaped(text: &str, rule: Escape) -> String {
        let mut escaped = String::new();
        escape_into(text, rule, &mut escaped);
        escaped
    }

    #[test]
    fn each_rule_is_what_percent_encoding_makes_of_its_set() {
        let every_ascii: String = (0..0x80u8).map(char::from).collect();
        // Longer than a block, with every place of a character within it.
        let pieces_that_stay = "a%".to_owned() + &"b".repeat(5 * PIECE) + "中" + &"c".repeat(2 * PIECE);
        for text in
            [pieces_that_stay, every_ascii.clone() + "中😀", "中a".repeat(1000), "a中".repeat(1000) + &every_ascii]
        {
            for (rule, set) in [(Escape::Component, COMPONENT), (Escape::Python, PYTHON), (Escape::Java, JAVA)] {
                assert_eq!(escaped(&text, rule), utf8_percent_encode(&text, set).to_string(), "{rule:?}");
            }
        }
    }

    #[test]
    fn parts_follow_each_other() {
        let mut pieces = Vec::new();
        escape_to(&["a b", "", "&=中", "~/*+"], Escape::Java, |piece| pieces.extend_from_slice(piece));
        assert_eq!(pieces, b"a%20b%26%3D%E4%B8%AD%7E%2F%2A%2B");
    }
}
