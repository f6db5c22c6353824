//! GB18030 (GBK and GB2312 are parts of it) and Big5, to UTF-8.
//!
//! The tables are those of the crate `encoding_rs`, made when this is built; see `build.rs`. The crate itself has tables for
//! all of the web's charsets, which cannot be left out: 149 KB, where these two are 33.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::panic))]

use std::sync::OnceLock;

use flate2::{Decompress, FlushDecompress};

include!(concat!(env!("OUT_DIR"), "/sizes.rs"));

static PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/tables"));

/// A text that was read in some charset.
#[derive(Debug, PartialEq)]
pub struct Text {
    /// With U+FFFD for each piece that stands for nothing.
    pub text: String,
    /// Whether there is no such piece.
    pub is_well_formed: bool,
}

/// Reads GB18030.
pub fn gb18030(bytes: &[u8]) -> Text {
    read(bytes, |bytes| match bytes {
        [0x80, ..] => (Some('€'), 1),
        [lead @ 0x81..=0xfe, trail @ (0x40..=0x7e | 0x80..=0xfe), ..] => {
            let column = trail - if *trail < 0x80 { 0x40 } else { 0x41 };
            of_pair(Tables::get().gb18030, usize::from(lead - 0x81) * 190 + usize::from(column), *trail)
        }
        [a @ 0x81..=0xfe, b @ 0x30..=0x39, c @ 0x81..=0xfe, d @ 0x30..=0x39, ..] => {
            let tens = |number: u32, digit: u8, first: u8, size: u32| number * size + u32::from(digit - first);
            let pointer = tens(tens(tens(tens(0, *a, 0x81, 1), *b, 0x30, 10), *c, 0x81, 126), *d, 0x30, 10);
            match Tables::get().of_four_bytes(pointer) {
                Some(c) => (Some(c), 4),
                None => (None, 1),
            }
        }
        _ => (None, 1),
    })
}

/// Reads Big5, without Hong Kong's rarer characters.
pub fn big5(bytes: &[u8]) -> Text {
    read(bytes, |bytes| match bytes {
        [lead @ 0xa1..=0xf9, trail @ (0x40..=0x7e | 0xa1..=0xfe), ..] => {
            let column = trail - if *trail < 0x80 { 0x40 } else { 0x62 };
            of_pair(Tables::get().big5, usize::from(lead - 0xa1) * 157 + usize::from(column), *trail)
        }
        _ => (None, 1),
    })
}

/// Reads ASCII, and all else with `other`: the character at the beginning of some bytes, and how many it takes.
fn read(bytes: &[u8], other: impl Fn(&[u8]) -> (Option<char>, usize)) -> Text {
    // Two bytes become three.
    let mut text = String::with_capacity(bytes.len() + bytes.len() / 2 + 4);
    let (mut rest, mut is_well_formed) = (bytes, true);
    while let [first, after @ ..] = rest {
        if first.is_ascii() {
            text.push(char::from(*first));
            rest = after;
            continue;
        }
        let (c, length) = other(rest);
        is_well_formed &= c.is_some();
        text.push(c.unwrap_or(char::REPLACEMENT_CHARACTER));
        rest = rest.get(length..).unwrap_or(&[]);
    }
    Text { text, is_well_formed }
}

/// Where two bytes stand for nothing, an ASCII one stands for itself: it may end a JSON text.
fn of_pair(table: &[u16], place: usize, trail: u8) -> (Option<char>, usize) {
    let c = table.get(place).filter(|entry| **entry != 0).and_then(|entry| char::from_u32(u32::from(*entry)));
    (c, if c.is_none() && trail.is_ascii() { 1 } else { 2 })
}

struct Tables {
    gb18030: &'static [u16],
    pointers: &'static [u16],
    code_points: &'static [u16],
    big5: &'static [u16],
}

impl Tables {
    fn get() -> &'static Tables {
        static ENTRIES: OnceLock<Vec<u16>> = OnceLock::new();
        static TABLES: OnceLock<Tables> = OnceLock::new();
        TABLES.get_or_init(|| {
            let entries = ENTRIES.get_or_init(unpacked);
            let [first, second, third, _] = SIZES;
            let (gb18030, rest) = entries.split_at(first);
            let (pointers, rest) = rest.split_at(second);
            let (code_points, big5) = rest.split_at(third);
            Tables { gb18030, pointers, code_points, big5 }
        })
    }

    /// The character of a number: four bytes count, the first and the third from 0x81, the others from 0x30.
    fn of_four_bytes(&self, pointer: u32) -> Option<char> {
        // From here on all planes but the first, one after the other.
        const FIRST_BEYOND: u32 = 189_000;
        if pointer >= FIRST_BEYOND {
            return char::from_u32(pointer - FIRST_BEYOND + 0x1_0000);
        }
        let pointer = u16::try_from(pointer).ok().filter(|pointer| *pointer < 39_420)?;
        let range = self.pointers.partition_point(|first| *first <= pointer).checked_sub(1)?;
        let step = pointer - self.pointers.get(range)?;
        char::from_u32(u32::from(*self.code_points.get(range)?) + u32::from(step))
    }
}

/// The packed tables as they were.
fn unpacked() -> Vec<u16> {
    let length: usize = SIZES.iter().sum();
    let mut bytes = Vec::with_capacity(2 * length);
    let unpacked = Decompress::new(false).decompress_vec(PACKED, &mut bytes, FlushDecompress::Finish);
    unpacked.expect("the tables were packed when this was built");
    let (low, high) = bytes.split_at(length);
    let mut entry = 0_u16;
    let steps = low.iter().zip(high).map(|(low, high)| u16::from_le_bytes([*low, *high]));
    steps
        .map(|step| {
            entry = entry.wrapping_add(step);
            entry
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use encoding_rs::{BIG5, Encoding, GB18030};

    fn theirs(charset: &'static Encoding, bytes: &[u8]) -> Text {
        let (text, malformed) = charset.decode_without_bom_handling(bytes);
        Text { text: text.into_owned(), is_well_formed: !malformed }
    }

    #[test]
    fn one_and_two_bytes_are_read_as_encoding_rs_reads_them() {
        for first in 0..=0xff {
            assert_eq!(gb18030(&[first]), theirs(GB18030, &[first]), "{first:#x}");
            for second in 0..=0xff {
                let bytes = [first, second, b'"'];
                let (ours, theirs_of_gb) = (gb18030(&bytes), theirs(GB18030, &bytes));
                assert_eq!(ours.is_well_formed, theirs_of_gb.is_well_formed, "{bytes:x?}");
                assert!(!ours.is_well_formed || ours == theirs_of_gb, "{bytes:x?}");
                let ours = big5(&bytes);
                assert!(!ours.is_well_formed || ours == theirs(BIG5, &bytes), "{bytes:x?}");
            }
        }
    }

    #[test]
    fn four_bytes_are_read_as_encoding_rs_reads_them() {
        for first in 0x81..=0xfe {
            for second in 0x30..=0x39 {
                for third in 0x81..=0xfe {
                    for fourth in 0x30..=0x39 {
                        let bytes = [first, second, third, fourth];
                        let (ours, theirs) = (gb18030(&bytes), theirs(GB18030, &bytes));
                        assert_eq!(ours.is_well_formed, theirs.is_well_formed, "{bytes:x?}");
                        assert!(!ours.is_well_formed || ours == theirs, "{bytes:x?}: {ours:?} {theirs:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn texts_are_read() {
        let text = "{\"名\":\"中文😀㐀\u{20000}€\"}\r\n".repeat(100);
        assert_eq!(gb18030(&GB18030.encode(&text).0), Text { text, is_well_formed: true });
        let text = "{\"名\":\"繁體中文\"}".repeat(100);
        assert_eq!(big5(&BIG5.encode(&text).0), Text { text, is_well_formed: true });
    }

    #[test]
    fn what_is_malformed_loses_nothing_around_it() {
        for (bytes, text) in [
            (&b"\xd6\xd0\xff\""[..], "中\u{fffd}\""),
            (b"\xd6\"", "\u{fffd}\""),
            (b"\xd6", "\u{fffd}"),
            (b"\x81\x30\x81\"", "\u{fffd}0\u{fffd}\""),
            (b"\xfe\x39\xfe\x39", "\u{fffd}9\u{fffd}"),
        ] {
            let read = gb18030(bytes);
            assert!(read.text.starts_with(text) && !read.is_well_formed, "{bytes:x?}: {read:?}");
        }
        assert_eq!(big5(b"\xa4\xa4\x80\"").text, "中\u{fffd}\"");
    }
}
