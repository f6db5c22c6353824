//! Takes secrets out of text that others wrote: a proxy's error page quotes the URL that it could not fetch.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::python::{Escape, escape};
use crate::secret::Secret;

/// A run of letters and digits is hidden from this length on. Shorter ones are words of every page.
const SHORTEST_RUN: usize = 5;

/// So much of a secret, at its beginning or its end, gives it away.
const SHORTEST_HALF: usize = 8;
/// No word of any language is so long.
const LONG_WORD: usize = 32;
/// In a secret's place.
const HIDDEN: &str = "***";

/// What must not be shown of one request.
#[derive(Debug, Default)]
pub(crate) struct Redactor {
    /// Longest first, so that no part of a longer one stays.
    secrets: Vec<Secret>,
}

impl Redactor {
    /// Hides these texts as well, whatever escapes they are written with: besides a text itself and its
    /// percent-encoded forms each run of letters and digits in it, since those look the same in HTML, JSON and URLs.
    pub(crate) fn hide<'s>(&mut self, secrets: impl IntoIterator<Item = &'s str>) {
        for secret in secrets {
            for rule in [Escape::Component, Escape::Python, Escape::Java] {
                let encoded = escape(secret, rule).to_string();
                self.add(&lower_case_escapes(&encoded));
                self.add(&encoded);
            }
            let decoded = percent_decode_str(secret).decode_utf8_lossy();
            for text in [secret, &*decoded] {
                self.add(text);
                let runs = text.split(|c: char| !c.is_alphanumeric());
                runs.filter(|run| run.chars().count() >= SHORTEST_RUN).for_each(|run| self.add(run));
            }
        }
        self.secrets.sort_by(|a, b| (b.expose().len(), b.expose()).cmp(&(a.expose().len(), a.expose())));
        self.secrets.dedup_by(|a, b| a.expose() == b.expose());
    }

    /// Hides the parameters of a query.
    pub(crate) fn hide_query(&mut self, query: &str) {
        for pair in query.split('&') {
            self.hide(pair.split_once('=').map(|(_, value)| value).into_iter().chain([pair]));
        }
    }

    fn add(&mut self, form: &str) {
        // A text of one or two bytes stands everywhere; to hide it would hide all.
        if form.len() > 2 {
            self.secrets.push(Secret::new(form.to_owned()));
        }
    }

    /// The text without the secrets, and without any URL's query.
    pub(crate) fn clean<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut text = without_queries(text);
        let secrets = || self.secrets.iter().map(Secret::expose);
        for secret in secrets() {
            if text.contains(secret) {
                text = Cow::Owned(text.replace(secret, HIDDEN));
            }
        }
        for secret in secrets() {
            while let Some((start, end)) = half(&text, secret) {
                let [before, after] = [text.get(..start), text.get(end..)].map(Option::unwrap_or_default);
                text = Cow::Owned([before, HIDDEN, after].concat());
            }
        }
        without_long_words(text)
    }
}

/// Where the beginning or the end of the secret stands alone: who quotes a request may cut it anywhere.
fn half(text: &str, secret: &str) -> Option<(usize, usize)> {
    let first = secret.get(..secret.ceil_char_boundary(SHORTEST_HALF))?;
    let last = secret.get(secret.floor_char_boundary(secret.len().checked_sub(SHORTEST_HALF)?)..)?;
    if let Some(start) = text.find(first) {
        let same = text.get(start..)?.chars().zip(secret.chars()).take_while(|(a, b)| a == b);
        return Some((start, start.saturating_add(same.map(|(c, _)| c.len_utf8()).sum())));
    }
    let end = text.find(last)?.saturating_add(last.len());
    let same = text.get(..end)?.chars().rev().zip(secret.chars().rev()).take_while(|(a, b)| a == b);
    Some((end.saturating_sub(same.map(|(c, _)| c.len_utf8()).sum()), end))
}

/// The text with [`HIDDEN`] in place of each word that is Base64 or hex of something long, whatever it is of.
fn without_long_words(mut text: Cow<'_, str>) -> Cow<'_, str> {
    let of_base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '=');
    while let Some(word) = text.split(|c| !of_base64(c)).find(|word| word.len() >= LONG_WORD) {
        text = Cow::Owned(text.replace(word, HIDDEN));
    }
    text
}

/// `%2F` as `%2f`.
fn lower_case_escapes(encoded: &str) -> String {
    let mut parts = encoded.split('%');
    let mut lower = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2).unwrap_or((part, ""));
        lower.extend(["%", &digits.to_ascii_lowercase(), rest]);
    }
    lower
}

/// Cuts each `?name=value...` down to `?***`.
fn without_queries(text: &str) -> Cow<'_, str> {
    let mut parts = text.split('?');
    let mut clean = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end =
            part.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | ')')).unwrap_or(part.len());
        let (query, rest) = part.split_at(end);
        clean.push('?');
        clean.push_str(if query.contains('=') { "***" } else { query });
        clean.push_str(rest);
    }
    if clean == text { Cow::Borrowed(text) } else { Cow::Owned(clean) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean(secret: &str, text: &str) -> String {
        let mut redactor = Redactor::default();
        redactor.hide([secret]);
        redactor.clean(text).into_owned()
    }

    #[test]
    fn hides_every_form() {
        assert_eq!(clean("k/e y", "k/e y k%2Fe%20y k%2fe%20y k/e%20y"), "*** *** *** ***");
        assert_eq!(clean("中文key", "中文key %E4%B8%AD%E6%96%87key"), "*** ***");
        assert_eq!(clean("ab", "ab"), "ab");
        let hidden = ["se/cr+etsecret==", "se\\/cr+etsecret", "se&#47;cr+etsecret&#x3D;", "se%2fcr%2betsecret%3d%3d"];
        for text in hidden {
            assert!(!clean("se/cr+etsecret==", text).contains("etsecret"), "{text}");
        }
    }

    #[test]
    fn hides_halves() {
        let token = "9f2c4b7e1d5a48c0b3e6a7d812f45c90";
        assert_eq!(clean(token, "accesstoken: 9f2c4b7e1d5a48..."), "accesstoken: ***...");
        assert_eq!(clean(token, "12f45c90 timestamp: 1"), "*** timestamp: 1");
        assert_eq!(clean(token, "2f45c90, 9f2c4b7 and 9f2c4b7e1d5a48c0b3e6a7d812f45c90"), "2f45c90, 9f2c4b7 and ***");
        assert_eq!(clean(token, "a7d812f45c90 and 9f2c4b7e1d"), "*** and ***");
        assert_eq!(clean("中文密钥中文密钥", "的中文密钥中。"), "的***。");
    }

    #[test]
    fn hides_long_words() {
        let text = format!("id {} of {}, {}", "a1".repeat(15), "Zm9v+".repeat(9), "0f".repeat(16));
        assert_eq!(clean("none", &text), format!("id {} of ***, ***", "a1".repeat(15)));
    }

    #[test]
    fn hides_queries() {
        let mut redactor = Redactor::default();
        redactor.hide_query("idcard=1234567890&%E5%90%8D=%E5%BC%A0%E4%B8%89&a=b");
        assert_eq!(redactor.clean("bad query: idcard=1234567890, 名=张三, a=b, 张三"), "bad query: ***, ***, ***, ***");
        assert_eq!(
            redactor.clean("GET http://a/b?x=1&amp;y=2\">z</a> why? ok? <b>http://a/b?x=1</b>"),
            "GET http://a/b?***\">z</a> why? ok? <b>http://a/b?***</b>"
        );
    }
}
