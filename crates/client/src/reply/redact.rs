//! What may be quoted of a text that others wrote: a proxy's error page shows the URL that it could not fetch, and with it
//! the keys.
//!
//! Queries are cut out. Of the rest the first words are quoted, up to the first place where eight characters of a secret
//! stand in a row, in whatever coding; if there are no words before it, the page's title; else nothing. Long words are cut
//! out of what is quoted.

use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use zeroize::Zeroizing;

use super::numbers;
use super::reading::Reading;
use super::runs::Runs;
use rpa_signing::Secret;

/// At most so many characters are quoted.
const EXCERPT: usize = 200;
/// No word of any language is so long; but Base64 and hex are, whatever they are of.
const LONG_WORD: usize = 32;
/// In place of what is cut out.
const HIDDEN: &str = "***";
const NOT_QUOTED: &str = "(not quoted: it holds what this call sent)";
const REST_NOT_QUOTED: &str = " (the rest is not quoted: it holds what this call sent)";

/// What must not be shown of one request.
#[derive(Debug, Default)]
pub(crate) struct Redactor {
    secrets: Vec<Secret>,
}

impl Redactor {
    /// Hides these texts as well.
    pub(crate) fn hide<'s>(&mut self, secrets: impl IntoIterator<Item = &'s str>) {
        self.secrets.extend(secrets.into_iter().map(|secret| Secret::new(secret.to_owned())));
    }

    /// Hides the values of a query.
    pub(crate) fn hide_query(&mut self, query: &str) {
        self.hide(query.split('&').map(|pair| pair.split_once('=').map_or(pair, |(_, value)| value)));
    }

    /// An excerpt of a text, in one line.
    pub(crate) fn quote(&self, text: &str) -> String {
        let text = without_queries(beginning(text));
        let Some(first) = self.first_in(&text) else { return excerpt(&text) };
        let before = text.get(..first).expect("it is the place of a character");
        // Words are quoted whole.
        let is_break = |c: char| c.is_whitespace() || "\"'<>()[]{},;，。；：、".contains(c);
        let end = before.char_indices().rev().find(|&(_, c)| is_break(c));
        let before =
            end.map_or("", |(at, c)| before.get(..at.saturating_add(c.len_utf8())).expect("it is the end of one"));
        let quoted = excerpt(before);
        if quoted.chars().count() == EXCERPT {
            return quoted;
        }
        let says_something = |text: &str| {
            let reading = Reading::of(text);
            let plain = reading.without_markup().unwrap_or(reading);
            plain.characters().any(|(c, _)| c.is_alphanumeric())
        };
        match title(&text) {
            _ if says_something(&quoted) => [&quoted, REST_NOT_QUOTED].concat(),
            Some(title) if self.first_in(title).is_none() => [&excerpt(title), REST_NOT_QUOTED].concat(),
            _ => NOT_QUOTED.to_owned(),
        }
    }

    /// Whether the text shows a telling part of a secret, in whatever coding.
    pub(crate) fn is_shown_in(&self, text: &str) -> bool {
        self.first_in(text).is_some()
    }

    /// The first place where it does.
    fn first_in(&self, text: &str) -> Option<usize> {
        let page = Page::of(text);
        self.secrets.iter().filter_map(|secret| page.first_of(secret.expose())).min()
    }
}

/// What a page shows, to whoever puts it together.
struct Page {
    /// As it stands and with its escapes undone.
    characters: Runs,
    /// Its letters and digits alone, also without its markup.
    letters: Runs,
    /// Bytes that it writes as numbers.
    numbers: Runs,
}

impl Page {
    fn of(text: &str) -> Page {
        let plain = Reading::of(text);
        let unescaped = plain.unescaped();
        let with_markup: Vec<&Reading> = [Some(&plain), unescaped.as_ref()].into_iter().flatten().collect();
        let without: Vec<Reading> = with_markup.iter().filter_map(|reading| reading.without_markup()).collect();
        let all = with_markup.iter().copied().chain(&without);
        let numbers: Vec<Reading> = all.clone().flat_map(numbers::readings).collect();
        Page {
            characters: Runs::of(with_markup.iter().map(|reading| reading.characters())),
            letters: Runs::of(all.map(|reading| reading.characters().filter(|(c, _)| c.is_alphanumeric()))),
            numbers: Runs::of(numbers.iter().map(|reading| reading.characters())),
        }
    }

    /// The first place where the page shows a telling part of the secret.
    fn first_of(&self, secret: &str) -> Option<usize> {
        // A value of a query is escaped, and the page may show it as it was before.
        let escaped = secret.contains(['%', '&', '\\']);
        let unescaped = escaped.then(|| Reading::of(secret).unescaped()).flatten().map(|reading| reading.text());
        [self.first_of_form(secret), unescaped.and_then(|plain| self.first_of_form(&plain))].into_iter().flatten().min()
    }

    /// As it stands, in pieces, in Base64, in hex, as numbers.
    fn first_of_form(&self, form: &str) -> Option<usize> {
        let letters = form.chars().filter(|c| c.is_alphanumeric());
        let hex = form.bytes().flat_map(|byte| [byte >> 4, byte & 15]);
        let hex = hex.map(|digit| char::from_digit(digit.into(), 16).expect("it is below 16"));
        let plain = [
            self.characters.first_of(form.chars()),
            self.letters.first_of(letters),
            self.letters.first_of(hex),
            self.numbers.first_of(form.bytes().map(char::from)),
        ];
        // Base64 writes three bytes at a time; where the first three begin depends on what stands before.
        let base64 = (0..3).map(|skipped| self.first_of_base64(form.as_bytes().get(skipped..)?));
        plain.into_iter().chain(base64).flatten().min()
    }

    fn first_of_base64(&self, bytes: &[u8]) -> Option<usize> {
        let mut encoded = Zeroizing::new(String::with_capacity(bytes.len().saturating_mul(2)));
        BASE64_STANDARD_NO_PAD.encode_string(bytes, &mut encoded);
        // The last character may share its bits with what follows.
        let own = bytes.len().saturating_mul(8) / 6;
        self.letters.first_of(encoded.chars().take(own).filter(char::is_ascii_alphanumeric))
    }
}

/// As much of a page as an excerpt is made from: what is cut out makes it shorter, and much white space says nothing.
fn beginning(page: &str) -> &str {
    const ENOUGH: usize = 8 * EXCERPT;
    const LONGEST: usize = 200 * EXCERPT;
    let (mut counted, mut after_space) = (0_usize, true);
    for (at, c) in page.char_indices() {
        let counts = !(c.is_whitespace() && after_space);
        after_space = c.is_whitespace();
        counted = counted.saturating_add(counts.into());
        if counted > ENOUGH || at > LONGEST {
            return page.get(..at).expect("it is the place of a character");
        }
    }
    page
}

fn without_queries(text: &str) -> Zeroizing<String> {
    // Sized beforehand, so that no reallocation leaves a copy of a secret behind.
    let longer = text.matches('?').count().saturating_mul(HIDDEN.len());
    let mut rest = Zeroizing::new(String::with_capacity(text.len().saturating_add(longer)));
    rest.push_str(text);
    hide_all(&mut rest, query);
    rest
}

/// Puts [`HIDDEN`] in place of whatever `find` finds in the rest of the text, one after the other.
fn hide_all(text: &mut String, find: fn(&str) -> Option<(usize, usize)>) {
    let mut done: usize = 0;
    while let Some((from, to)) = text.get(done..).and_then(find) {
        let from = done.saturating_add(from);
        text.replace_range(from..done.saturating_add(to), HIDDEN);
        done = from.saturating_add(HIDDEN.len());
    }
}

/// What stands behind the `?` of an address, up to its end.
fn query(text: &str) -> Option<(usize, usize)> {
    let starts = text.match_indices('?').map(|(at, mark)| at.saturating_add(mark.len()));
    let mut queries = starts.filter_map(|start| {
        let query = text.get(start..)?;
        let is_end = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | ')' | '?');
        let query = query.split(is_end).next()?;
        query.contains('=').then(|| (start, start.saturating_add(query.len())))
    });
    queries.next()
}

fn long_word(text: &str) -> Option<(usize, usize)> {
    let of_base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '=');
    let word = text.split(|c| !of_base64(c)).find(|word| word.len() >= LONG_WORD)?;
    let start = text.find(word)?;
    Some((start, start.saturating_add(word.len())))
}

/// The title of an HTML page.
fn title(page: &str) -> Option<&str> {
    // No character becomes longer or shorter, so that places stay what they are.
    let lower = Zeroizing::new(page.to_ascii_lowercase());
    let tag = lower.find("<title")?;
    let start = tag.saturating_add(lower.get(tag..)?.find('>')?).saturating_add(1);
    let end = start.saturating_add(lower.get(start..)?.find("</title")?);
    page.get(start..end).filter(|title| !title.trim().is_empty())
}

/// In one line, without long words, and not too long. The text holds no secret that is known.
fn excerpt(text: &str) -> String {
    let mut words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    hide_all(&mut words, long_word);
    words.chars().take(EXCERPT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "9f2c4b7e1d5a48c0b3e6a7d812f45c90";

    fn quoted(secret: &str, text: &str) -> String {
        let mut redactor = Redactor::default();
        redactor.hide([secret]);
        redactor.quote(text)
    }

    fn in_pieces(secret: &str, size: usize, between: &str) -> String {
        let chars: Vec<_> = secret.chars().collect();
        chars.chunks(size).map(|piece| piece.iter().collect::<String>()).collect::<Vec<_>>().join(between)
    }

    #[test]
    fn an_ordinary_page_is_quoted_as_it_is() {
        let page = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\n <center>nginx/1.18.0</center>";
        let expected = "<html> <head><title>502 Bad Gateway</title></head> <body> <center>nginx/1.18.0</center>";
        assert_eq!(quoted(TOKEN, page), expected);
        assert_eq!(quoted("demo-access-key", "access denied: no such key"), "access denied: no such key");
        assert_eq!(quoted(TOKEN, &"中".repeat(300)), "中".repeat(200));
        assert_eq!(quoted("ab", "ab"), "ab", "too short");
    }

    #[test]
    fn numbers_that_are_no_secret_are_quoted() {
        for page in ["wait 10 20 30 40 50 60 70 80 s", "10.0.0.1:8080, 2026-11-25 11:06:08", "9f 10 11 12 13 14 15"] {
            assert_eq!(quoted(TOKEN, page), page);
        }
    }

    #[test]
    fn words_before_a_secret_are_quoted_and_no_more() {
        for (page, expected) in [
            ("no token 9f2c4b7e1d5a48c0b3e6a7d812f45c90 here", "no token (the rest"),
            ("bad:9f2c4b7e1d5a48...", "(not quoted"),
            ("<p>9f2c4b7e1d5a48", "(not quoted"),
            ("<title>No way</title><p>9f2c4b7e1d5a48", "<title>No way</title><p> (the rest"),
            ("<!-- 9f2c4b7e1d5a48 --><title>\n No way</title>", "No way (the rest"),
            ("<!-- 9f2c4b7e1d5a48 --><title>9f2c4b7e1d5a48</title>", "(not quoted"),
        ] {
            let quoted = quoted(TOKEN, page);
            assert!(quoted.starts_with(expected), "{page}: {quoted}");
            assert!(!quoted.contains("9f2c4b7e"), "{page}: {quoted}");
        }
        let far = format!("{} {TOKEN}", "word ".repeat(100));
        assert_eq!(quoted(TOKEN, &far), "word ".repeat(40), "what is not quoted needs no remark");
    }

    /// Each is read by somebody who has the patience.
    #[test]
    fn a_secret_is_known_in_every_coding() {
        for secret in [TOKEN, "demo-access-key", "Zhang-San-3301-x", "k/e y+p%w=0", "中文密钥中文密钥", "hunter2"]
        {
            let each = |write: &dyn Fn(u32) -> String| secret.chars().map(|c| write(c.into())).collect::<String>();
            let bytes = |write: &dyn Fn(u8) -> String| secret.bytes().map(write).collect::<String>();
            let hex = bytes(&|byte| format!("{byte:02x}"));
            let percent = bytes(&|byte| format!("%{byte:02X}"));
            let mut forms = vec![
                secret.to_owned(),
                secret.to_uppercase(),
                percent.to_lowercase(),
                percent.replace('%', "%25"),
                percent.replace('%', "%2525"),
                percent,
                each(&|c| format!("&#{c};")),
                each(&|c| format!("&#{c}")),
                each(&|c| format!("&#x{c:X};")),
                each(&|c| format!("&amp;#{c};")),
                each(&|c| format!("\\u{c:04x}")),
                bytes(&|byte| format!("\\x{byte:02x}")),
                hex.to_uppercase(),
                bytes(&|byte| format!("\\{byte:03o}")),
                bytes(&|byte| format!("{byte} ")),
                bytes(&|byte| format!("{byte},")),
                bytes(&|byte| format!("{byte:03o} ")),
                bytes(&|byte| format!("{byte:08b} ")),
                bytes(&|byte| format!("0x{byte:02x} ")),
                bytes(&|byte| format!("0x{byte:X},")),
                bytes(&|byte| format!("\"0\":{byte},")),
                in_pieces(&hex, 2, " "),
                in_pieces(&hex, 2, ":"),
                hex,
                in_pieces(secret, 1, " "),
                in_pieces(secret, 3, "<wbr class=\"a1\">"),
                in_pieces(secret, 4, "<!-- a > b -->"),
                in_pieces(secret, 5, "\u{ad}"),
                in_pieces(secret, 7, "' + '"),
            ];
            for before in ["", "x", "xy", "user:"] {
                let base64 = BASE64_STANDARD_NO_PAD.encode([before, secret, ":x"].concat());
                forms.push(in_pieces(&base64, 5, "\r\n"));
                forms.push(in_pieces(&base64, 9, " "));
                forms.push(base64.replace('+', "-").replace('/', "_"));
                forms.push(base64.replace('+', "%2B").replace('/', "%2F"));
                forms.push(base64);
            }
            for form in forms {
                let page = format!("<p>cannot read {form} - sorry");
                let quoted = quoted(secret, &page);
                // Of "user:" in Base64 a piece may stand alone.
                let shown = quoted.strip_suffix(REST_NOT_QUOTED).and_then(|shown| shown.strip_prefix("<p>cannot read"));
                assert!(shown.is_some_and(|shown| shown.len() < 8), "{secret}: {page}: {quoted}");
            }
        }
    }

    #[test]
    fn halves_of_a_secret_are_not_quoted() {
        for page in [
            "12f45c90 and so on",
            "9f2c4b7e1d, 2f45c90",
            "x***-San-3301",
            "San-3301-Li",
            "9f2c4<script>x</script>b7e1d5a48c0b3e",
        ] {
            let mut redactor = Redactor::default();
            redactor.hide([TOKEN, "Zhang-San-3301-Li"]);
            let quoted = redactor.quote(page);
            let letters: String = quoted.chars().filter(|c| c.is_alphanumeric()).collect();
            assert!(quoted.contains("not quoted"), "{page}: {quoted}");
            assert!(!letters.contains("12f45c90") && !letters.contains("San3301"), "{page}: {quoted}");
        }
    }

    #[test]
    fn queries_and_long_words_are_cut_out() {
        assert_eq!(
            quoted(TOKEN, "GET http://a/b?x=1&amp;y=2\">z</a> why? ok? <b>http://a/b?x=1</b>"),
            "GET http://a/b?***\">z</a> why? ok? <b>http://a/b?***</b>"
        );
        let text = format!("id {} of {}, {}", "a1".repeat(15), "Zm9v+".repeat(9), "0f".repeat(16));
        assert_eq!(quoted(TOKEN, &text), format!("id {} of ***, ***", "a1".repeat(15)));
        let mut redactor = Redactor::default();
        redactor.hide_query("idcard=1234567890&%E5%90%8D=%E5%BC%A0%E4%B8%89&a=b");
        assert_eq!(redactor.quote("bad idcard, a=b: 1234567890"), ["bad idcard, a=b:", REST_NOT_QUOTED].concat());
        assert_eq!(redactor.quote("名为 张三 者"), ["名为", REST_NOT_QUOTED].concat());
    }

    /// A page of some kilobytes and a query of twenty thousand parameters: a search for each in each would take minutes.
    #[test]
    fn many_secrets_take_no_time() {
        let mut redactor = Redactor::default();
        let query: Vec<_> = (0..20_000).map(|number| format!("key{number}=value{number}")).collect();
        redactor.hide_query(&query.join("&"));
        redactor.hide([&*"a long value ".repeat(10_000)]);
        let started = std::time::Instant::now();
        let page = format!("{} value17777 {}", "lorem ipsum ".repeat(10), "valley of keys ".repeat(60));
        let quoted = redactor.quote(&page);
        assert_eq!(quoted, ["lorem ipsum ".repeat(10).trim(), REST_NOT_QUOTED].concat());
        assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
    }
}
