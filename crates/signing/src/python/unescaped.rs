//! How much of a text can stand in JSON without an escape. Eight bytes are looked at together: texts may be of megabytes.

/// The bytes of `text` before the first quote, backslash or control character.
pub(super) fn length(text: &str) -> usize {
    first(text, |word| equal(word, b'"') | equal(word, b'\\') | below(word, b' '))
}

/// Whether a character needs no escape in JSON of ASCII alone.
pub(super) fn is_ascii(c: char) -> bool {
    matches!(c, ' '..='~') && !matches!(c, '"' | '\\')
}

/// The bytes of `text` before the first character that is not [`is_ascii`].
pub(super) fn ascii_length(text: &str) -> usize {
    first(text, |word| equal(word, b'"') | equal(word, b'\\') | below(word, b' ') | equal(word, 0x7f) | word & HIGH)
}

const HIGH: u64 = all(0x80);

const fn all(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// Sets the high bit of the lowest byte that is less than `limit`, and perhaps of some above it.
fn below(word: u64, limit: u8) -> u64 {
    word.wrapping_sub(all(limit)) & !word & HIGH
}

fn equal(word: u64, byte: u8) -> u64 {
    below(word ^ all(byte), 1)
}

fn first(text: &str, special: impl Fn(u64) -> u64) -> usize {
    let (words, rest) = text.as_bytes().as_chunks();
    let mut last = [b'x'; 8];
    last.iter_mut().zip(rest).for_each(|(place, byte)| *place = *byte);
    let found = words.iter().chain([&last]).map(|word| special(u64::from_le_bytes(*word))).enumerate();
    let place = |(index, flags): (usize, u64)| {
        let within = usize::try_from(flags.trailing_zeros() / 8).expect("a word has eight bytes");
        (flags != 0).then_some(index * 8 + within)
    };
    found.filter_map(place).next().unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_at_every_place() {
        for c in (0..0x180).chain([0x4e2d, 0x1f600]).filter_map(char::from_u32) {
            for before in 0..20 {
                for after in ["", "x", "\"", "中", "\u{1}x\u{7f}xxxxxxxx"] {
                    let text = format!("{}{c}{after}", "x".repeat(before));
                    let json = |c: char| matches!(c, '"' | '\\' | '\0'..='\x1f');
                    assert_eq!(length(&text), text.find(json).unwrap_or(text.len()), "{text:?}");
                    assert_eq!(ascii_length(&text), text.find(|c| !is_ascii(c)).unwrap_or(text.len()), "{text:?}");
                }
            }
        }
        assert_eq!(length(""), 0);
    }
}
