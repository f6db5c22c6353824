//! The body of a reply, read to its end: by its length, in chunks (RFC 9112, 7.1), or until the connection closes.

use std::io::{self, ErrorKind, Read};

use zeroize::Zeroizing;

use super::connection::{Connection, is_broken};
use super::framing::Extent;
use crate::error::Error;
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
    /// Who takes it can take no more, as he says himself.
    Sink(Box<Error>),
}

/// Who takes a body piece by piece.
pub(super) trait Sink {
    fn take(&mut self, bytes: &[u8]) -> Result<(), Failure>;
}

/// Where a body goes.
enum Place<'p> {
    /// Into memory, up to a limit.
    Memory(&'p mut Vec<u8>, u64),
    Sink(&'p mut dyn Sink),
}

/// A body on its way to a sink comes in pieces of this size.
const PIECE: usize = 64 * 1024;

/// How a body ended.
pub(super) struct End {
    /// See [`Body`].
    pub(super) may_be_cut: bool,
    pub(super) is_clean: bool,
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
    let mut bytes = with_room_for(extent, limit);
    let End { may_be_cut, is_clean } = read_to(connection, extent, &mut Place::Memory(&mut bytes, limit), attempt)?;
    Ok(Body { bytes, may_be_cut, is_clean })
}

/// Hands a body to a sink as it comes.
pub(super) fn pour(
    connection: &mut Connection,
    extent: Extent,
    sink: &mut dyn Sink,
    attempt: &Attempt,
) -> Result<End, Failure> {
    read_to(connection, extent, &mut Place::Sink(sink), attempt)
}

fn read_to(
    connection: &mut Connection,
    extent: Extent,
    place: &mut Place<'_>,
    attempt: &Attempt,
) -> Result<End, Failure> {
    match extent {
        Extent::Length(length) => {
            read_exactly(connection, length, place, attempt)?;
            Ok(End { may_be_cut: false, is_clean: true })
        }
        Extent::Chunked => Ok(End { may_be_cut: false, is_clean: read_chunks(connection, place, attempt)? }),
        Extent::UntilClose => Ok(End { may_be_cut: read_until_close(connection, place, attempt)?, is_clean: false }),
    }
}

/// Hands pieces to a sink until so much has come, or all; how much is missing.
fn pour_at_most(
    connection: &mut Connection,
    mut left: u64,
    sink: &mut dyn Sink,
    attempt: &Attempt,
) -> Result<u64, Failure> {
    let mut buffer = Zeroizing::new(vec![0; PIECE]);
    while left > 0 {
        let wanted = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
        match connection.beyond_input(attempt).read(&mut buffer[..wanted])? {
            0 => break,
            amount => {
                sink.take(&buffer[..amount])?;
                left = left.saturating_sub(amount as u64);
            }
        }
    }
    Ok(left)
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
    place: &mut Place<'_>,
    attempt: &Attempt,
) -> Result<(), Failure> {
    let before = connection.input.bytes().len().min(usize::try_from(length).unwrap_or(usize::MAX));
    let came = &connection.input.bytes()[..before];
    match place {
        Place::Memory(bytes, limit) if length > *limit - bytes.len() as u64 => return Err(Failure::TooLarge),
        Place::Memory(bytes, _) => bytes.extend_from_slice(came),
        Place::Sink(sink) => sink.take(came)?,
    }
    connection.input.take(before);
    let left = length - before as u64;
    let missing = match place {
        _ if left == 0 => 0,
        Place::Memory(bytes, _) => left - connection.beyond_input(attempt).take(left).read_to_end(bytes)? as u64,
        Place::Sink(sink) => pour_at_most(connection, left, &mut **sink, attempt)?,
    };
    if missing > 0 { Err(Failure::Io(ErrorKind::UnexpectedEof.into())) } else { Ok(()) }
}

/// Whether the connection ended other than by a proper end.
fn read_until_close(connection: &mut Connection, place: &mut Place<'_>, attempt: &Attempt) -> Result<bool, Failure> {
    let before = connection.input.bytes().len();
    match place {
        Place::Memory(bytes, _) => bytes.extend_from_slice(connection.input.bytes()),
        Place::Sink(sink) => sink.take(connection.input.bytes())?,
    }
    connection.input.take(before);
    let read = match place {
        Place::Memory(bytes, limit) => {
            let left = (*limit + 1).saturating_sub(before as u64);
            let read = connection.beyond_input(attempt).take(left).read_to_end(bytes);
            if bytes.len() as u64 > *limit {
                return Err(Failure::TooLarge);
            }
            read.map(drop).map_err(Failure::Io)
        }
        Place::Sink(sink) => pour_at_most(connection, u64::MAX, &mut **sink, attempt).map(drop),
    };
    match read {
        Ok(()) => Ok(false),
        Err(Failure::Io(error)) if is_broken(&error) => Ok(true),
        Err(failure) => Err(failure),
    }
}

/// Whether the last chunk ended as it should.
fn read_chunks(connection: &mut Connection, place: &mut Place<'_>, attempt: &Attempt) -> Result<bool, Failure> {
    loop {
        let line = read_line(connection, LONGEST_SIZE_LINE, attempt)?;
        let size = size(&line).ok_or(Failure::Chunks("the size of a chunk is no hexadecimal number"))?;
        if size == 0 {
            return read_trailers(connection, attempt);
        }
        read_exactly(connection, size, place, attempt)?;
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
