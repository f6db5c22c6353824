//! Content codings (RFC 9110, 8.4.1): gzip and deflate, in every spelling, one over the other.

use std::io::{self, Read};

use flate2::bufread::{DeflateDecoder, GzDecoder, ZlibDecoder};
use http::{HeaderMap, HeaderName};
use zeroize::Zeroizing;

use super::header_list::elements;

/// A coding that can be undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Gzip,
    Deflate,
}

/// The name of a coding that cannot.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unknown(pub(super) String);

/// Why a body could not be unpacked.
#[derive(Debug)]
pub(super) enum Failure {
    /// It is longer than it may be.
    TooLarge,
    /// It is not what its head says.
    Malformed(Coding),
}

impl Coding {
    /// The coding of this name; none where nothing was done.
    pub(super) fn named(name: &[u8]) -> Result<Option<Coding>, Unknown> {
        match name.to_ascii_lowercase().as_slice() {
            b"gzip" | b"x-gzip" => Ok(Some(Coding::Gzip)),
            b"deflate" | b"x-deflate" => Ok(Some(Coding::Deflate)),
            b"" | b"identity" | b"none" => Ok(None),
            other => {
                // A name is the server's text; no longer one is a name.
                let letters = other.iter().copied().filter(|byte| byte.is_ascii_alphanumeric() || *byte == b'-');
                Err(Unknown(letters.take(20).map(char::from).collect()))
            }
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Coding::Gzip => "gzip",
            Coding::Deflate => "deflate",
        }
    }
}

/// The codings that a header names, in the order in which they were applied.
pub(super) fn read(headers: &HeaderMap, name: HeaderName) -> Result<Vec<Coding>, Unknown> {
    let mut codings = Vec::new();
    for element in elements(headers, name) {
        codings.extend(Coding::named(element)?);
    }
    Ok(codings)
}

/// Undoes the codings, the last one first. No step may give more than `limit` bytes.
pub(super) fn decode(
    mut body: Zeroizing<Vec<u8>>,
    codings: &[Coding],
    limit: u64,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    for coding in codings.iter().rev() {
        // A server that has nothing to say packs nothing.
        if !body.is_empty() {
            body = match coding {
                Coding::Gzip => gunzip(&body, limit)?,
                Coding::Deflate => inflate(&body, limit)?,
            };
        }
    }
    Ok(body)
}

/// Any number of members one after the other (RFC 1952, 2.2). What follows the last one is passed over, as by `gzip`.
fn gunzip(mut packed: &[u8], limit: u64) -> Result<Zeroizing<Vec<u8>>, Failure> {
    const MAGIC: &[u8] = b"\x1f\x8b";
    let mut unpacked = with_room_for(packed);
    let mut is_first = true;
    while is_first || packed.starts_with(MAGIC) {
        let mut member = GzDecoder::new(packed);
        read_at_most(&mut member, &mut unpacked, limit, Coding::Gzip)?;
        packed = member.into_inner();
        is_first = false;
    }
    Ok(unpacked)
}

/// The zlib format, as the standard has it, or the bare one, as some servers do.
fn inflate(packed: &[u8], limit: u64) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut unpacked = with_room_for(packed);
    match read_at_most(&mut ZlibDecoder::new(packed), &mut unpacked, limit, Coding::Deflate) {
        Ok(()) => return Ok(unpacked),
        Err(Failure::TooLarge) => return Err(Failure::TooLarge),
        Err(Failure::Malformed(_)) => {}
    }
    let mut unpacked = with_room_for(packed);
    read_at_most(&mut DeflateDecoder::new(packed), &mut unpacked, limit, Coding::Deflate)?;
    Ok(unpacked)
}

/// A vector that grows leaves its old bytes behind, and they may be a token. JSON shrinks to a tenth at most.
fn with_room_for(packed: &[u8]) -> Zeroizing<Vec<u8>> {
    const SMALLEST: usize = 4096;
    const LARGEST: usize = 16 << 20;
    Zeroizing::new(Vec::with_capacity(packed.len().saturating_mul(10).clamp(SMALLEST, LARGEST)))
}

fn read_at_most(decoder: &mut impl Read, unpacked: &mut Vec<u8>, limit: u64, coding: Coding) -> Result<(), Failure> {
    let left = limit - unpacked.len() as u64;
    let read = decoder.by_ref().take(left + 1).read_to_end(unpacked);
    match read {
        _ if unpacked.len() as u64 > limit => Err(Failure::TooLarge),
        Ok(_) => Ok(()),
        // The decoder reads from memory: whatever is wrong is wrong with the bytes.
        Err(io::Error { .. }) => Err(Failure::Malformed(coding)),
    }
}

#[cfg(test)]
mod tests {
    use rpa_test_support::packed::{gzip, raw, zlib};

    use super::*;

    fn decoded(body: Vec<u8>, codings: &[Coding]) -> Result<Vec<u8>, Failure> {
        decode(Zeroizing::new(body), codings, 1000).map(|body| body.to_vec())
    }

    #[test]
    fn names_in_every_spelling() {
        let codings = |values: &[&str]| {
            let pairs = values.iter().map(|value| (http::header::CONTENT_ENCODING, value.parse().unwrap()));
            read(&pairs.collect(), http::header::CONTENT_ENCODING)
        };
        for names in ["gzip", "GZIP", "x-gzip", "identity, gzip", "Gzip,", "none, x-GZIP , identity"] {
            assert_eq!(codings(&[names]).unwrap(), [Coding::Gzip], "{names}");
        }
        assert_eq!(codings(&["deflate", "gzip"]).unwrap(), [Coding::Deflate, Coding::Gzip]);
        assert_eq!(codings(&["x-deflate"]).unwrap(), [Coding::Deflate]);
        assert_eq!(codings(&["", "identity"]).unwrap(), []);
        assert_eq!(codings(&["br"]), Err(Unknown("br".into())));
        assert_eq!(codings(&["gzip, Zstd<b> x"]).unwrap_err().0, "zstdbx".to_owned());
    }

    #[test]
    fn what_was_packed_comes_out_again() {
        use Coding::{Deflate, Gzip};
        for (body, codings) in [
            (gzip(b"{}"), &[Gzip][..]),
            ([gzip(b"{"), gzip(b""), gzip(b"}")].concat(), &[Gzip]),
            ([gzip(b"{}"), b"\0\0 trailing".to_vec()].concat(), &[Gzip]),
            (zlib(b"{}"), &[Deflate]),
            (raw(b"{}"), &[Deflate]),
            (gzip(&zlib(b"{}")), &[Deflate, Gzip]),
            (gzip(&gzip(b"{}")), &[Gzip, Gzip]),
            (b"{}".to_vec(), &[]),
        ] {
            assert_eq!(decoded(body, codings).unwrap(), b"{}", "{codings:?}");
        }
        assert_eq!(decoded(Vec::new(), &[Gzip, Deflate]).unwrap(), b"");
        assert_eq!(decoded(gzip(b""), &[Gzip]).unwrap(), b"");
    }

    #[test]
    fn no_step_gives_more_than_the_limit() {
        use Coding::{Deflate, Gzip};
        let bomb = vec![b' '; 1 << 20];
        for (body, codings) in [
            (gzip(&bomb), &[Gzip][..]),
            (gzip(&gzip(&bomb)), &[Gzip, Gzip]),
            (zlib(&bomb), &[Deflate]),
            (raw(&bomb), &[Deflate]),
            ([gzip(&[b' '; 999]), gzip(b"  ")].concat(), &[Gzip]),
        ] {
            assert!(matches!(decoded(body, codings), Err(Failure::TooLarge)), "{codings:?}");
        }
        assert_eq!(decoded(gzip(&[b' '; 1000]), &[Gzip]).unwrap().len(), 1000);
    }

    #[test]
    fn what_is_cut_or_something_else_is_told() {
        let whole = gzip(b"{\"a\":1}");
        for body in [whole[..whole.len() - 9].to_vec(), b"{}".to_vec(), b"\x1f\x8b".to_vec()] {
            assert!(matches!(decoded(body, &[Coding::Gzip]), Err(Failure::Malformed(Coding::Gzip))));
        }
        assert!(matches!(decoded(b"{}".to_vec(), &[Coding::Deflate]), Err(Failure::Malformed(Coding::Deflate))));
    }
}
