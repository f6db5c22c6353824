//! What a reader can make of a text: of its characters as they stand, of those that its escapes stand for, of what is left
//! without its markup. Each character keeps the place in the text that it comes from.

use zeroize::Zeroizing;

/// Text may be escaped several times over; so many layers are undone.
const LAYERS: usize = 4;
/// A longer tag is none. A bound, since each `<` is looked at.
const LONGEST_TAG: usize = 1000;

type Place = usize;

/// Characters, and where in the text each comes from.
pub(super) struct Reading(Zeroizing<Vec<(char, Place)>>);

impl Reading {
    pub(super) fn of(text: &str) -> Reading {
        let mut reading = Reading::sized(text.len());
        reading.0.extend(text.char_indices().map(|(place, c)| (c, place)));
        reading
    }

    /// Sized beforehand, so that no reallocation leaves a copy of a secret behind. No reading is longer than its text.
    fn sized(length: usize) -> Reading {
        Reading(Zeroizing::new(Vec::with_capacity(length)))
    }

    /// Of `length` characters at most.
    pub(super) fn collected(length: usize, characters: impl Iterator<Item = (char, Place)>) -> Reading {
        let mut reading = Reading::sized(length);
        reading.0.extend(characters);
        reading
    }

    pub(super) fn characters(&self) -> impl Iterator<Item = (char, Place)> {
        self.0.iter().copied()
    }

    pub(super) fn text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(self.0.len().saturating_mul(4)));
        text.extend(self.characters().map(|(c, _)| c));
        text
    }

    /// The characters that the escapes of URLs, HTML, JSON and JavaScript stand for. `None` if there are no escapes.
    pub(super) fn unescaped(&self) -> Option<Reading> {
        let mut reading = self.less(escape)?;
        for _ in 1..LAYERS {
            match reading.less(escape) {
                Some(further) => reading = further,
                None => break,
            }
        }
        Some(reading)
    }

    /// Without tags and comments. `None` if there are none.
    pub(super) fn without_markup(&self) -> Option<Reading> {
        self.less(markup)
    }

    /// The text with another character, or none, in place of whatever `find` finds at its beginning. `None` if it finds
    /// nothing.
    fn less(&self, find: fn(&[(char, Place)]) -> Option<Found>) -> Option<Reading> {
        let mut shorter = Reading::sized(self.0.len());
        let mut rest = self.0.as_slice();
        let mut found_any = false;
        while let [(first, place), after @ ..] = rest {
            let found = find(rest);
            found_any |= found.is_some();
            let Found { means, length } = found.unwrap_or(Found { means: Some(*first), length: 1 });
            shorter.0.extend(means.map(|c| (c, *place)));
            rest = rest.get(length..).unwrap_or(after);
        }
        found_any.then_some(shorter)
    }
}

/// So many characters of a text stand for one, or for none.
struct Found {
    means: Option<char>,
    length: usize,
}

/// The escape at the beginning of a text.
fn escape(text: &[(char, Place)]) -> Option<Found> {
    let found = |number: Option<u32>, length| {
        let c = number.and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER);
        Some(Found { means: Some(c), length })
    };
    match text {
        [('%', _), ('u' | 'U', _), digits @ ..] if hex(digits, 4).is_some() => found(hex(digits, 4), 6),
        [('\\', _), ('u', _), ('{', _), digits @ ..] => {
            let count = digits.iter().take(6).take_while(|(c, _)| c.is_ascii_hexdigit()).count();
            found(hex(digits, count), count.saturating_add(4))
        }
        [('\\', _), ('u', _), digits @ ..] if hex(digits, 4).is_some() => found(hex(digits, 4), 6),
        [('%', _), ..] | [('\\', _), ('x', _), ..] => encoded(text),
        // A line's end and the like.
        [('\\', _), ('b' | 'f' | 'n' | 'r' | 't', _), ..] => found(Some(u32::from(' ')), 2),
        [('\\', _), (other, _), ..] => found(Some(u32::from(*other)), 2),
        [('&', _), ('#', _), digits @ ..] => numbered(digits),
        [('&', _), name @ ..] => named(name),
        _ => None,
    }
}

/// One character of UTF-8 whose bytes are escaped one by one.
fn encoded(text: &[(char, Place)]) -> Option<Found> {
    let (first, mut length) = byte(text)?;
    let size = match first {
        0xc0..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf7 => 4,
        _ => 1,
    };
    let mut bytes = [first, 0, 0, 0];
    let bytes = bytes.get_mut(..size).expect("a character has four bytes at most");
    for place in bytes.iter_mut().skip(1) {
        let Some((next, longer)) = text.get(length..).and_then(byte) else { break };
        *place = next;
        length = length.saturating_add(longer);
    }
    let c = str::from_utf8(bytes).ok().and_then(|text| text.chars().next());
    Some(Found { means: Some(c.unwrap_or(char::REPLACEMENT_CHARACTER)), length })
}

/// `%41` or `\x41`, and its length.
fn byte(text: &[(char, Place)]) -> Option<(u8, usize)> {
    let (digits, length) = match text {
        [('%', _), digits @ ..] => (digits, 3),
        [('\\', _), ('x', _), digits @ ..] => (digits, 4),
        _ => return None,
    };
    Some((u8::try_from(hex(digits, 2)?).ok()?, length))
}

/// `&#65;` or `&#x41;` without its beginning. Browsers, too, take it without its end.
fn numbered(text: &[(char, Place)]) -> Option<Found> {
    let (radix, digits, before) = match text {
        [('x' | 'X', _), digits @ ..] => (16, digits, 3_usize),
        digits => (10, digits, 2),
    };
    let count = digits.iter().take(7).take_while(|(c, _)| c.is_digit(radix)).count();
    let number = number(digits, count, radix)?;
    let end = usize::from(matches!(digits.get(count), Some((';', _))));
    let c = char::from_u32(number).unwrap_or(char::REPLACEMENT_CHARACTER);
    Some(Found { means: Some(c), length: before.saturating_add(count).saturating_add(end) })
}

/// `&amp;` and the like without its beginning.
fn named(text: &[(char, Place)]) -> Option<Found> {
    const LONGEST: usize = 31;
    // Those of the first HTML are known without their end as well.
    let old = [("amp", '&'), ("lt", '<'), ("gt", '>'), ("quot", '"'), ("nbsp", ' '), ("shy", ' ')];
    let begins = |name: &str| text.len() >= name.len() && name.chars().zip(text).all(|(a, (b, _))| a == *b);
    let name = text.iter().take(LONGEST).take_while(|(c, _)| c.is_ascii_alphanumeric()).count();
    let has_end = name > 0 && matches!(text.get(name), Some((';', _)));
    let known = old.into_iter().find(|(known, _)| begins(known) && (!has_end || known.len() == name));
    match known {
        Some((known, c)) => {
            Some(Found { means: Some(c), length: known.len().saturating_add(if has_end { 2 } else { 1 }) })
        }
        // A sign or a letter with an accent: no part of a secret.
        None => has_end.then_some(Found { means: Some(' '), length: name.saturating_add(2) }),
    }
}

fn hex(text: &[(char, Place)], count: usize) -> Option<u32> {
    number(text, count, 16)
}

/// The number that so many digits make.
fn number(text: &[(char, Place)], count: usize, radix: u32) -> Option<u32> {
    let digits = text.get(..count).filter(|digits| !digits.is_empty())?;
    digits.iter().try_fold(0_u32, |number, (c, _)| number.checked_mul(radix)?.checked_add(c.to_digit(radix)?))
}

/// The tag or the comment at the beginning of a text.
fn markup(text: &[(char, Place)]) -> Option<Found> {
    let within = match text {
        [('<', _), ('!', _), ('-', _), ('-', _), within @ ..] => {
            let end = within.windows(3).position(|end| matches!(end, [('-', _), ('-', _), ('>', _)]))?;
            return Some(Found { means: None, length: end.saturating_add(7) });
        }
        [('<', _), within @ ..]
            if within.first().is_some_and(|(c, _)| c.is_ascii_alphabetic() || "/!?".contains(*c)) =>
        {
            within
        }
        _ => return None,
    };
    let mut quoted = None;
    let end = within.iter().take(LONGEST_TAG).position(|&(c, _)| {
        match (quoted, c) {
            (None, '"' | '\'') => quoted = Some(c),
            (Some(mark), c) if mark == c => quoted = None,
            _ => {}
        }
        quoted.is_none() && c == '>'
    });
    // A quotation mark that nothing answers is only a letter.
    let end = end.or_else(|| within.iter().take(LONGEST_TAG).position(|&(c, _)| c == '>'))?;
    Some(Found { means: None, length: end.saturating_add(2) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(reading: Option<Reading>) -> Option<String> {
        reading.map(|reading| reading.characters().map(|(c, _)| c).collect())
    }

    #[test]
    fn escapes_are_undone_layer_by_layer() {
        for (escaped, plain) in [
            ("%41%e5%BC%a0", "A张"),
            ("%2541%25E5%25BC%25A0", "A张"),
            ("&#65;&#65&#x41;&#x41 &#24352;", "AAAA 张"),
            ("&#57&#102", "9f"),
            ("\\u0041\\x41\\u{41}%u0041\\/\\n", "AAAA/ "),
            ("a&amp;b&lt;c&ampd&eacute;e", "a&b<c&d e"),
            ("&amp;#65;", "A"),
            ("%e5", "\u{fffd}"),
            ("&#99999999;", "\u{fffd}9;"),
        ] {
            assert_eq!(text(Reading::of(escaped).unescaped()).as_deref(), Some(plain), "{escaped}");
        }
        for plain in ["", "%", "%4", "%zz", "&", "&#", "&#x", "&;", "& b;", "A张", "\\", "a=1&b=2"] {
            assert_eq!(text(Reading::of(plain).unescaped()), None, "{plain}");
        }
    }

    #[test]
    fn markup_is_taken_away() {
        for (page, plain) in [
            ("a<b>c</b>d", "acd"),
            ("a<!-- x > y -->b", "ab"),
            ("a<i title=\"x>y\">b", "ab"),
            ("a<i title=\">b", "ab"),
            ("<!DOCTYPE html><?xml?>a", "a"),
        ] {
            assert_eq!(text(Reading::of(page).without_markup()).as_deref(), Some(plain), "{page}");
        }
        for plain in ["", "<", "a < b > c", "<b", "<!-- a", "a"] {
            assert_eq!(text(Reading::of(plain).without_markup()), None, "{plain}");
        }
    }

    #[test]
    fn each_character_knows_where_it_comes_from() {
        let reading = Reading::of("中%2541<b>c").unescaped().and_then(|reading| reading.without_markup()).unwrap();
        assert_eq!(reading.characters().collect::<Vec<_>>(), [('中', 0), ('A', 3), ('c', 11)]);
    }
}
