//! A file that all processes of this machine share.
//!
//! | file | what for |
//! |---|---|
//! | `path` | the tokens, sealed; written anew under another name and put in its place, so that a reader sees the old or the new one |
//! | `path.<16 digits>.new` | what is just being written; one that a killed process left is taken away |
//! | `path.lock` | locked while the file is changed, for a moment |
//! | `path.<name>.lock` | locked by the process that asks for this account's token, for as long as that takes |
//!
//! Where `path` is a symbolic link, all this is so of the file that it leads to. What is not this library's own is left
//! alone, here and beside it.
//!
//! The system gives a lock back when its process dies, however it dies. The lock files stay: who takes one away may
//! take it from somebody who is just about to lock it. On a network drive whose server knows no locks, writing is still
//! in one step, but two processes may ask for a token at once, and of two that write at once one is lost.

mod content;
pub(super) mod examine;
mod lock;
mod patience;
mod place;
mod replace;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::{Lease, Store, Trouble};
use crate::basics::files::behind_links;
use crate::basics::threads;
use crate::basics::two_languages::two;
use crate::error::system;
use crate::token::stored_token::Sealed;
use crate::wait::promise;
use content::{Content, Shelf};
use lock::Lock;
use patience::PAUSE;

pub(super) struct FileStore {
    file: TokenFile,
    /// A thread hangs in the drive.
    hung: Arc<AtomicBool>,
}

/// What is done with the file until some moment.
type Work = Box<dyn FnOnce(&TokenFile, Instant) + Send>;

impl FileStore {
    pub(super) fn new(path: &Path) -> FileStore {
        FileStore { file: TokenFile { path: path.to_owned() }, hung: Arc::default() }
    }

    /// On a thread of its own: a network drive that has gone answers after minutes, or never. Until then nobody else tries.
    fn within<T: Send + 'static>(
        &self,
        limit: Duration,
        work: impl FnOnce(&TokenFile, Instant) -> io::Result<T> + Send + 'static,
    ) -> Result<T, Trouble> {
        let (reply, answer) = promise::promise();
        self.begin(limit, Box::new(move |file, until| reply.give(work(file, until))))?;
        match answer.take(limit) {
            Some(result) => result.map_err(|error| trouble(&in_words(&error))),
            None => {
                self.hung.store(true, Ordering::SeqCst);
                // It may have ended just now, and taken the mark away before it was set.
                if answer.take(Duration::ZERO).is_some() {
                    self.hung.store(false, Ordering::SeqCst);
                }
                Err(slow())
            }
        }
    }

    /// The part of `within` that is the same for each kind of answer.
    fn begin(&self, limit: Duration, work: Work) -> Result<(), Trouble> {
        if self.hung.load(Ordering::SeqCst) {
            return Err(slow());
        }
        // A tenth earlier than this thread, which can then tell what was waited for, on a busy machine too.
        let until = Instant::now().checked_add(limit.saturating_sub(PAUSE.max(limit / 10))).ok_or_else(slow)?;
        let (file, hung) = (self.file.clone(), self.hung.clone());
        let run = move || {
            work(&file, until);
            hung.store(false, Ordering::SeqCst);
        };
        threads::spawn("file", run).map_err(|error| trouble(&in_words(&error)))?;
        Ok(())
    }
}

fn slow() -> Trouble {
    trouble("its drive does not answer in time; is it on a network drive? (存放token的磁盘没有及时响应,请改用本机磁盘)")
}

fn trouble(why: &str) -> Trouble {
    Trouble(format!("the file of `token_store` cannot be used: {why}"))
}

/// What happened, and whose turn it is.
fn in_words(error: &io::Error) -> String {
    let told = system::in_english(error);
    let remedy = match error.kind() {
        io::ErrorKind::PermissionDenied => {
            "; its folder and the files in it must be writable for the user that runs the robot (请给运行机器人的用户该文件夹的写权限)"
        }
        io::ErrorKind::ReadOnlyFilesystem => "; give a path on another drive (该磁盘只读,请换一个路径)",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "; make room on its drive (磁盘已满,请清理)",
        io::ErrorKind::NotADirectory => {
            "; a file stands in the path where a folder should be (路径中有一级不是文件夹,请换一个路径)"
        }
        _ if two(&told).1.is_some() => "",
        _ => " (请检查token_store中的路径、权限和磁盘)",
    };
    [&told, remedy].concat()
}

impl Store for FileStore {
    fn load(&self, name: &str, limit: Duration) -> Result<Option<Sealed>, Trouble> {
        let name = name.to_owned();
        self.within(limit, move |file, until| {
            let shelf = Content::read(&file.target()?, until)?.tokens.remove(&name);
            Ok(shelf.filter(|shelf| !shelf.sealed.is_empty()).and_then(|shelf| {
                Some(Sealed { generation: shelf.generation, bytes: BASE64_STANDARD.decode(&shelf.sealed).ok()? })
            }))
        })
    }

    fn save(&self, name: &str, sealed: &Sealed, limit: Duration) -> Result<bool, Trouble> {
        let (name, sealed) = (name.to_owned(), sealed.clone());
        self.within(limit, move |file, until| {
            let saved = file.change(&name, until, |shelf| {
                (shelf.generation < sealed.generation).then(|| {
                    shelf.generation = sealed.generation;
                    shelf.sealed = BASE64_STANDARD.encode(&sealed.bytes);
                })
            });
            Ok(saved?.is_some())
        })
    }

    fn try_lease(&self, name: &str, above: u64, limit: Duration) -> Result<Option<Lease>, Trouble> {
        let name = name.to_owned();
        self.within(limit, move |file, until| {
            let target = file.target()?;
            // Nothing is put beside a file that is not ours.
            Content::read(&target, until)?;
            // A few digits tell accounts apart; two that share them only wait for each other.
            let lock_file = place::beside(&target, &format!(".{}.lock", name.get(..8).unwrap_or(&name)));
            let Some(lock) = Lock::try_take(&lock_file, until)? else { return Ok(None) };
            let generation = file.change(&name, until, |shelf| {
                shelf.leased = shelf.leased.max(shelf.generation).max(above).saturating_add(1);
                Some(shelf.leased)
            });
            Ok(generation?.map(|generation| Lease { generation, _guard: Box::new(lock) }))
        })
    }
}

#[derive(Clone)]
struct TokenFile {
    /// As the caller names it.
    path: PathBuf,
}

impl TokenFile {
    fn target(&self) -> io::Result<PathBuf> {
        behind_links(&self.path)
    }

    /// Changes what is kept under a name; `None` from `change` leaves all as it was.
    fn change<T>(
        &self,
        name: &str,
        until: Instant,
        change: impl FnOnce(&mut Shelf) -> Option<T>,
    ) -> io::Result<Option<T>> {
        let target = self.target()?;
        Content::read(&target, until)?;
        let lock = Lock::take(&place::beside(&target, ".lock"), until)?;
        let mut content = Content::read(&target, until)?;
        let Some(result) = content.change(name, change) else { return Ok(None) };
        if lock.is_held() {
            replace::tidy(&target);
        }
        replace::replace(&target, &content.bytes()?, until)?;
        Ok(Some(result))
    }
}

#[cfg(test)]
mod tests;
