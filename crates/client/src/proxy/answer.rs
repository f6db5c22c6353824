//! The head of a proxy's answer to CONNECT, read to its last byte and no further: what follows belongs to TLS.

use std::io::{self, ErrorKind, Read};

use super::refusal::{Refusal, Speaks};

/// A head that is longer is none.
const LONGEST_HEAD: usize = 32 * 1024;
/// A server may announce its answer (1xx) any number of times; nobody does it more than once or twice.
const MOST_INTERIM: usize = 8;
const START: &[u8] = b"http/";

/// What a proxy said, as far as it is told or acted upon.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The words behind the status, which HTTP/2 has abolished and some servers leave out.
    pub(crate) reason: String,
    /// Names in lower case.
    headers: Vec<(String, String)>,
}

impl Answer {
    #[cfg(test)]
    pub(crate) fn of_test(status: u16, headers: &[(&str, &str)]) -> Answer {
        let headers = headers.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        Answer { status, reason: String::new(), headers }
    }

    /// Reads the final answer, past those that announce it.
    pub(crate) fn read(stream: &mut impl Read) -> io::Result<Answer> {
        for _ in 0..=MOST_INTERIM {
            let answer = parse(&head(stream)?)?;
            // 101 is final, and not what was asked for.
            if !(100..200).contains(&answer.status) || answer.status == 101 {
                return Ok(answer);
            }
        }
        Err(Refusal::Speaks(Speaks::Endlessly).into())
    }

    /// The values of a header, in the order in which they came.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// The first value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }
}

/// The bytes up to the empty line. One at a time: a byte more would be missing in the TLS handshake.
fn head(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    loop {
        let byte = one(stream, head.is_empty())?;
        // Empty lines before a message are passed over (RFC 9112, 2.2).
        if head.is_empty() && matches!(byte, b'\r' | b'\n') {
            continue;
        }
        head.push(byte);
        // Who speaks another protocol may never send a line's end, and wait for more.
        let expected = START.get(head.len() - 1).is_none_or(|letter| byte.eq_ignore_ascii_case(letter));
        if !expected {
            return Err(Refusal::Speaks(Speaks::of(&head)).into());
        }
        if head.ends_with(b"\n\r\n") || head.ends_with(b"\n\n") {
            return Ok(head);
        }
        if head.len() >= LONGEST_HEAD {
            return Err(Refusal::Speaks(Speaks::Endlessly).into());
        }
    }
}

fn one(stream: &mut impl Read, first: bool) -> io::Result<u8> {
    let mut byte = [0];
    loop {
        match stream.read(&mut byte) {
            Ok(1..) => return Ok(byte[0]),
            Ok(0) => return Err(Refusal::Closed { silently: first }.into()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Takes what can be read of a head. A line that is no header is skipped: nothing depends on it.
fn parse(head: &[u8]) -> io::Result<Answer> {
    let text = String::from_utf8_lossy(head);
    let mut lines = text.lines();
    let first = lines.next().unwrap_or("");
    let mut words = first.split_whitespace().skip(1);
    let status = words.next().filter(|digits| digits.len() == 3).and_then(|digits| digits.parse().ok());
    let Some(status) = status else { return Err(Refusal::Speaks(Speaks::Nonsense).into()) };
    let reason = words.collect::<Vec<_>>().join(" ");
    let mut headers: Vec<(String, String)> = Vec::new();
    for line in lines {
        if line.starts_with([' ', '\t']) {
            // A folded line goes on with the value before (RFC 9112, 5.2).
            if let Some((_, value)) = headers.last_mut() {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            headers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    Ok(Answer { status, reason, headers })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_ends_at_its_last_byte() {
        for (head, status, reason) in [
            ("HTTP/1.1 200 Connection established\r\n\r\n", 200, "Connection established"),
            ("HTTP/1.0 200\r\n\r\n", 200, ""),
            ("HTTP/1.1 407 Proxy Authentication Required\r\nX: y\r\n\r\n", 407, "Proxy Authentication Required"),
            ("http/1.1 200 ok\nVia: 1.1 p\n\n", 200, "ok"),
            ("\r\nHTTP/1.1 200 OK\r\n\r\n", 200, "OK"),
            ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 x\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", 200, "OK"),
        ] {
            let bytes = [head.as_bytes(), b"\x16\x03\x03"].concat();
            let mut stream = &bytes[..];
            let answer = Answer::read(&mut stream).unwrap();
            assert_eq!((answer.status, answer.reason.as_str()), (status, reason), "{head:?}");
            assert_eq!(stream, b"\x16\x03\x03", "{head:?}");
        }
    }

    #[test]
    fn odd_header_lines_are_taken_or_skipped() {
        let head = b"HTTP/1.1 407 x\r\nno colon here\r\nProxy-Authenticate : NTLM\r\nProxy-Authenticate:\r\n\tBasic\r\n  realm=\"a\"\r\nX-\xff\x01: \xfe\r\n: empty\r\n\r\n";
        let answer = Answer::read(&mut &head[..]).unwrap();
        let schemes: Vec<_> = answer.all("proxy-authenticate").collect();
        assert_eq!((answer.status, schemes), (407, vec!["NTLM", " Basic realm=\"a\""]));
        let many = ["HTTP/1.1 200 OK\r\n", &"A: b\r\n".repeat(500), "Location: c\r\n\r\n"].concat();
        assert_eq!(Answer::read(&mut many.as_bytes()).unwrap().header("location"), Some("c"));
    }

    #[test]
    fn what_is_no_answer_is_known_at_its_first_odd_byte() {
        let refusal = |bytes: &[u8]| {
            let error = Answer::read(&mut &bytes[..]).err().unwrap();
            format!("{:?}", error.get_ref().unwrap().downcast_ref::<Refusal>().unwrap())
        };
        for (bytes, expected) in [
            (&b""[..], "Closed { silently: true }"),
            (b"HTTP/1.1 200 OK\r\n", "Closed { silently: false }"),
            (b"\x15\x03\x01\x00\x02", "Speaks(Tls)"),
            (b"\x05\xff", "Speaks(Socks)"),
            (b"\x00\x5b", "Speaks(Socks)"),
            (b"SSH-2.0", "Speaks(Nonsense)"),
            (b"<html>", "Speaks(Nonsense)"),
            (b"HTTP/1.1 OK\r\n\r\n", "Speaks(Nonsense)"),
        ] {
            assert_eq!(refusal(bytes), expected, "{bytes:?}");
        }
        let endless = ["HTTP/1.1 200 OK\r\n", &"A: b\r\n".repeat(10_000)].concat();
        assert_eq!(refusal(endless.as_bytes()), "Speaks(Endlessly)");
        assert_eq!(refusal("HTTP/1.1 100 Continue\r\n\r\n".repeat(20).as_bytes()), "Speaks(Endlessly)");
    }
}
