//! A multipart/form-data body, read as it comes: what is held of it is one piece, however long a file is.

use std::future::poll_fn;
use std::pin::Pin;

use axum::body::{Body, Bytes, HttpBody};
use memchr::memmem::Finder;

use super::part_head::{PartHead, parse};

/// Longest head of one part.
const HEAD_LIMIT: usize = 16 << 10;
/// Longest body that is read, or read to its end after a refusal.
const BODY_LIMIT: u64 = 8 << 30;

pub const ENDED_EARLY: &str = "the connection ended, or the chunks were broken, within the body";

pub struct Multipart {
    body: Body,
    /// What came and was not handed on.
    buffer: Vec<u8>,
    /// What stands between parts: a line break, two dashes, the boundary.
    delimiter: Vec<u8>,
    within_part: bool,
    read: u64,
}

/// The boundary of a Content-Type.
pub fn boundary(content_type: &str) -> Option<String> {
    let (media_type, parameters) = content_type.split_once(';')?;
    if !media_type.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let mut parameters = parameters.split(';').filter_map(|parameter| parameter.split_once('='));
    let (_, boundary) = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("boundary"))?;
    let boundary = boundary.trim().trim_matches('"');
    (1..=70).contains(&boundary.len()).then(|| boundary.to_owned())
}

impl Multipart {
    pub fn new(body: Body, boundary: &str) -> Self {
        // As if a line break stood before the first part.
        let (buffer, delimiter) = (b"\r\n".to_vec(), format!("\r\n--{boundary}").into_bytes());
        Self { body, buffer, delimiter, within_part: false, read: 0 }
    }

    /// The head of the next part; `None` after the last.
    pub async fn next_part(&mut self) -> Result<Option<PartHead>, &'static str> {
        while self.within_part {
            self.piece().await?;
        }
        self.fill(self.delimiter.len() + 2).await?;
        if !self.buffer.starts_with(&self.delimiter) {
            return Err("the body does not begin with its boundary");
        }
        self.buffer.drain(..self.delimiter.len());
        let next = self.buffer.drain(..2).collect::<Vec<_>>();
        match next.as_slice() {
            b"--" => self.end().await.map(|()| None),
            b"\r\n" => self.head().await.map(Some),
            _ => Err("a boundary is followed by something else than a line break or --"),
        }
    }

    /// The next piece of the current part; `None` at its end.
    pub async fn piece(&mut self) -> Result<Option<Vec<u8>>, &'static str> {
        if !self.within_part {
            return Ok(None);
        }
        loop {
            let found = Finder::new(&self.delimiter).find(&self.buffer);
            let ready = found.unwrap_or((self.buffer.len() + 1).saturating_sub(self.delimiter.len()));
            self.within_part = found.is_none_or(|at| at > 0);
            if ready > 0 {
                let rest = self.buffer.split_off(ready);
                return Ok(Some(std::mem::replace(&mut self.buffer, rest)));
            }
            if found.is_some() {
                return Ok(None);
            }
            self.more().await?;
        }
    }

    /// Reads what is left, so that the sender sees the reply and not a broken connection.
    pub async fn discard(&mut self) {
        self.buffer = Vec::new();
        while self.frame().await.is_ok_and(|frame| frame.is_some()) {}
    }

    async fn head(&mut self) -> Result<PartHead, &'static str> {
        let end = loop {
            if let Some(end) = Finder::new(b"\r\n\r\n").find(&self.buffer) {
                break end;
            }
            if self.buffer.len() > HEAD_LIMIT {
                return Err("a part's head has no end");
            }
            self.more().await?;
        };
        let head = parse(&self.buffer[..end])?;
        // The second line break stays, since the delimiter of an empty part begins with one.
        self.buffer.drain(..end + 4);
        self.within_part = true;
        Ok(head)
    }

    async fn end(&mut self) -> Result<(), &'static str> {
        while let Some(frame) = self.frame().await? {
            self.buffer.extend_from_slice(&frame);
            if self.buffer.len() > 2 {
                break;
            }
        }
        match self.buffer.as_slice() {
            b"" | b"\r\n" => Ok(()),
            _ => Err("something follows the last boundary"),
        }
    }

    async fn fill(&mut self, size: usize) -> Result<(), &'static str> {
        while self.buffer.len() < size {
            self.more().await?;
        }
        Ok(())
    }

    async fn more(&mut self) -> Result<(), &'static str> {
        let frame = self.frame().await?.ok_or("the body ends before its last boundary")?;
        self.buffer.extend_from_slice(&frame);
        Ok(())
    }

    async fn frame(&mut self) -> Result<Option<Bytes>, &'static str> {
        loop {
            let Some(frame) = poll_fn(|context| Pin::new(&mut self.body).poll_frame(context)).await else {
                return Ok(None);
            };
            let Ok(data) = frame.map_err(|_| ENDED_EARLY)?.into_data() else {
                continue;
            };
            self.read += data.len() as u64;
            if self.read > BODY_LIMIT {
                return Err("the body is over 8 GiB");
            }
            return Ok(Some(data));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream;

    type Parts = Vec<(String, Vec<u8>)>;

    /// All parts of a body that comes in pieces of this size.
    async fn read(body: &[u8], piece: usize) -> Result<Parts, &'static str> {
        let pieces: Vec<_> = body.chunks(piece).map(|piece| Ok::<_, std::io::Error>(piece.to_vec())).collect();
        let mut multipart = Multipart::new(Body::from_stream(stream::iter(pieces)), "b");
        let mut parts = Vec::new();
        while let Some(head) = multipart.next_part().await? {
            let mut content = Vec::new();
            while let Some(piece) = multipart.piece().await? {
                content.extend(piece);
            }
            parts.push((head.name, content));
        }
        Ok(parts)
    }

    const HEAD: &str = "Content-Disposition: form-data; name=";

    #[tokio::test]
    async fn parts_are_read_however_they_come() {
        let body = format!("--b\r\n{HEAD}x\r\n\r\n1\r\n--\r\n-b\r\n--b\r\n{HEAD}y\r\n\r\n\r\n--b--\r\n");
        for piece in 1..body.len() {
            let parts = read(body.as_bytes(), piece).await.unwrap();
            assert_eq!(parts, [("x".to_owned(), b"1\r\n--\r\n-b".to_vec()), ("y".to_owned(), vec![])], "{piece}");
        }
        assert_eq!(read(b"--b--", 1).await, Ok(vec![]));
    }

    #[tokio::test]
    async fn broken_bodies_are_refused() {
        let part = format!("--b\r\n{HEAD}x\r\n\r\n1");
        for body in [
            String::new(),
            "x".to_owned(),
            "\r\n--b--".to_owned(),
            "--bx\r\n".to_owned(),
            part.clone(),
            format!("{part}\r\n--b"),
            format!("{part}\n--b--"),
            format!("{part}\r\n--b--\r\nmore"),
            format!("--b\r\n{HEAD}x\r\n1\r\n--b--"),
        ] {
            assert!(read(body.as_bytes(), 7).await.is_err(), "{body:?}");
        }
    }

    #[test]
    fn a_boundary_is_found() {
        assert_eq!(boundary("multipart/form-data; boundary=\"a b\"").as_deref(), Some("a b"));
        assert_eq!(boundary("Multipart/Form-Data;charset=utf-8;BOUNDARY=x").as_deref(), Some("x"));
        for text in ["multipart/form-data", "text/plain; boundary=x", "multipart/form-data; boundary="] {
            assert_eq!(boundary(text), None, "{text}");
        }
    }
}
