//! Takes secrets out of text that others wrote: a proxy's error page quotes the URL that it could not fetch.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::python::{Escape, escape};
use crate::secret::Secret;

/// What must not be shown of one request.
#[derive(Debug, Default)]
pub(crate) struct Redactor {
    /// Longest first, so that no part of a longer one stays.
    secrets: Vec<Secret>,
}

impl Redactor {
    /// Hides these texts, also where they are percent-encoded.
    pub(crate) fn new<'s>(secrets: impl IntoIterator<Item = &'s str>) -> Redactor {
        let mut redactor = Redactor::default();
        redactor.add(secrets);
        redactor
    }

    /// Hides these texts as well.
    pub(crate) fn add<'s>(&mut self, secrets: impl IntoIterator<Item = &'s str>) {
        let forms = |secret: &str| {
            let encoded =
                [Escape::Component, Escape::Python, Escape::Java].map(|rule| escape(secret, rule).to_string());
            let decoded = percent_decode_str(secret).decode_utf8_lossy().into_owned();
            encoded.into_iter().chain([secret.to_owned(), decoded]).map(Secret::new)
        };
        // A text of one or two characters stands everywhere; to hide it would hide all.
        self.secrets.extend(secrets.into_iter().flat_map(forms).filter(|form| form.expose().len() > 2));
        self.secrets.sort_by(|a, b| (b.expose().len(), b.expose()).cmp(&(a.expose().len(), a.expose())));
        self.secrets.dedup_by(|a, b| a.expose() == b.expose());
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

    #[test]
    fn hides_every_form() {
        let redactor = Redactor::new(["k/e y", "中文key", "ab"]);
        let text = "k/e y k%2Fe%20y k/e%20y 中文key %E4%B8%AD%E6%96%87key ab";
        assert_eq!(redactor.clean(text), "*** *** *** *** *** ab");
        assert_eq!(
            Redactor::default().clean("GET http://a/b?x=1&amp;y=2\">z</a> why? ok?"),
            "GET http://a/b?***\">z</a> why? ok?"
        );
        assert_eq!(Redactor::default().clean("<b>http://a/b?x=1</b>"), "<b>http://a/b?***</b>");
    }
}
