//! Takes secrets out of text that others wrote: a proxy's error page quotes the URL that it could not fetch.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::python::{Escape, escape};
use crate::secret::Secret;

/// A run of letters and digits is hidden from this length on. Shorter ones are words of every page.
const SHORTEST_RUN: usize = 5;

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
        for secret in &self.secrets {
            if text.contains(secret.expose()) {
                text = Cow::Owned(text.replace(secret.expose(), "***"));
            }
        }
        text
    }
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
