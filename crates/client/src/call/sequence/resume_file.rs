//! The file of `resume_file`: what a process leaves to the next one, should it be killed while it waits.
//!
//! It is there before the first call is sent, so that whoever finds it knows that the work may have been started. It gets
//! the resume text as soon as the work has been started, and goes when all is over.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::basics::files::{NewFile, create};
use crate::error::{Delivered, Error, system};
use crate::request::CallRequest;
use rpa_signing::python::sorted;

const FIELD: &str = "wait.resume_file";
/// It holds a resume text, and a resume text a short reply.
const LONGEST: u64 = 1 << 20;

pub(super) struct ResumeFile {
    path: PathBuf,
    /// Of which call it is.
    of: String,
}

/// The same for the same call, and different for any other. It tells nothing of the parameters.
pub(super) fn fingerprint(request: &CallRequest<'_>) -> String {
    let mut hash = Sha256::new();
    hash.update(request.address.url(&request.path));
    hash.update([0, request.mode as u8]);
    hash.update(&request.action);
    hash.update([0]);
    for entry in sorted(&request.parameters) {
        entry.key.code_points().for_each(|point| hash.update(point.to_be_bytes()));
        hash.update([0xff]);
        hash.update(entry.raw);
        hash.update([0xff]);
    }
    base16ct::lower::encode_string(&hash.finalize())
}

/// What was found.
pub(super) enum Found {
    /// Nothing: nobody has started.
    Nothing(ResumeFile),
    /// The work was started, and this is the text to go on with.
    Started(ResumeFile, String),
}

#[derive(Serialize, Deserialize)]
struct Content {
    rpa_openapi: String,
    of: String,
    resume: Option<String>,
}

impl ResumeFile {
    /// Looks whether the work was started. If nobody has, this process is the one that may.
    pub(super) fn begin(path: PathBuf, of: String) -> Result<Found, Error> {
        let file = ResumeFile { path, of };
        match create(&file.path, &file.content(None)) {
            Ok(()) => return Ok(Found::Nothing(file)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(unusable(&error)),
        }
        let mut bytes = Vec::new();
        let read = File::open(&file.path).and_then(|open| open.take(LONGEST).read_to_end(&mut bytes));
        read.map_err(|error| unusable(&error))?;
        match serde_json::from_slice::<Content>(&bytes) {
            Ok(Content { of, .. }) if of != file.of => Err(refusal(
                "属于另一个调用(参数不同),请换一个路径,或确认那个任务后删除此文件",
                "is of another call, with other parameters: give another path, or look after that work and remove the file",
            )),
            Ok(Content { resume: Some(text), .. }) => Ok(Found::Started(file, text)),
            Ok(Content { resume: None, .. }) => Err(in_doubt()),
            // Killed as it was made; nothing was sent yet, but another process may be just about to.
            Err(_) if bytes.is_empty() => Err(in_doubt()),
            Err(_) => Err(refusal(
                "已存在,且不是本库写的文件,请换一个路径",
                "is there, and no file of this library: it is left alone; give another path",
            )),
        }
    }

    /// The work was started.
    pub(super) fn started(&self, resume: &str) -> Result<(), Error> {
        let write = || {
            let mut new = NewFile::beside(&self.path, true)?;
            new.file.write_all(&self.content(Some(resume)))?;
            new.put(true)
        };
        write().map_err(|error| unusable(&error))
    }

    /// Nothing is left to go on with.
    pub(super) fn remove(&self) {
        let _ = fs::remove_file(&self.path);
    }

    fn content(&self, resume: Option<&str>) -> Vec<u8> {
        let state = if resume.is_some() { "started" } else { "starting" };
        let content = Content { rpa_openapi: state.to_owned(), of: self.of.clone(), resume: resume.map(str::to_owned) };
        serde_json::to_vec(&content).expect("texts alone are always JSON")
    }
}

fn refusal(cause: &str, detail: &str) -> Error {
    Error::argument(FIELD, ["字段", FIELD, cause].concat(), ["`", FIELD, "` ", detail].concat())
}

/// It was begun by a process that did not live to see the reply, or does not have it yet.
fn in_doubt() -> Error {
    let error = refusal(
        "显示任务可能已经启动:上一个进程在启动时中断,或另一个进程正在启动。请先在控制中心查看;没有启动,或不再需要等它,就删除此文件后再调用",
        "shows that the work may have been started: a process ended while it was starting it, or another one is just starting it. Look at the control center; if it was not started, or nobody waits for it any more, remove the file and call again",
    );
    Error { delivered: Delivered::Unknown, ..error }
}

fn unusable(error: &io::Error) -> Error {
    let (cause, remedy) = system::of_new_file(error);
    refusal(cause, &["cannot be used: ", &system::in_english(error), remedy].concat())
}
