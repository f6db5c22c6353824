//! CONNECT (RFC 9110, 9.3.6): asks an HTTP proxy for a tunnel, over whatever connection leads to it.

use std::io::{self, Read, Write};

use zeroize::Zeroizing;

use super::answer::Answer;
use super::page;
use super::read;
use super::refusal::Refusal;
use crate::USER_AGENT;
use rpa_signing::Secret;

/// Asks for a tunnel to `target`, `host:port`. After `Ok` the next byte of the stream is the server's.
///
/// An error of the stream itself comes back as it is. All that the proxy answers beside a tunnel is a [`Refusal`] in an
/// `io::Error`, so that it passes unchanged through what lies between here and the one who tells it.
pub(crate) fn open(stream: &mut (impl Read + Write), target: &str, authorization: Option<&Secret>) -> io::Result<()> {
    // In one write: some proxies read no further than the first segment.
    stream.write_all(&request(target, authorization))?;
    stream.flush()?;
    let answer = read::answer(stream)?;
    if (200..300).contains(&answer.status) && !announces_page(&answer) {
        return Ok(());
    }
    let title = page::title(stream, &answer);
    Err(Refusal::Answered { answer, title }.into())
}

fn request(target: &str, authorization: Option<&Secret>) -> Zeroizing<Vec<u8>> {
    let authorization = authorization.map(|value| ["Proxy-Authorization: ", value.expose(), "\r\n"]);
    let authorization = authorization.unwrap_or([""; 3]);
    let head = ["CONNECT ", target, " HTTP/1.1\r\nHost: ", target, "\r\n"];
    let end = ["User-Agent: ", USER_AGENT, "\r\nProxy-Connection: Keep-Alive\r\n\r\n"];
    let parts = || head.iter().chain(&authorization).chain(&end).map(|part| part.as_bytes());
    // Sized beforehand: a vector that grows leaves a copy of the password behind.
    let mut request = Zeroizing::new(Vec::with_capacity(parts().map(<[u8]>::len).sum()));
    parts().for_each(|part| request.extend_from_slice(part));
    request
}

/// A tunnel has no content, and what its answer says of some is to be ignored (RFC 9110, 9.3.6). But a portal that answers
/// whatever is asked with its own page says of it that it is HTML, and how long.
fn announces_page(answer: &Answer) -> bool {
    let is_html = answer.header("content-type").is_some_and(|kind| kind.to_ascii_lowercase().contains("html"));
    is_html && page::is_announced(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stream that answers with these bytes, and keeps what is written and how often.
    struct Scripted<'a> {
        answer: &'a [u8],
        written: Vec<u8>,
        writes: usize,
    }

    impl Read for Scripted<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.answer.read(buffer)
        }
    }

    impl Write for Scripted<'_> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.written.extend_from_slice(bytes);
            self.writes += 1;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn scripted(answer: &[u8]) -> Scripted<'_> {
        Scripted { answer, written: Vec::new(), writes: 0 }
    }

    #[test]
    fn a_connect_goes_out_in_one_piece_and_nothing_of_the_tunnel_is_taken() {
        let mut stream = scripted(b"HTTP/1.1 200 Connection established\r\nContent-Length: 0\r\n\r\n\x16\x03");
        let secret = Secret::new("Basic dTpw".to_owned());
        open(&mut stream, "[fd00::1]:8443", Some(&secret)).unwrap();
        let expected = format!(
            "CONNECT [fd00::1]:8443 HTTP/1.1\r\nHost: [fd00::1]:8443\r\nProxy-Authorization: Basic dTpw\r\nUser-Agent: {USER_AGENT}\r\nProxy-Connection: Keep-Alive\r\n\r\n"
        );
        assert_eq!((String::from_utf8_lossy(&stream.written), stream.writes), (expected.into(), 1));
        assert_eq!(stream.answer, b"\x16\x03");
        let mut stream = scripted(b"HTTP/1.1 200 OK\r\n\r\n");
        open(&mut stream, "a:443", None).unwrap();
        assert!(!String::from_utf8_lossy(&stream.written).contains("Authorization"));
    }

    #[test]
    fn a_tunnel_is_one_whatever_its_head_says_beside() {
        for head in [
            "HTTP/1.0 200 OK\r\n\r\n",
            "HTTP/1.1 204 x\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\nbad line\r\nVia : 1.1 p\r\n\r\n",
        ] {
            assert!(open(&mut scripted(head.as_bytes()), "a:443", None).is_ok(), "{head}");
        }
    }

    #[test]
    fn whatever_is_no_tunnel_is_a_refusal_with_its_status_and_title() {
        let page = "<html><head>\n<title>\r\n Access  denied </title></head>";
        let answered = |head: &str| {
            let text = format!("{head}\r\n\r\n{page}");
            let error = open(&mut scripted(text.as_bytes()), "a:443", None).unwrap_err();
            match error.get_ref().unwrap().downcast_ref::<Refusal>().unwrap() {
                Refusal::Answered { answer, title } => (answer.status, title.clone()),
                other => panic!("{other:?}"),
            }
        };
        let title = Some("Access denied".to_owned());
        let length = format!("Content-Length: {}", page.len());
        let html = "Content-Type: text/html;charset=utf-8";
        assert_eq!(answered(&format!("HTTP/1.1 403 Forbidden\r\n{html}\r\n{length}")), (403, title.clone()));
        assert_eq!(answered(&format!("HTTP/1.1 200 OK\r\n{html}\r\n{length}")), (200, title.clone()));
        assert_eq!(answered(&format!("HTTP/1.1 200 OK\r\n{html}\r\nTransfer-Encoding: chunked")), (200, title.clone()));
        assert_eq!(answered(&format!("HTTP/1.0 503 Service Unavailable\r\n{html}")), (503, title));
        assert_eq!(answered("HTTP/1.1 302 Found\r\nContent-Length: 0"), (302, None));
        assert_eq!(answered("HTTP/1.1 101 Switching Protocols"), (101, None));
    }

    #[test]
    fn an_error_of_the_stream_comes_back_as_it_is() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::ErrorKind::TimedOut.into())
            }
        }
        impl Write for Broken {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        assert_eq!(open(&mut Broken, "a:443", None).unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}
