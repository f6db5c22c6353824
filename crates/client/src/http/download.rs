//! A reply that goes to a file, piece by piece as it comes.

use std::cell::RefCell;
use std::io::{ErrorKind, Seek, Write};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::body::{Failure, Sink};
use super::disposition;
use super::header_list::elements;
use crate::basics::files::{NewFile, behind_links, folder_of};
use crate::error::{Error, Kind, system};
use crate::request::SaveTo;

/// A reply that may be a JSON number, text or word, and is longer than this, is a file.
const LONGEST_WORD: u64 = 64 * 1024;

/// Where a reply goes that is not handed on as it is.
pub(crate) struct Download {
    pub(crate) to: SaveTo,
    /// Whether these are the headers and the body of a reply that is handed on as ever.
    is_reply: fn(&HeaderMap, &[u8]) -> bool,
    file: RefCell<Option<NewFile>>,
    saved: RefCell<Option<Saved>>,
}

/// What went to the file.
#[derive(Clone)]
pub(crate) struct Saved {
    pub(crate) size: u64,
    pub(crate) sha256: String,
    pub(crate) content_type: Option<String>,
    /// The file's name as the server has it.
    pub(crate) name: Option<String>,
}

impl Download {
    /// Refuses a place that no file can come to, as far as that is seen without making one.
    pub(crate) fn check(to: &SaveTo) -> Result<(), Error> {
        match std::fs::metadata(&to.path) {
            Ok(found) if !found.is_file() => {
                Err(to.refuse("是文件夹,请写出文件名", "is a folder, or no regular file: give the path of a file"))
            }
            Ok(_) if !to.overwrite => Err(exists(to)),
            Ok(_) => Ok(()),
            // A link that leads nowhere yet.
            Err(_) if !to.overwrite && to.path.is_symlink() => Err(exists(to)),
            Err(_) => {
                let folder = behind_links(&to.path).and_then(|place| folder_of(&place).metadata());
                folder.map(drop).map_err(|error| unwritable(to, &error))
            }
        }
    }

    /// Makes the file beside its place, so that it is known that it can be written.
    pub(crate) fn new(to: SaveTo, is_reply: fn(&HeaderMap, &[u8]) -> bool) -> Result<Download, Error> {
        Download::check(&to)?;
        // Nobody reads in the new file, as it comes, what he may not read in the old one.
        let is_private = to.overwrite && to.path.exists();
        let file = behind_links(&to.path).and_then(|place| NewFile::beside(&place, is_private));
        let file = file.map_err(|error| unwritable(&to, &error))?;
        Ok(Download { to, is_reply, file: RefCell::new(Some(file)), saved: RefCell::default() })
    }

    /// What went to the file, if the reply did.
    pub(crate) fn saved(&self) -> Option<Saved> {
        self.saved.borrow().clone()
    }

    /// Whether a reply of success with these headers may be a file. A page is one only where it was asked for.
    pub(super) fn takes(&self, headers: &HeaderMap) -> bool {
        let is_page = says(headers, "text/html");
        let extension = self.to.path.extension().map(|end| end.to_ascii_lowercase());
        !is_page || is_attached(headers) || extension.is_some_and(|end| end == "htm" || end == "html")
    }

    /// Begins anew: an earlier attempt may have left something.
    pub(super) fn begin<'d>(&'d self, headers: &'d HeaderMap, hold: u64) -> Pouring<'d> {
        // What the server calls a file is one, even if it could be read as a number; an error in its place says that it is JSON.
        let is_file = is_attached(headers) && !says(headers, "json");
        Pouring {
            download: self,
            headers,
            is_file,
            hold: if is_file { 0 } else { hold },
            held: Some(Zeroizing::default()),
            hash: Sha256::new(),
            size: 0,
            packed: None,
        }
    }

    fn write(&self, bytes: &[u8], is_first: bool) -> Result<(), Failure> {
        let mut file = self.file.borrow_mut();
        let Some(new) = file.as_mut() else { return Ok(()) };
        let begun = if is_first { new.file.set_len(0).and_then(|()| new.file.rewind()) } else { Ok(()) };
        begun.and_then(|()| new.file.write_all(bytes)).map_err(|error| self.unwritten(&error))
    }

    fn unwritten(&self, error: &std::io::Error) -> Failure {
        let error = match error.kind() {
            ErrorKind::AlreadyExists => exists(&self.to),
            _ => unwritable(&self.to, error),
        };
        // The reply came, so it is no wrong argument.
        Failure::Sink(Box::new(Error { kind: Kind::Response, is_final: true, ..error }))
    }
}

fn unwritable(to: &SaveTo, error: &std::io::Error) -> Error {
    let (cause, remedy) = system::of_new_file(error);
    to.refuse(cause, &["cannot be written: ", &system::in_english(error), remedy].concat())
}

fn exists(to: &SaveTo) -> Error {
    to.refuse(
        "的文件已存在,请换一个路径,或写{\"path\":…,\"overwrite\":true}",
        "is there already: give another path, or {\"path\":...,\"overwrite\":true}",
    )
}

/// A reply on its way to the file.
pub(super) struct Pouring<'d> {
    download: &'d Download,
    headers: &'d HeaderMap,
    is_file: bool,
    /// As long as it may be JSON, so much is held.
    hold: u64,
    held: Option<Zeroizing<Vec<u8>>>,
    hash: Sha256,
    size: u64,
    /// The hash of what came packed.
    packed: Option<[u8; 32]>,
}

impl Sink for Pouring<'_> {
    fn take(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let is_first = self.size == 0;
        self.size = self.size.saturating_add(bytes.len() as u64);
        let most = self.download.to.max_bytes;
        if self.size > most {
            let error = self.download.to.refuse(
                "指向的文件过大,请调大save_to.max_bytes",
                &format!("would be longer than `save_to.max_bytes`, {most} bytes"),
            );
            return Err(Failure::Sink(Box::new(Error { kind: Kind::TooLarge, is_final: true, ..error })));
        }
        if is_first && !says(self.headers, "json") {
            self.hold = match bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start().first() {
                None | Some(b'{' | b'[') => self.hold,
                Some(b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n') => self.hold.min(LONGEST_WORD),
                Some(_) => 0,
            };
        }
        match &mut self.held {
            Some(held) if self.size <= self.hold => {
                held.extend_from_slice(bytes);
                Ok(())
            }
            Some(_) => {
                self.spill()?;
                self.write(bytes, is_first)
            }
            None => self.write(bytes, false),
        }
    }
}

impl Pouring<'_> {
    /// What comes unpacked was these bytes. Most digests are of them: `Content-Digest` by RFC 9530, `Digest` in practice.
    pub(super) fn was_packed(&mut self, bytes: &[u8]) {
        self.packed = digests(self.headers).next().map(|_| Sha256::digest(bytes).into());
    }

    /// What may be JSON no longer goes to the file.
    fn spill(&mut self) -> Result<(), Failure> {
        match self.held.take() {
            Some(held) if !held.is_empty() => self.write(&held, true),
            _ => Ok(()),
        }
    }

    fn write(&mut self, bytes: &[u8], is_first: bool) -> Result<(), Failure> {
        self.hash.update(bytes);
        self.download.write(bytes, is_first)
    }

    /// The body that is to be handed on as ever; `None` where it is in the file.
    pub(super) fn end(mut self, may_be_cut: bool) -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
        let is_reply = |held: &[u8]| held.is_empty() || (self.download.is_reply)(self.headers, held);
        if let Some(held) = self.held.take_if(|held| !self.is_file && is_reply(held)) {
            return Ok(Some(held));
        }
        if may_be_cut {
            return Err(Failure::Io(ErrorKind::UnexpectedEof.into()));
        }
        self.spill()?;
        if self.size == 0 {
            // An earlier attempt may have left something.
            self.write(&[], true)?;
        }
        let hash: [u8; 32] = self.hash.finalize().into();
        if digests(self.headers).any(|given| given != hash && Some(given) != self.packed) {
            let error = self.download.to.refuse(
                "收到的内容与服务器给出的校验值不符,没有保存,请再试",
                "would hold something else than the server sent: what came does not fit its digest",
            );
            return Err(Failure::Sink(Box::new(Error { kind: Kind::Response, ..error })));
        }
        if let Some(new) = self.download.file.take() {
            let overwrite = self.download.to.overwrite;
            #[cfg(unix)]
            if overwrite {
                new.keep_access().map_err(|error| self.download.unwritten(&error))?;
            }
            new.put(overwrite).map_err(|error| self.download.unwritten(&error))?;
        }
        let sha256 = base16ct::lower::encode_string(&hash);
        let text = |name: HeaderName| Some(String::from_utf8_lossy(self.headers.get(name)?.as_bytes()).into_owned());
        let name = self.headers.get(CONTENT_DISPOSITION).and_then(|value| disposition::file_name(value.as_bytes()));
        self.download.saved.replace(Some(Saved { size: self.size, sha256, content_type: text(CONTENT_TYPE), name }));
        Ok(None)
    }
}

fn is_attached(headers: &HeaderMap) -> bool {
    elements(headers, CONTENT_DISPOSITION).any(|part| part.to_ascii_lowercase().starts_with(b"attachment"))
}

fn says(headers: &HeaderMap, kind: &str) -> bool {
    let said = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    said.split(';').next().unwrap_or_default().to_ascii_lowercase().contains(kind)
}

/// The SHA-256 that a server gives of what it sends (RFC 9530, and RFC 3230 before it). Other digests are passed over.
fn digests(headers: &HeaderMap) -> impl Iterator<Item = [u8; 32]> {
    ["repr-digest", "content-digest", "digest"].into_iter().flat_map(|name| {
        elements(headers, HeaderName::from_static(name)).filter_map(|element| {
            let element = std::str::from_utf8(element).ok()?;
            let (algorithm, value) = element.trim().split_once('=')?;
            let value = value.trim().trim_matches(':');
            let is_known = algorithm.trim().eq_ignore_ascii_case("sha-256");
            BASE64_STANDARD.decode(value).ok().filter(|_| is_known)?.try_into().ok()
        })
    })
}
