//! Takes secrets out of text that others wrote: a proxy's error page quotes the URL that it could not fetch.

use std::cmp::Reverse;

use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

use super::letters::Letters;
use rpa_signing::Secret;
use rpa_signing::python::{Escape, escape_into};

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
    secrets: Vec<Secret>,
}

impl Redactor {
    /// Hides these texts as well, whatever escapes they are written with.
    pub(crate) fn hide<'s>(&mut self, secrets: impl IntoIterator<Item = &'s str>) {
        self.secrets.extend(secrets.into_iter().map(|secret| Secret::new(secret.to_owned())));
    }

    /// Hides the parameters of a query.
    pub(crate) fn hide_query(&mut self, query: &str) {
        for pair in query.split('&') {
            self.hide(pair.split_once('=').map(|(_, value)| value).into_iter().chain([pair]));
        }
    }

    /// The text without the secrets, and without any URL's query. All is done in one place, which is wiped: a copy for
    /// each step would leave the secrets behind.
    pub(crate) fn clean(&self, text: &str) -> Zeroizing<String> {
        let queries = text.matches('?').count().saturating_mul(HIDDEN.len());
        let mut clean = Zeroizing::new(String::with_capacity(text.len().saturating_add(queries)));
        clean.push_str(text);
        hide_queries(&mut clean);
        let forms = self.forms_in(text);
        let forms = || forms.iter().map(Secret::expose);
        for form in forms() {
            hide_all(&mut clean, |rest| rest.find(form).map(|at| (at, at.saturating_add(form.len()))));
        }
        for form in forms() {
            hide_all(&mut clean, |rest| half(rest, form));
        }
        hide_all(&mut clean, long_word);
        // Who takes a secret apart shows it on purpose, or by an accident that knows no end of forms.
        if self.is_shown_in(&clean) { Zeroizing::new(HIDDEN.to_owned()) } else { clean }
    }

    /// Whether the text shows a telling part of a secret, with whatever in between.
    pub(crate) fn is_shown_in(&self, text: &str) -> bool {
        let letters = Letters::of(text);
        let shown = |secret: &str| letters.show(secret) || secret.contains('%') && letters.show(&decoded(secret));
        self.secrets.iter().any(|secret| shown(secret.expose()))
    }

    /// The forms of the secrets that the text may hold, the longest first, so that no part of a longer one stays. A query
    /// may have a hundred thousand parameters; the text is short.
    fn forms_in(&self, text: &str) -> Vec<Secret> {
        let pieces = Pieces::of(text);
        let mut forms = Vec::new();
        for secret in &self.secrets {
            each_form(secret.expose(), |form| {
                if pieces.may_make(form) {
                    forms.push(Secret::new(form.to_owned()));
                }
            });
        }
        forms.sort_unstable_by(|a, b| (b.expose().len(), b.expose()).cmp(&(a.expose().len(), a.expose())));
        forms.dedup_by(|a, b| a.expose() == b.expose());
        forms
    }
}

/// Besides a text itself and its percent-encoded forms each run of letters and digits in it, since those look the same in
/// HTML, JSON and URLs.
fn each_form(secret: &str, mut take: impl FnMut(&str)) {
    if secret.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return take(secret);
    }
    for rule in [Escape::Component, Escape::Python, Escape::Java] {
        // Sized for the worst case, so that no reallocation leaves a copy behind.
        let mut encoded = Zeroizing::new(String::with_capacity(secret.len().saturating_mul(3)));
        escape_into(secret, rule, &mut encoded);
        take(&lower_case_escapes(&encoded));
        take(&encoded);
    }
    for text in [secret, &*decoded(secret)] {
        take(text);
        let runs = text.split(|c: char| !c.is_alphanumeric());
        runs.filter(|run| run.chars().count() >= SHORTEST_RUN).for_each(&mut take);
    }
}

fn decoded(secret: &str) -> Zeroizing<String> {
    Zeroizing::new(percent_decode_str(secret).decode_utf8_lossy().into_owned())
}

/// All that stands side by side in a text, three bytes each: a quick look at what it cannot hold.
struct Pieces<'t>(Vec<&'t [u8]>);

impl Pieces<'_> {
    fn of(text: &str) -> Pieces<'_> {
        let mut pieces: Vec<_> = text.as_bytes().windows(3).collect();
        pieces.sort_unstable();
        pieces.dedup();
        Pieces(pieces)
    }

    /// Whether the text may hold the form, or the half of it that gives it away. One of a byte or two stands everywhere;
    /// to hide it would hide all.
    fn may_make(&self, form: &str) -> bool {
        let known = |part: Option<&[u8]>| {
            part.is_some_and(|part| part.windows(3).all(|piece| self.0.binary_search(&piece).is_ok()))
        };
        let bytes = form.as_bytes();
        let length = bytes.len().min(SHORTEST_HALF);
        length > 2 && (known(bytes.get(..length)) || known(bytes.get(bytes.len().saturating_sub(length)..)))
    }
}

/// Puts [`HIDDEN`] in place of whatever `find` finds in the rest of the text, one after the other.
fn hide_all(text: &mut String, find: impl Fn(&str) -> Option<(usize, usize)>) {
    let mut done: usize = 0;
    while let Some((from, to)) = text.get(done..).and_then(&find) {
        let from = done.saturating_add(from);
        text.replace_range(from..done.saturating_add(to), HIDDEN);
        done = from.saturating_add(HIDDEN.len());
    }
}

/// Where the beginning or the end of the secret stands alone: who quotes a request may cut it anywhere.
fn half(text: &str, secret: &str) -> Option<(usize, usize)> {
    let boundary = |at: &usize| secret.is_char_boundary(*at);
    let first = secret.get(..(SHORTEST_HALF..=secret.len()).find(boundary)?)?;
    let last = secret.get((0..=secret.len().checked_sub(SHORTEST_HALF)?).rev().find(boundary)?..)?;
    let of_first = text.find(first).and_then(|start| {
        let same = text.get(start..)?.chars().zip(secret.chars()).take_while(|(a, b)| a == b);
        Some((start, start.saturating_add(same.map(|(c, _)| c.len_utf8()).sum())))
    });
    let of_last = text.find(last).and_then(|start| {
        let end = start.saturating_add(last.len());
        let same = text.get(..end)?.chars().rev().zip(secret.chars().rev()).take_while(|(a, b)| a == b);
        Some((end.saturating_sub(same.map(|(c, _)| c.len_utf8()).sum()), end))
    });
    // Of two the one that comes first, and of two at one place the longer: the search goes on behind it.
    of_first.into_iter().chain(of_last).min_by_key(|&(start, end)| (start, Reverse(end)))
}

/// A word that is Base64 or hex of something long, whatever it is of.
fn long_word(text: &str) -> Option<(usize, usize)> {
    let of_base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '=');
    let word = text.split(|c| !of_base64(c)).find(|word| word.len() >= LONG_WORD)?;
    let start = text.find(word)?;
    Some((start, start.saturating_add(word.len())))
}

/// `%2F` as `%2f`.
fn lower_case_escapes(encoded: &str) -> Zeroizing<String> {
    let mut parts = encoded.split('%');
    let mut lower = Zeroizing::new(String::with_capacity(encoded.len()));
    lower.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (digits, rest) = part.split_at_checked(2).unwrap_or((part, ""));
        lower.extend(["%", &digits.to_ascii_lowercase(), rest]);
    }
    lower
}

/// Cuts each `?name=value...` down to `?***`.
fn hide_queries(text: &mut String) {
    hide_all(text, |rest| {
        let starts = rest.match_indices('?').map(|(at, mark)| at.saturating_add(mark.len()));
        let mut queries = starts.filter_map(|start| {
            let query = rest.get(start..)?;
            let is_end = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | ')' | '?');
            let query = query.get(..query.find(is_end).unwrap_or(query.len()))?;
            query.contains('=').then(|| (start, start.saturating_add(query.len())))
        });
        queries.next()
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean(secret: &str, text: &str) -> String {
        let mut redactor = Redactor::default();
        redactor.hide([secret]);
        redactor.clean(text).to_string()
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

    /// A page of some kilobytes and a query of twenty thousand parameters: a search for each in each would take minutes.
    #[test]
    fn many_secrets_take_no_time() {
        let mut redactor = Redactor::default();
        let query: Vec<_> = (0..20_000).map(|number| format!("key{number}=value{number}")).collect();
        redactor.hide_query(&query.join("&"));
        let started = std::time::Instant::now();
        let clean =
            redactor.clean(&format!("{} value17777 {}", "lorem ipsum ".repeat(60), "valley of keys ".repeat(60)));
        assert!(clean.contains(" *** valley") && !clean.contains("17777"), "{}", *clean);
        assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
    }

    #[test]
    fn hides_what_is_taken_apart() {
        let token = "9f2c4b7e1d5a48c0b3e6a7d812f45c90";
        assert_eq!(clean(token, "<p>9 f 2 c 4 b 7 e 1 d 5 a 4 8 c 0 b 3 e 6 a 7 d 8"), "***");
        assert_eq!(clean("a%20secret/key", "a-s-e-c-r-e-t-k-e-y"), "***");
        assert_eq!(clean(token, "<p>9 f 2 c 4 b 7 e"), "<p>9 f 2 c 4 b 7 e");
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
        assert_eq!(
            *redactor.clean("bad query: idcard=1234567890, 名=张三, a=b, 张三"),
            "bad query: ***, ***, ***, ***"
        );
        assert_eq!(
            *redactor.clean("GET http://a/b?x=1&amp;y=2\">z</a> why? ok? <b>http://a/b?x=1</b>"),
            "GET http://a/b?***\">z</a> why? ok? <b>http://a/b?***</b>"
        );
    }
}
