//! Percent-encoding: `urllib.parse.quote`, the server's Java rule, and the parts of a query.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};

/// RFC 3986, unreserved characters alone. Each key and value of a query is written so.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// `urllib.parse.quote` of Python 3.7 and later, with its default `safe='/'`.
const PYTHON: &AsciiSet = &COMPONENT.remove(b'/');
/// `URLEncoder.encode` of Java, then `+` to `%20` and `*` to `%2A`: `/` and `~` are encoded too.
const JAVA: &AsciiSet = &COMPONENT.add(b'~');

/// What to percent-encode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Escape {
    Component,
    Python,
    Java,
}

/// The text percent-encoded as UTF-8 with upper-case hex, in pieces.
pub(crate) fn escape(text: &str, rule: Escape) -> PercentEncode<'_> {
    let set = match rule {
        Escape::Component => COMPONENT,
        Escape::Python => PYTHON,
        Escape::Java => JAVA,
    };
    utf8_percent_encode(text, set)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_rules_differ_on_slash_and_tilde_alone() {
        let every_ascii: String = (0..0x80u8).map(char::from).collect();
        let differs = |a, b| {
            let of = |rule| move |c: char| escape(c.encode_utf8(&mut [0; 4]), rule).to_string();
            every_ascii.chars().filter(|&c| of(a)(c) != of(b)(c)).collect::<String>()
        };
        assert_eq!(differs(Escape::Python, Escape::Java), "/~");
        assert_eq!(differs(Escape::Python, Escape::Component), "/");
        assert_eq!(escape("a b&=中~/*+", Escape::Java).to_string(), "a%20b%26%3D%E4%B8%AD%7E%2F%2A%2B");
    }
}
