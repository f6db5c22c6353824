//! How long the body of a reply is, and whether another reply may follow on the same connection (RFC 9112, 6.3 and 9.3).

use http::header::{CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, StatusCode};

use super::content_coding::{self, Coding};
use super::header_list::{elements, parameter};
use crate::http_head::Head;

const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

/// How the end of a body is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    Length(u64),
    Chunked,
    UntilClose,
}

/// What a head says of the body after it.
#[derive(Debug)]
pub(super) struct Framing {
    pub(super) extent: Extent,
    /// What was done to the body, in that order.
    pub(super) codings: Vec<Coding>,
    /// Whether the next reply may come on the same connection.
    pub(super) keeps: bool,
}

/// Why a body cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unframed {
    Header(HeaderName, &'static str),
    Coding(content_coding::Unknown),
}

impl Framing {
    pub(super) fn of(head: &Head) -> Result<Framing, Unframed> {
        let headers = &head.headers;
        let length = content_length(headers)?;
        let transfer = transfer_codings(headers)?;
        let is_odd = head.is_length_odd || transfer.is_some() && (length.is_some() || head.minor == 0);
        let extent = match (&transfer, length) {
            _ if has_no_body(head.status) => Extent::Length(0),
            // Chunks count more than a length: whoever sends both has changed the one and forgotten the other.
            (Some(transfer), _) if transfer.is_chunked => Extent::Chunked,
            (Some(transfer), _) if !transfer.codings.is_empty() => Extent::UntilClose,
            (_, Some(length)) => Extent::Length(length),
            (_, None) => Extent::UntilClose,
        };
        let mut codings = content_coding::read(headers, CONTENT_ENCODING).map_err(Unframed::Coding)?;
        codings.extend(transfer.into_iter().flat_map(|transfer| transfer.codings));
        let keeps = !is_odd
            && extent != Extent::UntilClose
            && head.status != StatusCode::SWITCHING_PROTOCOLS
            && keeps_connection(head);
        Ok(Framing { extent, codings, keeps })
    }
}

fn has_no_body(status: StatusCode) -> bool {
    status.is_informational() || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}

/// A length that is given twice is one if both agree.
fn content_length(headers: &HeaderMap) -> Result<Option<u64>, Unframed> {
    let wrong = |why| Unframed::Header(CONTENT_LENGTH, why);
    let mut length = None;
    for element in elements(headers, CONTENT_LENGTH) {
        let is_number = !element.is_empty() && element.iter().all(u8::is_ascii_digit);
        let text = std::str::from_utf8(element).ok().filter(|_| is_number);
        let this = text.ok_or(wrong("is no number"))?.parse::<u64>().map_err(|_| wrong("is out of all proportion"))?;
        if length.replace(this).is_some_and(|other| other != this) {
            return Err(wrong("is given twice, and differently"));
        }
    }
    Ok(length)
}

struct TransferCodings {
    codings: Vec<Coding>,
    is_chunked: bool,
}

fn transfer_codings(headers: &HeaderMap) -> Result<Option<TransferCodings>, Unframed> {
    let wrong = |why| Unframed::Header(TRANSFER_ENCODING, why);
    let mut found = None;
    for element in elements(headers, TRANSFER_ENCODING).filter(|element| !element.is_empty()) {
        let transfer = found.get_or_insert(TransferCodings { codings: Vec::new(), is_chunked: false });
        if transfer.is_chunked {
            return Err(wrong("goes on after `chunked`"));
        }
        if element.eq_ignore_ascii_case(b"chunked") {
            transfer.is_chunked = true;
        } else {
            transfer.codings.extend(Coding::named(element).map_err(Unframed::Coding)?);
        }
    }
    Ok(found)
}

fn keeps_connection(head: &Head) -> bool {
    let says = |name: HeaderName, words: &[&str]| {
        elements(&head.headers, name)
            .any(|element| words.iter().any(|word| element.eq_ignore_ascii_case(word.as_bytes())))
    };
    // "closed" is no word of HTTP, but is meant.
    let closes = [CONNECTION, PROXY_CONNECTION].into_iter().any(|name| says(name, &["close", "closed"]));
    let is_last = parameter(&head.headers, "max") == Some(0);
    !closes && !is_last && (head.minor > 0 || says(CONNECTION, &["keep-alive"]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http_head::parse;

    fn framing(lines: &str) -> Result<Framing, Unframed> {
        framing_of(&format!("HTTP/1.1 200 OK\r\n{lines}\r\n"))
    }

    fn framing_of(head: &str) -> Result<Framing, Unframed> {
        Framing::of(&parse(head.as_bytes()).unwrap())
    }

    #[test]
    fn extents() {
        for (lines, extent, keeps) in [
            ("Content-Length: 2\r\n", Extent::Length(2), true),
            ("Content-Length: 2, 2\r\nContent-Length: 2\r\n", Extent::Length(2), true),
            ("Content-Length : 2\r\n", Extent::Length(2), false),
            ("Transfer-Encoding: Chunked\r\n", Extent::Chunked, true),
            ("Transfer-Encoding : chunked\r\n", Extent::Chunked, false),
            ("Transfer-Encoding: chunked\r\nContent-Length: 2\r\n", Extent::Chunked, false),
            ("Transfer-Encoding: gzip\r\nTransfer-Encoding: , chunked\r\n", Extent::Chunked, true),
            ("Transfer-Encoding: gzip\r\nContent-Length: 2\r\n", Extent::UntilClose, false),
            ("Transfer-Encoding: identity\r\nContent-Length: 2\r\n", Extent::Length(2), false),
            ("", Extent::UntilClose, false),
        ] {
            let framing = framing(lines).unwrap();
            assert_eq!((framing.extent, framing.keeps), (extent, keeps), "{lines}");
        }
        let old =
            framing_of("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n").unwrap();
        assert_eq!((old.extent, old.keeps), (Extent::Chunked, false));
        for status in [101, 204, 304] {
            let framing = framing_of(&format!("HTTP/1.1 {status} x\r\n\r\n")).unwrap();
            assert_eq!((framing.extent, framing.keeps), (Extent::Length(0), status != 101), "{status}");
        }
    }

    #[test]
    fn a_length_that_can_be_read_in_two_ways_is_none() {
        for lines in [
            "Content-Length: 2\r\nContent-Length: 3\r\n",
            "Content-Length: 2, 3\r\n",
            "Content-Length: +2\r\n",
            "Content-Length: \r\n",
            "Content-Length: 99999999999999999999\r\n",
            "Transfer-Encoding: chunked, gzip\r\n",
            "Transfer-Encoding: chunked, chunked\r\n",
            "Transfer-Encoding: xchunked\r\n",
            "Transfer-Encoding: chunked;q=1\r\n",
        ] {
            assert!(framing(lines).is_err(), "{lines}");
        }
    }

    #[test]
    fn connections_are_kept_unless_somebody_says_otherwise() {
        for (lines, keeps) in [
            ("", true),
            ("Connection: keep-alive\r\n", true),
            ("Connection: close\r\n", false),
            ("Connection: Closed\r\n", false),
            ("Connection: x, CLOSE\r\n", false),
            ("Proxy-Connection: close\r\n", false),
            ("Keep-Alive: timeout=5, max=0\r\n", false),
            ("Keep-Alive: max=1\r\n", true),
        ] {
            assert_eq!(framing(&format!("Content-Length: 0\r\n{lines}")).unwrap().keeps, keeps, "{lines}");
        }
        for (line, keeps) in [("", false), ("Connection: Keep-Alive\r\n", true)] {
            let old = framing_of(&format!("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n{line}\r\n")).unwrap();
            assert_eq!(old.keeps, keeps, "{line}");
        }
    }

    /// Whatever comes, a head is read or refused, and what was read has one length.
    #[test]
    fn mutated_heads_are_read_or_refused() {
        const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\nX: y\r\n folded\r\nTransfer-Encoding: gzip, chunked\r\nKeep-Alive: timeout=5\r\n\r\nbody";
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..50_000 {
            let mut bytes = HEAD.to_vec();
            for _ in 0..random.usize(1..6) {
                let Some(place) = (!bytes.is_empty()).then(|| random.usize(..bytes.len())) else { break };
                match random.u8(..4) {
                    0 => drop(bytes.remove(place)),
                    1 => bytes.insert(place, random.u8(..)),
                    2 => bytes[place] = *random.choice(b"\r\n :,\t\0;\xff").unwrap(),
                    _ => bytes.truncate(place.max(1)),
                }
            }
            let _ = crate::http_head::may_begin(&bytes);
            let _ = crate::http_head::status_of_part(&bytes);
            let Some(length) = crate::http_head::length(&bytes) else { continue };
            assert!(bytes[..length].ends_with(b"\n"));
            let Ok(head) = parse(&bytes[..length]) else { continue };
            if let Err(Unframed::Header(name, _)) = Framing::of(&head) {
                assert!(crate::http_head::line_of(&bytes[..length], &name).is_some(), "{bytes:?}");
            }
        }
    }
}
