//! As much of Redis' protocol (RESP 2) as the store speaks: a command is a list of texts, an answer one of five kinds. The
//! crates that know all of it would be a twentieth of the library.

use std::io::{self, BufRead, ErrorKind, Read};

use zeroize::Zeroizing;

/// A sealed token is far shorter; what is longer was meant for somebody else.
const LONGEST: usize = 1 << 20;
const LONGEST_LIST: usize = 64;
const DEEPEST: usize = 2;

#[derive(Debug, PartialEq)]
pub(super) enum Answer {
    Nil,
    Text(Vec<u8>),
    Whole(i64),
    List(Vec<Answer>),
    /// The code of an error, such as `READONLY`. Its sentence may quote anything.
    Error(String),
}

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
    let line = line(from)?;
    let (kind, rest) = line.split_at_checked(1).ok_or_else(nonsense)?;
    match kind {
        "+" => Ok(Answer::Text(rest.as_bytes().to_vec())),
        "-" => {
            let code = rest.split(' ').next().unwrap_or_default();
            let well_formed = code.bytes().all(|byte| byte.is_ascii_uppercase());
            Ok(Answer::Error(if well_formed { code.to_owned() } else { "an error".to_owned() }))
        }
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
fn line(from: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    from.by_ref().take(1024).read_line(&mut line)?;
    match line.strip_suffix("\r\n") {
        Some(line) => Ok(line.to_owned()),
        None if line.is_empty() => Err(ErrorKind::UnexpectedEof.into()),
        None => Err(nonsense()),
    }
}

fn nonsense() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "what answers there is no Redis")
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
            ("-READONLY You can't write\r\n", Answer::Error("READONLY".to_owned())),
            ("-hunter2 is no password\r\n", Answer::Error("an error".to_owned())),
        ] {
            assert_eq!(read(sent).unwrap(), expected, "{sent:?}");
        }
        for (sent, kind) in [
            ("", ErrorKind::UnexpectedEof),
            ("$4\r\nab", ErrorKind::UnexpectedEof),
            ("*2\r\n:1\r\n", ErrorKind::UnexpectedEof),
            ("HTTP/1.1 400 Bad Request\r\n", ErrorKind::InvalidData),
            ("\r\n", ErrorKind::InvalidData),
            (":1", ErrorKind::InvalidData),
            ("$1048577\r\n", ErrorKind::InvalidData),
            ("$-2\r\n", ErrorKind::InvalidData),
            ("*65\r\n", ErrorKind::InvalidData),
            ("*1\r\n*1\r\n*1\r\n", ErrorKind::InvalidData),
            ("中\r\n", ErrorKind::InvalidData),
        ] {
            assert_eq!(read(sent).unwrap_err().kind(), kind, "{sent:?}");
        }
        assert_eq!(read(&"+".repeat(5000)).unwrap_err().kind(), ErrorKind::InvalidData);
    }
}
