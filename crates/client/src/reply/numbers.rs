//! Bytes that a text shows as numbers: `57 102 50`, `[57,102,50]`, `0x39 0x66`, `\071\146`, `{"0":57,"1":102}`.

use super::reading::Reading;

/// How the numbers may be written: the radix, what may stand before the digits, and how many digits a byte can have.
const WRITTEN: [(u32, &[&str], usize); 4] =
    [(10, &[], 4), (16, &["0x", "0X", "x", "X"], 4), (8, &["0o", "0O", "o"], 4), (2, &["0b", "0B", "b"], 8)];
/// Behind hexadecimal digits in assembler, and behind numbers in languages that tell their type.
const BEHIND: [&str; 6] = ["h", "H", "u8", "ub", "y", "uy"];

type Character = (char, usize);

/// What the numbers of a text stand for, in each way to read them; each number as one character, at the place of the number.
pub(super) fn readings(reading: &Reading) -> Vec<Reading> {
    let characters: Vec<Character> = reading.characters().collect();
    let words: Vec<Word<'_>> = words(&characters);
    let of = |(radix, before, digits): (u32, &'static [&'static str], usize), skips_names: bool| {
        let words = words.iter().filter(move |word| !(skips_names && word.is_name));
        let numbers = words.map(move |word| {
            let byte = word.byte(radix, before, digits);
            // What is no byte parts those on either side.
            (byte.map_or(char::REPLACEMENT_CHARACTER, char::from), word.place())
        });
        Reading::collected(characters.len(), numbers)
    };
    WRITTEN.into_iter().flat_map(|written| [of(written, false), of(written, true)]).collect()
}

/// Letters and digits in a row.
struct Word<'t> {
    characters: &'t [Character],
    /// It is the name of a member of a JSON object.
    is_name: bool,
}

fn words(text: &[Character]) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.iter().position(|(c, _)| c.is_alphanumeric()) {
        rest = rest.get(start..).expect("it is the place of a character");
        let length = rest.iter().take_while(|(c, _)| c.is_alphanumeric()).count();
        let (characters, after) = rest.split_at(length);
        let mut behind = after.iter().map(|(c, _)| *c).filter(|c| !c.is_whitespace() && *c != '\\');
        let is_name = behind.next() == Some('"') && behind.next() == Some(':');
        // `U+0039`
        if !is(characters, "U") {
            words.push(Word { characters, is_name });
        }
        rest = after;
    }
    words
}

impl Word<'_> {
    fn place(&self) -> usize {
        self.characters.first().map(|(_, place)| *place).expect("a word has a character")
    }

    fn byte(&self, radix: u32, before: &[&str], most: usize) -> Option<u8> {
        // Longer ones are no bytes.
        const LONGEST: usize = 12;
        if self.characters.len() > LONGEST {
            return None;
        }
        let mut digits: &[Character] = self.characters;
        for prefix in before {
            if let Some(rest) = without_prefix(digits, prefix) {
                digits = rest;
                break;
            }
        }
        for suffix in BEHIND {
            if let Some(rest) = without_suffix(digits, suffix) {
                digits = rest;
                break;
            }
        }
        if digits.is_empty() || digits.len() > most {
            return None;
        }
        let number = digits
            .iter()
            .try_fold(0_u32, |number, (c, _)| number.checked_mul(radix)?.checked_add(c.to_digit(radix)?))?;
        u8::try_from(number).ok()
    }
}

fn is(text: &[Character], expected: &str) -> bool {
    text.len() == expected.len() && text.iter().map(|(c, _)| *c).eq(expected.chars())
}

fn without_prefix<'t>(text: &'t [Character], prefix: &str) -> Option<&'t [Character]> {
    let (first, rest) = text.split_at_checked(prefix.len())?;
    is(first, prefix).then_some(rest)
}

fn without_suffix<'t>(text: &'t [Character], suffix: &str) -> Option<&'t [Character]> {
    let (rest, last) = text.split_at_checked(text.len().checked_sub(suffix.len())?)?;
    is(last, suffix).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_the_bytes_they_stand_for() {
        for text in [
            "57 102 50",
            "[57,102, 50]",
            "0x39, 0x66, 0x32",
            "39h 66h 32h",
            "39 66 32",
            "\\071\\146\\062",
            "0o71 0o146 0o62",
            "0b111001 0b1100110 0b110010",
            "{\"0\":57,\"1\":102,\"2\":50}",
            "U+0039 U+0066 U+0032",
        ] {
            let plain = Reading::of(text);
            let found = readings(&plain).iter().any(|reading| {
                let bytes: String = reading.characters().map(|(c, _)| c).collect();
                bytes.contains("9f2")
            });
            assert!(found, "{text}");
        }
        let plain = Reading::of("at 57 102");
        assert_eq!(readings(&plain)[0].characters().skip(1).collect::<Vec<_>>(), [('9', 3), ('f', 6)]);
    }
}
