//! What stands in the file.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::thread;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::patience::{PAUSE, patiently};
use super::place::regular_file;

const VERSION: u32 = 1;
/// So many accounts are kept in a file, those that were written last.
const MOST_TOKENS: usize = 1000;
/// A greater one is damaged, or not ours.
const LARGEST: u64 = 16 << 20;
/// How a file of ours begins, white space aside.
const MARK: &[u8] = b"{\"rpa-openapi token store\"";
/// A file that is written in its place looks damaged for a moment.
const LOOKS: usize = 3;

#[derive(Default, Serialize, Deserialize)]
pub(super) struct Content {
    /// What the file is, for whoever opens it; and its version.
    #[serde(rename = "rpa-openapi token store")]
    version: u32,
    /// Counts the changes.
    changes: u64,
    pub(super) tokens: BTreeMap<String, Shelf>,
}

#[derive(Default, Serialize, Deserialize)]
pub(super) struct Shelf {
    /// At which change of the file it was written.
    changed: u64,
    /// The latest generation that was leased.
    pub(super) leased: u64,
    pub(super) generation: u64,
    /// In Base64; empty if nothing is kept.
    pub(super) sealed: String,
}

/// What some bytes are to the store.
enum Found {
    Whole(Content),
    /// Ours, but of another version, cut, or spoilt.
    Damaged,
    Foreign,
}

impl Content {
    /// What the file holds; nothing if there is none, if it is empty, and if it is ours and damaged. One that is not ours
    /// is an error.
    pub(super) fn read(path: &Path, until: Instant) -> io::Result<Content> {
        for _ in 0..LOOKS {
            match Found::of(&bytes(path, until)?) {
                Found::Whole(content) => return Ok(content),
                Found::Foreign => return Err(foreign()),
                Found::Damaged => thread::sleep(PAUSE),
            }
        }
        Ok(Content::default())
    }

    /// Whether a file holds nothing but what this library wrote, or nothing at all.
    pub(super) fn is_ours(path: &Path, until: Instant) -> bool {
        bytes(path, until).is_ok_and(|bytes| !matches!(Found::of(&bytes), Found::Foreign))
    }

    /// Changes what is kept under a name. `None` if nothing is changed.
    pub(super) fn change<T>(&mut self, name: &str, change: impl FnOnce(&mut Shelf) -> Option<T>) -> Option<T> {
        self.version = VERSION;
        self.changes = self.changes.saturating_add(1);
        let shelf = self.tokens.entry(name.to_owned()).or_default();
        let result = change(shelf)?;
        shelf.changed = self.changes;
        if self.tokens.len() > MOST_TOKENS {
            let oldest = self.tokens.iter().min_by_key(|(_, shelf)| shelf.changed).map(|(name, _)| name.clone());
            self.tokens.remove(&oldest.expect("there are many"));
        }
        Some(result)
    }

    pub(super) fn bytes(&self) -> io::Result<Vec<u8>> {
        Ok(serde_json::to_vec(self)?)
    }
}

impl Found {
    fn of(bytes: &[u8]) -> Found {
        // A file that was only touched, or of which a power cut left the zeros.
        let is_blank = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0;
        if bytes.iter().all(is_blank) {
            return Found::Whole(Content::default());
        }
        match serde_json::from_slice::<Content>(bytes) {
            Ok(content) if content.version == VERSION => Found::Whole(content),
            Ok(_) => Found::Damaged,
            Err(_) if begins_as_ours(bytes) => Found::Damaged,
            Err(_) => Found::Foreign,
        }
    }
}

/// Whether a text begins with the mark, or is so short that the mark begins with it: a copy may be cut anywhere.
fn begins_as_ours(bytes: &[u8]) -> bool {
    const UTF_8_MARK: &[u8] = b"\xef\xbb\xbf";
    let text = bytes.strip_prefix(UTF_8_MARK).unwrap_or(bytes);
    // An editor may have set it in lines.
    let before_name = |byte: &u8| byte.is_ascii_whitespace() || *byte == b'{';
    let name = text.iter().position(|byte| !before_name(byte)).unwrap_or(text.len());
    let (before, name) = text.split_at(name);
    let braces = before.iter().filter(|byte| **byte == b'{').count();
    let mark = MARK.get(1..).expect("the mark is longer");
    braces == 1 && (name.starts_with(mark) || mark.starts_with(name))
}

fn bytes(path: &Path, until: Instant) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if regular_file(path)?.is_some() {
        match patiently(until, || File::open(path)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            file => _ = file?.take(LARGEST).read_to_end(&mut bytes)?,
        }
    }
    Ok(bytes)
}

fn foreign() -> io::Error {
    io::Error::other(
        "it holds something else than tokens of this library, and is left alone: give a path of its own, or empty the file if it is not needed (该文件不是本动态库的token文件,未改动,请换一个文件名;如不需要可删除)",
    )
}

#[cfg(test)]
impl Content {
    /// As full as it may be.
    pub(super) fn full() -> Content {
        let shelf =
            |number: usize| Shelf { changed: number as u64, generation: 1, sealed: "AA==".into(), ..Shelf::default() };
        let tokens = (0..MOST_TOKENS).map(|number| (number.to_string(), shelf(number))).collect();
        Content { version: VERSION, changes: 2000, tokens }
    }
}
