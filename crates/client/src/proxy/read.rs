//! Reads a proxy's answer to its last byte and no further: what follows belongs to TLS.

use std::io::{self, ErrorKind, Read};

use super::answer::Answer;
use super::refusal::{Refusal, Speaks};
use crate::http_head;

/// A server may announce its answer (1xx) any number of times; nobody does it more than once or twice.
const MOST_INTERIM: usize = 8;

/// Reads the final answer, past those that announce it.
pub(super) fn answer(stream: &mut impl Read) -> io::Result<Answer> {
    for _ in 0..=MOST_INTERIM {
        let answer = Answer::parse(&head(stream)?).ok_or(Refusal::Speaks(Speaks::Nonsense))?;
        // 101 is final, and not what was asked for.
        if !(100..200).contains(&answer.status) || answer.status == 101 {
            return Ok(answer);
        }
    }
    Err(Refusal::Speaks(Speaks::Endlessly).into())
}

/// The bytes up to the empty line. One at a time: a byte more would be missing in the TLS handshake.
fn head(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    loop {
        let byte = one(stream, head.is_empty())?;
        head.push(byte);
        // Who speaks another protocol may never send a line's end, and wait for more.
        if !http_head::may_begin(&head) {
            return Err(Refusal::Speaks(Speaks::of(head.trim_ascii_start())).into());
        }
        if byte == b'\n' && http_head::length(&head).is_some() {
            return Ok(head);
        }
        if head.len() >= http_head::LONGEST {
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
            let read = answer(&mut stream).unwrap();
            assert_eq!((read.status, read.reason.as_str()), (status, reason), "{head:?}");
            assert_eq!(stream, b"\x16\x03\x03", "{head:?}");
        }
    }

    #[test]
    fn odd_header_lines_are_taken_or_skipped() {
        let head = b"HTTP/1.1 407 x\r\nno colon here\r\nProxy-Authenticate : NTLM\r\nProxy-Authenticate:\r\n\tBasic\r\n  realm=\"a\"\r\nX-\xff\x01: \xfe\r\n: empty\r\n\r\n";
        let read = answer(&mut &head[..]).unwrap();
        let schemes = read.all("proxy-authenticate");
        assert_eq!((read.status, schemes), (407, vec!["NTLM".to_owned(), " Basic realm=\"a\"".to_owned()]));
        let many = ["HTTP/1.1 200 OK\r\n", &"A: b\r\n".repeat(500), "Location: c\r\n\r\n"].concat();
        assert_eq!(answer(&mut many.as_bytes()).unwrap().header("location").as_deref(), Some("c"));
        let odd = b"HTTP/1.1 403 No\r\nContent-Length\x01: 5\r\n\r\n";
        assert_eq!(answer(&mut &odd[..]).unwrap().status, 403);
    }

    #[test]
    fn what_is_no_answer_is_known_at_its_first_odd_byte() {
        let refusal = |bytes: &[u8]| {
            let error = answer(&mut &bytes[..]).err().unwrap();
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
