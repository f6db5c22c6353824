//! What a text says once its markup, its escapes and all that is no letter or digit are gone: who reads a page that shows
//! a key letter by letter reads the key.

use zeroize::Zeroizing;

/// So many letters in a row are no coincidence.
const TELLING: usize = 12;
/// A shorter secret is a word of every page.
const SHORTEST: usize = 8;

/// The letters of a page, read in several ways.
pub(crate) struct Letters {
    /// Those of one reading after the other, with a NUL behind each.
    letters: Zeroizing<Vec<char>>,
    /// The places of all letters, in the order of what stands there.
    places: Vec<usize>,
}

impl Letters {
    pub(crate) fn of(text: &str) -> Letters {
        let unescaped = unescaped(text);
        let readings = [text, &*unescaped, &*without_markup(text), &*without_markup(&unescaped)];
        // Sized beforehand, so that no reallocation leaves a copy behind.
        let most = readings.iter().map(|reading| reading.len().saturating_add(1)).sum();
        let mut letters = Zeroizing::new(Vec::with_capacity(most));
        for reading in readings {
            letters.extend(letters_of(reading));
            letters.push('\0');
        }
        let mut places: Vec<usize> = (0..letters.len()).collect();
        places.sort_unstable_by(|&a, &b| run(&letters, a).cmp(run(&letters, b)));
        Letters { letters, places }
    }

    /// Whether the page shows a telling part of the secret, with whatever in between.
    pub(crate) fn show(&self, secret: &str) -> bool {
        let mut secret_letters = Zeroizing::new(Vec::with_capacity(secret.len()));
        secret_letters.extend(letters_of(secret));
        match secret_letters.len() {
            ..SHORTEST => false,
            SHORTEST..TELLING => self.letters.windows(secret_letters.len()).any(|run| run == &**secret_letters),
            _ => secret_letters
                .windows(TELLING)
                .any(|wanted| self.places.binary_search_by(|&place| run(&self.letters, place).cmp(wanted)).is_ok()),
        }
    }
}

/// So many letters as are telling, or what is left of them.
fn run(letters: &[char], place: usize) -> &[char] {
    let rest = letters.get(place..).unwrap_or_default();
    rest.get(..TELLING).unwrap_or(rest)
}

fn letters_of(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|c| c.is_alphanumeric()).map(|c| c.to_ascii_lowercase())
}

/// The text less all that stands in angle brackets.
fn without_markup(text: &str) -> Zeroizing<String> {
    let mut plain = Zeroizing::new(String::with_capacity(text.len()));
    let mut within = false;
    for c in text.chars() {
        within = c == '<' || within && c != '>';
        if !within {
            plain.push(c);
        }
    }
    plain
}

/// The text with the characters that `%41`, `&#65;`, `&#x41;`, `\x41` and `\u0041` stand for.
fn unescaped(text: &str) -> Zeroizing<String> {
    let mut plain = Zeroizing::new(String::with_capacity(text.len()));
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (c, after) = escape(rest).unwrap_or_else(|| (first, rest.get(first.len_utf8()..).unwrap_or_default()));
        plain.push(c);
        rest = after;
    }
    plain
}

/// The escape at the beginning of a text, and what follows it.
fn escape(text: &str) -> Option<(char, &str)> {
    let (number, after) = if let Some(rest) = text.strip_prefix("&#") {
        let (digits, after) = rest.split_once(';')?;
        let hex = digits.strip_prefix(['x', 'X']);
        (hex.map_or_else(|| digits.parse().ok(), |hex| u32::from_str_radix(hex, 16).ok())?, after)
    } else {
        let (rest, length) = match text.strip_prefix('%').or_else(|| text.strip_prefix("\\x")) {
            Some(rest) => (rest, 2),
            None => (text.strip_prefix("\\u")?, 4),
        };
        (u32::from_str_radix(rest.get(..length)?, 16).ok()?, rest.get(length..)?)
    };
    Some((char::from_u32(number)?, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "9f2c4b7e1d5a48c0b3e6a7d812f45c90";

    fn pieces(size: usize, between: &str) -> String {
        let chars: Vec<_> = SECRET.chars().collect();
        chars.chunks(size).map(|piece| piece.iter().collect::<String>()).collect::<Vec<_>>().join(between)
    }

    #[test]
    fn a_secret_in_pieces_is_seen() {
        let each = |write: &dyn Fn(u32) -> String| SECRET.chars().map(|c| write(c.into())).collect::<String>();
        for page in [
            SECRET.to_owned(),
            SECRET.to_uppercase(),
            pieces(1, "<b>"),
            pieces(4, "\u{ad}"),
            pieces(7, " "),
            pieces(8, "<wbr class=\"a1\">"),
            each(&|c| format!("%{c:02x}")),
            each(&|c| format!("&#{c};")),
            each(&|c| format!("&#x{c:X};<i>")),
            each(&|c| format!("\\u{c:04x}")),
            format!("<p>{}", &pieces(1, "-")[10..40]),
        ] {
            assert!(Letters::of(&page).show(SECRET), "{page}");
        }
        assert!(Letters::of("<p>s-3-c-r-3-t-密钥").show("s3cr3t密钥"));
    }

    #[test]
    fn a_page_like_any_other_shows_nothing() {
        for page in
            ["", "<", "%", "&#", "\\u12", "%%zz &#xzz; &#99999999999;", "9f2c4b7e1d5", "<html>502 Bad Gateway</html>"]
        {
            assert!(!Letters::of(page).show(SECRET), "{page}");
        }
        assert!(!Letters::of("gateway").show("gateway"), "too short");
    }
}
