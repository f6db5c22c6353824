//! Writes the tables of the charsets, as `encoding_rs` has them. They are packed: each code point as the step from the one
//! before, low bytes first and high bytes after them, compressed.

use std::env;
use std::fs;
use std::io::Write;
use std::path::Path;

use encoding_rs::{BIG5, Encoding, GB18030};
use flate2::Compression;
use flate2::write::DeflateEncoder;

/// The characters of the basic plane that GB18030 writes in four bytes.
const FOUR_BYTES: usize = 39_420;

fn main() {
    let trails = |from: u8| (0x40..=0x7e).chain(from..=0xfe);
    let table = |charset, leads: std::ops::RangeInclusive<u8>, from| -> Vec<u16> {
        let all = leads.flat_map(|lead| trails(from).map(move |trail| [lead, trail]));
        all.map(|pair| character(charset, &pair)).collect()
    };
    let gb18030 = table(GB18030, 0x81..=0xfe, 0x80);
    let big5 = table(BIG5, 0xa1..=0xf9, 0xa1);
    let (pointers, code_points) = ranges();
    let sizes = [gb18030.len(), pointers.len(), code_points.len(), big5.len()];
    let out = env::var("OUT_DIR").expect("Cargo gives a folder");
    let write = |name: &str, bytes: &[u8]| fs::write(Path::new(&out).join(name), bytes).expect("it can be written");
    write("tables", &packed(&[gb18030, pointers, code_points, big5].concat()));
    write("sizes.rs", format!("const SIZES: [usize; 4] = {sizes:?};\n").as_bytes());
    println!("cargo::rerun-if-changed=build.rs");
}

/// The character that some bytes stand for; zero if none, or if it is none of the basic plane.
fn character(charset: &'static Encoding, bytes: &[u8]) -> u16 {
    let Some(text) = charset.decode_without_bom_handling_and_without_replacement(bytes) else { return 0 };
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (Some(c), None) => u16::try_from(u32::from(c)).unwrap_or(0),
        _ => 0,
    }
}

/// Where the steps of those in four bytes are: the number of each first one, and its code point.
fn ranges() -> (Vec<u16>, Vec<u16>) {
    let (mut pointers, mut code_points, mut next) = (Vec::new(), Vec::new(), None);
    for pointer in 0..FOUR_BYTES {
        let digit = |divisor: usize, size: usize| u8::try_from(pointer / divisor % size).expect("it is small");
        let bytes = [0x81 + digit(12_600, 126), 0x30 + digit(1260, 10), 0x81 + digit(10, 126), 0x30 + digit(1, 10)];
        let code_point = character(GB18030, &bytes);
        assert_ne!(code_point, 0, "{bytes:?} stand for nothing");
        if next != Some(code_point) {
            pointers.push(u16::try_from(pointer).expect("there are fewer"));
            code_points.push(code_point);
        }
        next = code_point.checked_add(1);
    }
    (pointers, code_points)
}

fn packed(table: &[u16]) -> Vec<u8> {
    let mut before = 0;
    let steps: Vec<u16> =
        table.iter().map(|&entry| entry.wrapping_sub(std::mem::replace(&mut before, entry))).collect();
    let [low, high] = [0, 1].map(|byte: usize| steps.iter().map(|step| step.to_le_bytes()[byte]).collect::<Vec<_>>());
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&[low, high].concat()).expect("a vector takes all");
    encoder.finish().expect("a vector takes all")
}
