//! As much of Redis' protocol (RESP 2) as the store speaks: a command is a list of texts, an answer one of five kinds. The
//! crate `redis`, which knows all of it, made the library greater by 443 KB, a sixth.

use std::io::{self, BufRead, ErrorKind, Read};
use std::{error, fmt};

use zeroize::Zeroizing;

/// A sealed token is far shorter; what is longer was meant for somebody else.
const LONGEST: usize = 1 << 20;
/// The sentence about the protected mode has over a thousand bytes; others quote the command.
const LONGEST_LINE: u64 = 64 << 10;
const LONGEST_LIST: usize = 64;
const DEEPEST: usize = 2;

#[derive(Debug, PartialEq)]
pub(super) enum Answer {
    Nil,
    Text(Vec<u8>),
    Whole(i64),
    List(Vec<Answer>),
    /// An error in the server's words, which may quote anything.
    Error(Zeroizing<String>),
}

/// What answers is not Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoRedis {
    /// It expects TLS.
    Tls,
    Http,
    Other,
}

impl NoRedis {
    /// Known by the first bytes of an answer.
    fn of(beginning: &[u8]) -> Option<NoRedis> {
        match beginning {
            // The record types of TLS: an alert, a handshake.
            [0x15 | 0x16, ..] => Some(NoRedis::Tls),
            [b'H', b'T', ..] | [b'<', ..] => Some(NoRedis::Http),
            [] | [b'+' | b'-' | b':' | b'$' | b'*', ..] => None,
            _ => Some(NoRedis::Other),
        }
    }
}

impl fmt::Display for NoRedis {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("what answers there is no Redis")
    }
}

impl error::Error for NoRedis {}

/// A command as it is sent. It may hold a password.
pub(super) fn command(parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    // Sized beforehand, so that no reallocation leaves a copy of a password behind.
    let length = parts.iter().map(|part| part.len().saturating_add(32)).fold(32, usize::saturating_add);
    let mut command = Zeroizing::new(Vec::with_capacity(length));
    command.extend_from_slice(format!("*{}\r\n", parts.len()).as_bytes());
    for part in parts {
        command.extend_from_slice(format!("${}\r\n", part.len()).as_bytes());
        command.extend_from_slice(part);
        command.extend_from_slice(b"\r\n");
    }
    command
}

/// Reads one answer.
pub(super) fn read(from: &mut impl BufRead) -> io::Result<Answer> {
    read_within(from, DEEPEST)
}

fn read_within(from: &mut impl BufRead, depth: usize) -> io::Result<Answer> {
    // Before the end of a line is waited for, which TLS does not have.
    if let Some(found) = NoRedis::of(from.fill_buf()?) {
        return Err(io::Error::new(ErrorKind::InvalidData, found));
    }
    let line = line(from)?;
    let (kind, rest) = line.split_at_checked(1).ok_or_else(nonsense)?;
    match kind {
        "+" => Ok(Answer::Text(rest.as_bytes().to_vec())),
        "-" => Ok(Answer::Error(Zeroizing::new(rest.to_owned()))),
        ":" => rest.parse().map(Answer::Whole).map_err(|_| nonsense()),
        "$" | "*" if rest == "-1" => Ok(Answer::Nil),
        "$" => {
            let length: usize = rest.parse().ok().filter(|&length| length <= LONGEST).ok_or_else(nonsense)?;
            let mut text = vec![0; length.saturating_add(2)];
            from.read_exact(&mut text)?;
            text.truncate(length);
            Ok(Answer::Text(text))
        }
        "*" => {
            let length: usize = rest.parse().ok().filter(|&length| length <= LONGEST_LIST).ok_or_else(nonsense)?;
            let depth = depth.checked_sub(1).ok_or_else(nonsense)?;
            (0..length).map(|_| read_within(from, depth)).collect::<io::Result<_>>().map(Answer::List)
        }
        _ => Err(nonsense()),
    }
}

/// Up to the end of the line, which is taken away.
fn line(from: &mut impl BufRead) -> io::Result<Zeroizing<String>> {
    let mut line = Zeroizing::new(Vec::new());
    from.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)?;
    match line.strip_suffix(b"\r\n") {
        Some(line) => Ok(Zeroizing::new(String::from_utf8_lossy(line).into_owned())),
        None if u64::try_from(line.len()).is_ok_and(|length| length < LONGEST_LINE) => {
            Err(ErrorKind::UnexpectedEof.into())
        }
        None => Err(nonsense()),
    }
}

fn nonsense() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, NoRedis::Other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands() {
        let expected = "*3\r\n$4\r\nAUTH\r\n$0\r\n\r\n$6\r\n口令\r\n";
        assert_eq!(&**command(&[b"AUTH", b"", "口令".as_bytes()]), expected.as_bytes());
    }

    #[test]
    fn answers() {
        let read = |text: &str| read(&mut text.as_bytes());
        let text = |text: &str| Answer::Text(text.as_bytes().to_vec());
        for (sent, expected) in [
            ("+PONG\r\n", text("PONG")),
            (":-7\r\n", Answer::Whole(-7)),
            ("$-1\r\n", Answer::Nil),
            ("*-1\r\n", Answer::Nil),
            ("$4\r\na\r\nb\r\n", text("a\r\nb")),
            ("*3\r\n$1\r\n7\r\n$-1\r\n:1\r\n", Answer::List(vec![text("7"), Answer::Nil, Answer::Whole(1)])),
            ("*0\r\n", Answer::List(vec![])),
            ("-READONLY You can't write\r\n", Answer::Error(Zeroizing::new("READONLY You can't write".to_owned()))),
        ] {
            assert_eq!(read(sent).unwrap(), expected, "{sent:?}");
        }
        for (sent, kind) in [
            ("", ErrorKind::UnexpectedEof),
            ("$4\r\nab", ErrorKind::UnexpectedEof),
            ("*2\r\n:1\r\n", ErrorKind::UnexpectedEof),
            ("HTTP/1.1 400 Bad Request\r\n", ErrorKind::InvalidData),
            ("\r\n", ErrorKind::InvalidData),
            (":1", ErrorKind::UnexpectedEof),
            ("-DENIED Redis is ", ErrorKind::UnexpectedEof),
            ("$1048577\r\n", ErrorKind::InvalidData),
            ("$-2\r\n", ErrorKind::InvalidData),
            ("*65\r\n", ErrorKind::InvalidData),
            ("*1\r\n*1\r\n*1\r\n", ErrorKind::InvalidData),
            ("中\r\n", ErrorKind::InvalidData),
        ] {
            assert_eq!(read(sent).unwrap_err().kind(), kind, "{sent:?}");
        }
        assert_eq!(read(&"+".repeat(70_000)).unwrap_err().kind(), ErrorKind::InvalidData);
    }

    #[test]
    fn long_errors_are_read_whole() {
        for length in [1023, 1024, 1025, 5_000, 60_000] {
            let sentence = format!("DENIED {}", "x".repeat(length));
            let expected = Answer::Error(Zeroizing::new(sentence.clone()));
            assert_eq!(read(&mut format!("-{sentence}\r\n").as_bytes()).unwrap(), expected, "{length}");
        }
    }

    #[test]
    fn other_protocols_are_known_by_their_first_byte() {
        let found = |bytes: &[u8]| {
            let error = read(&mut &bytes[..]).unwrap_err();
            error.get_ref().and_then(|inner| inner.downcast_ref::<NoRedis>()).copied()
        };
        assert_eq!(found(b"\x15\x03\x03\0\x02\x02\x0a"), Some(NoRedis::Tls));
        assert_eq!(found(b"HTTP/1.1 400 Bad Request\r\n"), Some(NoRedis::Http));
        assert_eq!(found(b"<!DOCTYPE HTML>"), Some(NoRedis::Http));
        assert_eq!(found(b"SSH-2.0-OpenSSH_9.2\r\n"), Some(NoRedis::Other));
        assert_eq!(found(b"J\0\0\0\n8.0.36\0"), Some(NoRedis::Other));
        assert_eq!(found(b""), None);
    }
}
