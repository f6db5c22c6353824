//! The head of an HTTP reply, read as generously as browsers do: an odd header line costs that line, not the reply.
//!
//! Only where a line decides how long the reply is, nothing is guessed: a reader that disagreed with the server, or with a
//! proxy between, would take a part of one reply for the next.

use std::borrow::Cow;

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

/// A head that is longer is none.
pub(crate) const LONGEST: usize = 32 * 1024;

const START: &[u8] = b"HTTP/";

/// The head of a reply.
#[derive(Debug)]
pub(crate) struct Head {
    /// The minor version: HTTP/1.0 or HTTP/1.1.
    pub(crate) minor: u8,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// A line that says how long the reply is was written oddly. It is believed, but what follows this reply is not.
    pub(crate) is_length_odd: bool,
}

/// A head that cannot be read, in words that quote nothing of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unreadable {
    /// Counted from 1; the status line is the first.
    pub(crate) line: usize,
    /// For "line 3 of the head ...".
    pub(crate) why: &'static str,
    /// Where the status line could be read.
    pub(crate) status: Option<StatusCode>,
}

/// Whether these bytes can be the beginning of a head.
pub(crate) fn may_begin(bytes: &[u8]) -> bool {
    let bytes = without_empty_lines(bytes);
    bytes.iter().zip(START).all(|(byte, expected)| byte.eq_ignore_ascii_case(expected))
}

/// The length of the head at the beginning of these bytes, its empty line included; `None` while that has not come.
pub(crate) fn length(bytes: &[u8]) -> Option<usize> {
    let mut at = bytes.len() - without_empty_lines(bytes).len();
    loop {
        let end = bytes[at..].iter().position(|&byte| byte == b'\n')?;
        if without_return(&bytes[at..at + end]).is_empty() {
            return Some(at + end + 1);
        }
        at += end + 1;
    }
}

/// Reads a whole head.
pub(crate) fn parse(head: &[u8]) -> Result<Head, Unreadable> {
    let mut lines = without_empty_lines(head).split(|&byte| byte == b'\n').map(without_return);
    let unreadable = |line, why, status| Unreadable { line, why, status };
    let first = lines.next().unwrap_or(b"");
    let (minor, status) = status_line(first).map_err(|why| unreadable(1, why, None))?;
    let mut fields = Fields::default();
    for (index, line) in lines.take_while(|line| !line.is_empty()).enumerate() {
        fields.add(index + 2, line).map_err(|(line, why)| unreadable(line, why, Some(status)))?;
    }
    let (headers, is_length_odd) = fields.finish().map_err(|(line, why)| unreadable(line, why, Some(status)))?;
    Ok(Head { minor, status, headers, is_length_odd })
}

/// The number of the last line with this header, in a head that was read.
pub(crate) fn line_of(head: &[u8], name: &HeaderName) -> Option<usize> {
    let lines: Vec<_> = without_empty_lines(head).split(|&byte| byte == b'\n').collect();
    let is_of_name = |line: &&[u8]| {
        let named = line.split(|&byte| byte == b':').next().unwrap_or(b"");
        named.trim_ascii_end().eq_ignore_ascii_case(name.as_str().as_bytes())
    };
    lines.iter().rposition(is_of_name).map(|index| index + 1)
}

/// The status of a head whose end has not come, or never will.
pub(crate) fn status_of_part(bytes: &[u8]) -> Option<StatusCode> {
    let bytes = without_empty_lines(bytes);
    let end = bytes.iter().position(|&byte| byte == b'\n')?;
    status_line(without_return(&bytes[..end])).ok().map(|(_, status)| status)
}

/// Empty lines before a message are passed over (RFC 9112, 2.2).
fn without_empty_lines(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).unwrap_or(bytes.len());
    &bytes[start..]
}

/// Lines end with CR LF, or with LF alone (RFC 9112, 2.2).
fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// `HTTP/1.1 200 OK`, its words optional, of any case and with any number of blanks between.
fn status_line(line: &[u8]) -> Result<(u8, StatusCode), &'static str> {
    let mut words = line.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty());
    let version = words.next().unwrap_or(b"");
    let is_http = version.len() > START.len() && version[..START.len()].eq_ignore_ascii_case(START);
    let version = if is_http { &version[START.len()..] } else { b"" };
    let minor = match version {
        b"1.0" | b"1" => 0,
        [b'1', b'.', minor] if minor.is_ascii_digit() => 1,
        _ => return Err("is not that of HTTP/1.0 or HTTP/1.1"),
    };
    let status = words.next().filter(|digits| digits.len() == 3).and_then(|digits| StatusCode::from_bytes(digits).ok());
    status.map(|status| (minor, status)).ok_or("holds no status of three digits")
}

/// The number of a line, and what is wrong with it.
type Wrong = (usize, &'static str);

/// The header lines, as they come.
#[derive(Default)]
struct Fields<'a> {
    headers: HeaderMap,
    is_length_odd: bool,
    /// The last one, which may go on in the next line.
    last: Option<Field<'a>>,
}

struct Field<'a> {
    line: usize,
    name: &'a [u8],
    value: Cow<'a, [u8]>,
}

impl<'a> Fields<'a> {
    fn add(&mut self, number: usize, line: &'a [u8]) -> Result<(), Wrong> {
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            // A folded line goes on with the value before (RFC 9112, 5.2).
            if let Some(last) = &mut self.last {
                let value = last.value.to_mut();
                value.push(b' ');
                value.extend_from_slice(line.trim_ascii());
            }
            // For others on the way it may be a header of its own.
            self.is_length_odd |=
                line.split(|&byte| byte == b':').next().is_some_and(|name| length_header(name).is_some());
            return Ok(());
        }
        self.end_last()?;
        match line.iter().position(|&byte| byte == b':') {
            Some(colon) => {
                let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii().into());
                self.last = Some(Field { line: number, name, value });
            }
            None if length_header(line).is_some() => {
                return Err((number, "says nothing of the length it begins to tell"));
            }
            None => {}
        }
        Ok(())
    }

    /// Takes the last header in, or skips it.
    fn end_last(&mut self) -> Result<(), Wrong> {
        let Some(Field { line, name, value }) = self.last.take() else { return Ok(()) };
        let usual = name.trim_ascii_end();
        let is_folded = matches!(value, Cow::Owned(_));
        let parsed = HeaderName::from_bytes(usual).ok().zip(HeaderValue::from_bytes(&value).ok());
        if let Some(length_header) = length_header(name) {
            let Some((_, value)) = parsed.filter(|(name, _)| *name == length_header) else {
                return Err((line, "holds a character that no header has, and says how long the reply is"));
            };
            self.is_length_odd |= usual.len() < name.len() || is_folded;
            self.headers.append(length_header, value);
        } else if let Some((name, value)) = parsed {
            // There is room for many times as many as a head can hold.
            let _ = self.headers.try_append(name, value);
        }
        Ok(())
    }

    fn finish(mut self) -> Result<(HeaderMap, bool), Wrong> {
        self.end_last()?;
        Ok((self.headers, self.is_length_odd))
    }
}

/// The header that decides over the length, if a name is meant for it: others on the way may pass over characters that do
/// not belong there.
fn length_header(name: &[u8]) -> Option<HeaderName> {
    let is_of_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
    let letters: Vec<u8> = name.iter().copied().filter(is_of_name).map(|byte| byte.to_ascii_lowercase()).collect();
    [CONTENT_LENGTH, TRANSFER_ENCODING].into_iter().find(|header| header.as_str().as_bytes() == letters)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(lines: &str) -> Result<Head, Unreadable> {
        let bytes = format!("HTTP/1.1 200 OK\r\n{lines}\r\n");
        assert_eq!(length(format!("{bytes}body\r\n\r\n").as_bytes()), Some(bytes.len()), "{lines:?}");
        parse(bytes.as_bytes())
    }

    #[test]
    fn status_lines_in_every_form() {
        for (line, minor, status) in [
            ("HTTP/1.1 200 OK", 1, 200),
            ("HTTP/1.0 404", 0, 404),
            ("http/1.1 503 \u{e9}", 1, 503),
            ("HTTP/1.1  200   OK", 1, 200),
            ("HTTP/1.1\t200", 1, 200),
            ("HTTP/1.2 200 OK", 1, 200),
            ("HTTP/1.1 999 x", 1, 999),
            ("\r\n\nHTTP/1.1 204 x", 1, 204),
        ] {
            for end in ["\r\n\r\n", "\n\n", "\r\n\n"] {
                let bytes = format!("{line}{end}");
                let head = parse(bytes.as_bytes()).unwrap();
                assert_eq!((head.minor, head.status.as_u16()), (minor, status), "{line}");
                assert_eq!(length(bytes.as_bytes()), Some(bytes.len()), "{line}");
            }
        }
        for line in
            ["HTTP/2 200 OK", "HTTP/3.0 200 OK", "HTTP/1.1 abc", "HTTP/1.1 20", "HTTP/1.1", "HTTP/1.1 099 x", "x"]
        {
            let unreadable = parse(format!("{line}\r\n\r\n").as_bytes()).unwrap_err();
            assert_eq!((unreadable.line, unreadable.status), (1, None), "{line}");
        }
    }

    #[test]
    fn another_protocol_is_known_by_its_first_bytes() {
        for (bytes, expected) in [
            ("", true),
            ("H", true),
            ("\r\nhttp/", true),
            ("HTTP/1.1 2", true),
            ("SSH", false),
            ("{", false),
            ("HTP", false),
        ] {
            assert_eq!(may_begin(bytes.as_bytes()), expected, "{bytes}");
        }
    }

    #[test]
    fn odd_lines_are_taken_or_skipped_and_cost_no_other() {
        for odd in [
            "X-Odd : blank before the colon\r\n",
            "X-Folded: a\r\n\tb\r\n  c\r\n",
            "no colon\r\n",
            "no colon\r\n and it goes on\r\n",
            "X-\u{1}Name: x\r\n",
            "X-Val: a\0b\r\n",
            "X-Val: \u{1}\u{7f}\r\n",
            "X-Val: 中文\r\n",
            "中文: x\r\n",
            ": no name\r\n",
            "X Y: blank within\r\n",
            "(X): y\r\n",
            "X-Bare: lf\n",
            "\r\r\n",
            "X: a\rb\r\n",
        ] {
            let head = head(&format!("First: 1\r\n{odd}Content-Length: 2\r\n")).expect(odd);
            assert_eq!(
                (&head.headers["first"], &head.headers["content-length"]),
                (&"1".parse().unwrap(), &"2".parse().unwrap()),
                "{odd:?}"
            );
            assert!(!head.is_length_odd, "{odd:?}");
        }
        let folded = head("Content-Type: application/json;\r\n charset=utf-8\r\nX-Blank : y\r\n").unwrap().headers;
        assert_eq!(
            (&folded["content-type"], &folded["x-blank"]),
            (&"application/json; charset=utf-8".parse().unwrap(), &"y".parse().unwrap())
        );
    }

    #[test]
    fn any_number_of_headers_that_a_head_can_hold() {
        let many = "a:\n".repeat(LONGEST / 3);
        let head = head(&format!("{many}Location: x\r\n")).unwrap();
        assert_eq!(head.headers["location"], "x");
    }

    #[test]
    fn a_length_is_never_guessed() {
        for (lines, line) in [
            ("Content-Length\u{1}: 2\r\n", 2),
            ("X: y\r\nContent -Length: 2\r\n", 3),
            ("\u{b}Transfer-Encoding: chunked\r\n", 2),
            ("Transfer-Encoding: chun\0ked\r\n", 2),
            ("Content-Length: 2\0\r\n", 2),
            ("Transfer-Encoding\r\n", 2),
        ] {
            let unreadable = head(lines).expect_err(lines);
            assert_eq!((unreadable.line, unreadable.status), (line, Some(StatusCode::OK)), "{lines:?}");
        }
        for odd in [
            "X: y\r\n Content-Length: 2\r\n",
            " Transfer-Encoding: chunked\r\n",
            "Content-Length : 2\r\n",
            "Transfer-Encoding\t: chunked\r\n",
            "Content-Length:\r\n 2\r\n",
        ] {
            assert!(head(odd).unwrap().is_length_odd, "{odd:?}");
        }
    }
}
