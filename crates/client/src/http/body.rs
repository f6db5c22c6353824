//! The body of a reply, read to its end: by its length, in chunks (RFC 9112, 7.1), or until the connection closes.

use std::io::{self, ErrorKind, Read};

use zeroize::Zeroizing;

use super::connection::{Connection, is_broken};
use super::framing::Extent;
use crate::network::attempt::Attempt;

/// No chunk's size, with whatever is said beside it, takes a longer line.
const LONGEST_SIZE_LINE: usize = 4096;
const END_OF_LINE: usize = "\r\n".len();

/// A body, still packed.
pub(super) struct Body {
    pub(super) bytes: Zeroizing<Vec<u8>>,
    /// The connection broke at the end of a body whose length nobody said: it may be cut short.
    pub(super) may_be_cut: bool,
    /// The next reply begins where this one ended.
    pub(super) is_clean: bool,
}

/// Why a body was not read.
#[derive(Debug)]
pub(super) enum Failure {
    Io(io::Error),
    /// It is longer than it may be.
    TooLarge,
    /// What is wrong with its chunks.
    Chunks(&'static str),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::Io(error)
    }
}

/// Reads a body of at most `limit` bytes.
pub(super) fn read(
    connection: &mut Connection,
    extent: Extent,
    limit: u64,
    attempt: &Attempt,
) -> Result<Body, Failure> {
    let mut body = Body { bytes: with_room_for(extent, limit), may_be_cut: false, is_clean: true };
    match extent {
        Extent::Length(length) => read_exactly(connection, length, limit, &mut body.bytes, attempt)?,
        Extent::Chunked => body.is_clean = read_chunks(connection, limit, &mut body.bytes, attempt)?,
        Extent::UntilClose => {
            body.is_clean = false;
            body.may_be_cut = read_until_close(connection, limit, &mut body.bytes, attempt)?;
        }
    }
    Ok(body)
}

/// As much room as the server announces, as far as that is credible, and one byte for the NUL of the reply text. The system
/// gives the memory only as it is written to; and a block that is allocated once can be had again warm, where one that
/// grew cannot.
fn with_room_for(extent: Extent, limit: u64) -> Zeroizing<Vec<u8>> {
    const CREDIBLE: u64 = 16 << 20;
    // A vector that grows leaves its old bytes behind, and they may be a token.
    const USUAL: u64 = 4096;
    let announced = if let Extent::Length(length) = extent { length } else { USUAL };
    let room = usize::try_from(announced.min(limit).min(CREDIBLE)).expect("16 MiB can be addressed");
    let mut bytes = Vec::new();
    // Where there is no room for what the server announces, the vector grows as far as it comes.
    let _ = bytes.try_reserve_exact(room + 1);
    Zeroizing::new(bytes)
}

fn read_exactly(
    connection: &mut Connection,
    length: u64,
    limit: u64,
    bytes: &mut Vec<u8>,
    attempt: &Attempt,
) -> Result<(), Failure> {
    if length > limit - bytes.len() as u64 {
        return Err(Failure::TooLarge);
    }
    let before = connection.input.bytes().len().min(usize::try_from(length).unwrap_or(usize::MAX));
    bytes.extend_from_slice(&connection.input.bytes()[..before]);
    connection.input.take(before);
    let left = length - before as u64;
    if left > 0 && connection.beyond_input(attempt).take(left).read_to_end(bytes)? as u64 != left {
        return Err(Failure::Io(ErrorKind::UnexpectedEof.into()));
    }
    Ok(())
}

/// Whether the connection ended other than by a proper end.
fn read_until_close(
    connection: &mut Connection,
    limit: u64,
    bytes: &mut Vec<u8>,
    attempt: &Attempt,
) -> Result<bool, Failure> {
    bytes.extend_from_slice(connection.input.bytes());
    let before = connection.input.bytes().len();
    connection.input.take(before);
    let left = (limit + 1).saturating_sub(before as u64);
    let read = connection.beyond_input(attempt).take(left).read_to_end(bytes);
    if bytes.len() as u64 > limit {
        return Err(Failure::TooLarge);
    }
    match read {
        Ok(_) => Ok(false),
        Err(error) if is_broken(&error) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// Whether the last chunk ended as it should.
fn read_chunks(
    connection: &mut Connection,
    limit: u64,
    bytes: &mut Vec<u8>,
    attempt: &Attempt,
) -> Result<bool, Failure> {
    loop {
        let line = read_line(connection, LONGEST_SIZE_LINE, attempt)?;
        let size = size(&line).ok_or(Failure::Chunks("the size of a chunk is no hexadecimal number"))?;
        if size == 0 {
            return read_trailers(connection, attempt);
        }
        read_exactly(connection, size, limit, bytes, attempt)?;
        let end = read_line(connection, END_OF_LINE, attempt);
        if matches!(&end, Err(Failure::Chunks(_))) || !end?.is_empty() {
            return Err(Failure::Chunks("a chunk is longer than its size says"));
        }
    }
}

/// Some servers close the connection where the empty line should be. Nothing of the body is missing then.
fn read_trailers(connection: &mut Connection, attempt: &Attempt) -> Result<bool, Failure> {
    let mut left = crate::http_head::LONGEST;
    loop {
        match read_line(connection, left, attempt) {
            Ok(line) if line.is_empty() => return Ok(true),
            Ok(line) => left = left.saturating_sub(line.len() + 1),
            Err(Failure::Io(error)) if is_broken(&error) => return Ok(false),
            Err(failure) => return Err(failure),
        }
    }
}

/// The size before any extension.
fn size(line: &[u8]) -> Option<u64> {
    let digits = line.split(|&byte| byte == b';').next()?.trim_ascii();
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_hexdigit);
    let digits = std::str::from_utf8(digits).ok().filter(|_| is_number)?;
    u64::from_str_radix(digits, 16).ok()
}

/// A line without its end, CR LF or LF.
fn read_line(connection: &mut Connection, longest: usize, attempt: &Attempt) -> Result<Vec<u8>, Failure> {
    loop {
        let came = connection.input.bytes();
        if let Some(end) = came.iter().take(longest).position(|&byte| byte == b'\n') {
            let line = came[..end].strip_suffix(b"\r").unwrap_or(&came[..end]).to_vec();
            connection.input.take(end + 1);
            return Ok(line);
        }
        if came.len() >= longest {
            return Err(Failure::Chunks("a line between its chunks does not end"));
        }
        if connection.fill(attempt)? == 0 {
            return Err(Failure::Io(ErrorKind::UnexpectedEof.into()));
        }
    }
}
