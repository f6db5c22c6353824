//! What a text says once its markup, its escapes and all that is no letter or digit are gone: who reads a page that shows
//! a key letter by letter reads the key.

use zeroize::Zeroizing;

/// So many letters in a row are no coincidence.
const TELLING: usize = 12;
/// A shorter secret is a word of every page.
const SHORTEST: usize = 8;

/// The letters of a page, read in several ways.
pub(crate) struct Letters {
    readings: Vec<Zeroizing<String>>,
    /// Every run of [`TELLING`] letters, sorted.
    runs: Zeroizing<Vec<[char; TELLING]>>,
}

impl Letters {
    pub(crate) fn of(text: &str) -> Letters {
        let unescaped = unescaped(text);
        let (without_markup, both) = (without_markup(text), without_markup(&unescaped));
        let readings: Vec<_> = [text, &*unescaped, &*without_markup, &*both].into_iter().map(letters).collect();
        // Sized beforehand, so that no reallocation leaves a copy behind.
        let most = readings.iter().map(|reading| reading.len()).sum();
        let mut runs = Zeroizing::new(Vec::with_capacity(most));
        for reading in &readings {
            let reading = Zeroizing::new(reading.chars().collect::<Vec<_>>());
            runs.extend(reading.windows(TELLING).filter_map(|run| <[char; TELLING]>::try_from(run).ok()));
        }
        runs.sort_unstable();
        Letters { readings, runs }
    }

    /// Whether the page shows a telling part of the secret, with whatever in between.
    pub(crate) fn show(&self, secret: &str) -> bool {
        let mut run = Zeroizing::new(['\0'; TELLING]);
        let mut count: usize = 0;
        for letter in letters_of(secret) {
            run.rotate_left(1);
            if let Some(last) = run.last_mut() {
                *last = letter;
            }
            count = count.saturating_add(1);
            if count >= TELLING && self.runs.binary_search(&run).is_ok() {
                return true;
            }
        }
        if !(SHORTEST..TELLING).contains(&count) {
            return false;
        }
        let whole = Zeroizing::new(run.iter().skip(TELLING.saturating_sub(count)).collect::<String>());
        self.readings.iter().any(|reading| reading.contains(&**whole))
    }
}

fn letters_of(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|c| c.is_alphanumeric()).map(|c| c.to_ascii_lowercase())
}

fn letters(text: &str) -> Zeroizing<String> {
    let mut letters = Zeroizing::new(String::with_capacity(text.len()));
    letters.extend(letters_of(text));
    letters
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
