//! Files as the body of a request: multipart/form-data (RFC 7578), sent piece by piece as they are read.

use std::fmt::Write;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::time::SystemTime;

use zeroize::Zeroizing;

use crate::error::{Error, system};
use crate::request::FileToSend;
use rpa_signing::python::{Escape, escape_into};

const PIECE: usize = 64 * 1024;

/// Files, opened and measured before anything is sent.
pub(crate) struct Upload {
    parts: Vec<Part>,
    boundary: String,
    pub(super) length: u64,
}

struct Part {
    /// The name of the field, for an error.
    field: String,
    /// The boundary before it, and what is said of it.
    head: String,
    file: File,
    length: u64,
    modified: Option<SystemTime>,
}

/// Why not all of it was sent.
pub(super) enum Unsent {
    /// The connection took no more.
    Connection(io::Error),
    /// A file is not what it was.
    File(Error),
}

impl Upload {
    pub(crate) fn open(files: &[FileToSend]) -> Result<Upload, Error> {
        // 128 random bits stand in no file by chance.
        let boundary = format!("rpa-{:032x}", fastrand::u128(..));
        let mut upload = Upload { parts: Vec::with_capacity(files.len()), length: 0, boundary };
        for wanted in files {
            let part = upload.part(wanted)?;
            upload.length = upload.length.saturating_add(part.head.len() as u64).saturating_add(part.length);
            upload.parts.push(part);
        }
        upload.length = upload.length.saturating_add(upload.end().len() as u64);
        Ok(upload)
    }

    /// What the header `Content-Type` says.
    pub(crate) fn content_type(&self) -> String {
        ["multipart/form-data; boundary=", &self.boundary].concat()
    }

    fn part(&self, wanted: &FileToSend) -> Result<Part, Error> {
        let FileToSend { field, path, name, content_type, with_star } = wanted;
        let refuse = |cause: &str, detail: &str| refusal(field, cause, detail);
        // Asked before it is opened: to open a pipe would wait for somebody at its other end.
        let opened =
            path.metadata().and_then(|found| if found.is_file() { File::open(path).map(Some) } else { Ok(None) });
        let opened = opened.and_then(|file| file.map(|file| Ok((file.metadata()?, file))).transpose());
        let (found, file) = match opened {
            Ok(Some(opened)) => opened,
            Ok(None) => return Err(refuse("的路径不是文件", "is the path of a folder, or of no regular file")),
            Err(error) => {
                let cause = match error.kind() {
                    io::ErrorKind::NotFound => "的文件不存在,请检查路径",
                    io::ErrorKind::PermissionDenied => "的文件不可读,请检查运行机器人的用户的权限",
                    _ => "的文件无法打开",
                };
                return Err(refuse(cause, &["cannot be opened: ", &system::in_english(&error)].concat()));
            }
        };
        let begin = if self.parts.is_empty() { "--" } else { "\r\n--" };
        let mut head = [begin, &self.boundary, "\r\nContent-Disposition: form-data; name=\"", &quoted(field)].concat();
        head.push_str("\"; filename=\"");
        if *with_star {
            head.extend(quoted(name).chars().map(|c| if c.is_ascii() { c } else { '_' }));
            head.push_str("\"; filename*=UTF-8''");
            escape_into(name, Escape::Component, &mut head);
        } else {
            head.extend([&*quoted(name), "\""]);
        }
        let _ = write!(head, "\r\nContent-Type: {content_type}\r\n\r\n");
        Ok(Part { field: field.clone(), head, file, length: found.len(), modified: found.modified().ok() })
    }

    fn end(&self) -> String {
        ["\r\n--", &self.boundary, "--\r\n"].concat()
    }

    /// Hands out all of it, from the beginning. The last piece of a file goes out only if the file is what it was.
    pub(super) fn pour(&self, mut send: impl FnMut(&[u8]) -> io::Result<()>) -> Result<(), Unsent> {
        let mut buffer = Zeroizing::new(vec![0; PIECE]);
        for part in &self.parts {
            send(part.head.as_bytes()).map_err(Unsent::Connection)?;
            (&part.file).rewind().map_err(|error| part.unread(&error))?;
            let mut left = part.length;
            loop {
                let wanted = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
                let piece = &mut buffer[..wanted];
                (&part.file).read_exact(piece).map_err(|error| part.unread(&error))?;
                left = left.saturating_sub(wanted as u64);
                if left == 0 && !part.is_unchanged() {
                    return Err(part.changed());
                }
                send(piece).map_err(Unsent::Connection)?;
                if left == 0 {
                    break;
                }
            }
        }
        send(self.end().as_bytes()).map_err(Unsent::Connection)
    }
}

impl Part {
    /// All of it was read, and nothing was added or written over.
    fn is_unchanged(&self) -> bool {
        let now = self.file.metadata();
        now.is_ok_and(|now| now.len() == self.length && now.modified().ok() == self.modified)
    }

    fn unread(&self, error: &io::Error) -> Unsent {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => self.changed(),
            _ => {
                let detail = ["cannot be read any more: ", &system::in_english(error)].concat();
                Unsent::File(Error {
                    is_final: true, ..refusal(&self.field, "的文件在发送时无法读取", &detail)
                })
            }
        }
    }

    fn changed(&self) -> Unsent {
        let (cause, detail) = (
            "的文件在发送时被改动,没有发完,请等它写完后再调用",
            "was changed while it was sent, which was broken off: call again once nobody writes to it",
        );
        Unsent::File(Error { is_final: true, ..refusal(&self.field, cause, detail) })
    }
}

fn refusal(field: &str, cause: &str, detail: &str) -> Error {
    let shown: String = field.chars().take(40).collect();
    let name = ["files.", &shown].concat();
    let (cause, detail) = (["字段", &name, cause].concat(), ["`", &name, "` ", detail].concat());
    Error::argument(name, cause, detail)
}

/// As browsers write a name between quotes.
fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}
