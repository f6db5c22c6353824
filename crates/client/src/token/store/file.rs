//! A file that all processes of this machine share.
//!
//! | file | what for |
//! |---|---|
//! | `path` | the tokens, sealed; written anew under another name and put in its place, so that a reader sees the old or the new one |
//! | `path.new` | what is just being written; one that a killed process left is taken away |
//! | `path.lock` | locked while the file is changed, for a moment |
//! | `path.<name>.lock` | locked by the process that asks for this account's token, for as long as that takes |
//!
//! The system gives a lock back when its process dies, however it dies. The lock files stay: who takes one away may
//! take it from somebody who is just about to lock it. On a network drive whose server knows no locks, writing is still
//! in one step, but two processes may ask for a token at once, and of two that write at once one is lost.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

use super::{Lease, Store, Trouble};
use crate::error::system;
use crate::token::record::Sealed;
use crate::wait::late;

const VERSION: u32 = 1;
/// So many accounts are kept in a file, those that were written last.
const MOST_TOKENS: usize = 1000;
/// A greater one is not ours.
const LARGEST: u64 = 16 << 20;
/// Between two looks at something that another process has for a moment.
const PAUSE: Duration = Duration::from_millis(2);

pub(super) struct FileStore {
    file: TokenFile,
    /// A thread hangs in the drive.
    hung: Arc<AtomicBool>,
}

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
        let trouble = |why: &str| Trouble(format!("the file of `token_store` cannot be used: {why}"));
        let slow = || trouble("its drive does not answer in time");
        if self.hung.load(Ordering::SeqCst) {
            return Err(slow());
        }
        let (file, hung) = (self.file.clone(), self.hung.clone());
        let (reply, answer) = late::answer();
        let until = Instant::now().checked_add(limit).ok_or_else(slow)?;
        let run = move || {
            reply.give(work(&file, until));
            hung.store(false, Ordering::SeqCst);
        };
        thread::Builder::new().spawn(run).map_err(|error| trouble(&system::in_english(&error)))?;
        match answer.take(limit.saturating_add(PAUSE)) {
            Some(result) => result.map_err(|error| trouble(&system::in_english(&error))),
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
}

impl Store for FileStore {
    fn load(&self, name: &str, limit: Duration) -> Result<Option<Sealed>, Trouble> {
        let name = name.to_owned();
        self.within(limit, move |file, until| {
            let shelf = file.read(until)?.tokens.remove(&name).filter(|shelf| !shelf.sealed.is_empty());
            Ok(shelf.and_then(|shelf| {
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
            // A few digits tell accounts apart; two that share them only wait for each other.
            let lock_file = file.beside(&format!(".{}.lock", name.get(..8).unwrap_or(&name)));
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
    path: PathBuf,
}

#[derive(Default, Serialize, Deserialize)]
struct Content {
    /// What the file is, for whoever opens it; and its version.
    #[serde(rename = "rpa-openapi token store")]
    version: u32,
    /// Counts the changes.
    changes: u64,
    tokens: BTreeMap<String, Shelf>,
}

#[derive(Default, Serialize, Deserialize)]
struct Shelf {
    /// At which change of the file it was written.
    changed: u64,
    /// The latest generation that was leased.
    leased: u64,
    generation: u64,
    /// In Base64; empty if nothing is kept.
    sealed: String,
}

impl TokenFile {
    fn beside(&self, end: &str) -> PathBuf {
        let mut name = OsString::from(&self.path);
        name.push(end);
        PathBuf::from(name)
    }

    /// Damaged and foreign files are as good as none.
    fn read(&self, until: Instant) -> io::Result<Content> {
        let file = match patiently(until, || File::open(&self.path)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Content::default()),
            file => file?,
        };
        let mut bytes = Vec::new();
        file.take(LARGEST).read_to_end(&mut bytes)?;
        let content: Option<Content> = serde_json::from_slice(&bytes).ok();
        Ok(content.filter(|content| content.version == VERSION).unwrap_or_default())
    }

    fn change<T>(
        &self,
        name: &str,
        until: Instant,
        change: impl FnOnce(&mut Shelf) -> Option<T>,
    ) -> io::Result<Option<T>> {
        let lock = Lock::take(&self.beside(".lock"), until)?;
        let mut content = self.read(until)?;
        content.changes = content.changes.saturating_add(1);
        let shelf = content.tokens.entry(name.to_owned()).or_default();
        let Some(result) = change(shelf) else { return Ok(None) };
        shelf.changed = content.changes;
        if content.tokens.len() > MOST_TOKENS {
            let oldest = content.tokens.iter().min_by_key(|(_, shelf)| shelf.changed).map(|(name, _)| name.clone());
            content.tokens.remove(&oldest.unwrap_or_default());
        }
        content.version = VERSION;
        // Without a lock another process may be writing, too.
        let new = match &lock {
            Lock(Some(_)) => self.beside(".new"),
            Lock(None) => self.beside(&format!(".{:016x}.new", fastrand::u64(..))),
        };
        match patiently(until, || fs::remove_file(&new)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        private(OpenOptions::new().write(true).create_new(true), &new, until)?
            .write_all(&serde_json::to_vec(&content)?)?;
        patiently(until, || fs::rename(&new, &self.path))?;
        Ok(Some(result))
    }
}

/// A lock that this process has; without a file where the drive knows no locks.
struct Lock(Option<File>);

impl Lock {
    /// `None` while another has it.
    fn try_take(path: &Path, until: Instant) -> io::Result<Option<Lock>> {
        let file = private(OpenOptions::new().write(true).create(true).truncate(false), path, until)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock(Some(file)))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(Some(Lock(None))),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn take(path: &Path, until: Instant) -> io::Result<Lock> {
        loop {
            match Lock::try_take(path, until)? {
                Some(lock) => return Ok(lock),
                None if Instant::now() >= until => {
                    return Err(io::Error::new(io::ErrorKind::TimedOut, "another process is writing all the time"));
                }
                None => thread::sleep(PAUSE),
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // To close it is not enough: a child that was forked meanwhile has it open, too, and would keep the lock.
        if let Some(file) = &self.0 {
            let _ = file.unlock();
        }
    }
}

/// Opens a file that its owner alone can read, or makes it, and its folder. (On Windows it has the rights of its folder.)
fn private(options: &mut OpenOptions, path: &Path, until: Instant) -> io::Result<File> {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    match patiently(until, || options.open(path)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            path.parent().map_or(Ok(()), fs::create_dir_all)?;
            options.open(path)
        }
        file => file,
    }
}

/// Windows refuses for a moment while a virus scanner or another process has a file open.
fn patiently<T>(until: Instant, work: impl Fn() -> io::Result<T>) -> io::Result<T> {
    // ERROR_ACCESS_DENIED, ERROR_SHARING_VIOLATION, ERROR_LOCK_VIOLATION
    let is_taken = |error: &io::Error| cfg!(windows) && matches!(error.raw_os_error(), Some(5 | 32 | 33));
    loop {
        match work() {
            Err(error) if is_taken(&error) && Instant::now() < until => thread::sleep(PAUSE),
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::suite::{self, sealed};
    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Folder {
            let folder = std::env::temp_dir().join(format!("rpa 令牌 {} {}", std::process::id(), fastrand::u64(..)));
            fs::create_dir(&folder).unwrap();
            Folder(folder)
        }

        fn store(&self) -> FileStore {
            FileStore::new(&self.0.join("下级").join("令牌.json"))
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn does_what_every_store_must() {
        let folder = Folder::new();
        suite::run(|| Arc::new(folder.store()));
    }

    #[test]
    fn a_damaged_or_foreign_file_is_as_good_as_none() {
        let (folder, store) = (Folder::new(), Folder::store);
        let store = store(&folder);
        store.save("a", &sealed(1), LIMIT).unwrap();
        let whole = fs::read(&store.file.path).unwrap();
        for end in 0..whole.len() {
            fs::write(&store.file.path, &whole[..end]).unwrap();
            assert_eq!(store.load("a", LIMIT), Ok(None), "cut at {end}");
        }
        let foreign: [&[u8]; 5] = [
            b"\xff\xfe\0",
            b"[]",
            b"null",
            b"{\"rpa-openapi token store\":2,\"changes\":0,\"tokens\":{}}",
            &vec![b' '; 17 << 20],
        ];
        for bytes in foreign {
            fs::write(&store.file.path, bytes).unwrap();
            assert_eq!(store.load("a", LIMIT), Ok(None));
            assert!(store.try_lease("a", 0, LIMIT).unwrap().is_some());
            assert_eq!(store.save("a", &sealed(1), LIMIT), Ok(true));
            assert_eq!(store.load("a", LIMIT), Ok(Some(sealed(1))));
        }
        fs::write(&store.file.path, String::from_utf8(whole).unwrap().replace("\"sealed\":\"", "\"sealed\":\"?"))
            .unwrap();
        assert_eq!(store.load("a", LIMIT), Ok(None), "no Base64");
        // What a killed process left.
        fs::write(store.file.beside(".new"), "half").unwrap();
        assert_eq!(store.save("a", &sealed(9), LIMIT), Ok(true));
        assert_eq!(store.load("a", LIMIT), Ok(Some(sealed(9))));
    }

    #[test]
    fn forgets_the_oldest_of_many() {
        let folder = Folder::new();
        let store = folder.store();
        let shelf =
            |number: usize| Shelf { changed: number as u64, generation: 1, sealed: "AA==".into(), ..Shelf::default() };
        let tokens = (0..MOST_TOKENS).map(|number| (number.to_string(), shelf(number))).collect();
        let content = Content { version: VERSION, changes: 2000, tokens };
        fs::create_dir_all(store.file.path.parent().unwrap()).unwrap();
        fs::write(&store.file.path, serde_json::to_vec(&content).unwrap()).unwrap();
        store.save("new", &sealed(1), LIMIT).unwrap();
        assert!(store.load("new", LIMIT).unwrap().is_some());
        assert_eq!(store.load("0", LIMIT), Ok(None));
        assert!(store.load("1", LIMIT).unwrap().is_some());
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_can_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = Folder::new();
        let store = folder.store();
        drop(store.try_lease("abcdefghij", 0, LIMIT));
        store.save("abcdefghij", &sealed(1), LIMIT).unwrap();
        let entries = fs::read_dir(store.file.path.parent().unwrap()).unwrap();
        let modes: BTreeMap<_, _> = entries
            .map(|entry| entry.unwrap())
            .map(|entry| {
                (entry.file_name().into_string().unwrap(), entry.metadata().unwrap().permissions().mode() & 0o777)
            })
            .collect();
        let names = ["令牌.json", "令牌.json.abcdefgh.lock", "令牌.json.lock"];
        assert_eq!(modes, names.map(|name| (name.to_owned(), 0o600)).into());
    }

    #[test]
    fn a_place_that_cannot_be_written_is_told() {
        let folder = Folder::new();
        // A folder in the file's place.
        let path = folder.0.join("folder");
        fs::create_dir(&path).unwrap();
        let store = FileStore::new(&path);
        let Err(Trouble(why)) = store.try_lease("a", 0, LIMIT).map(|_| ()) else { panic!("leased") };
        assert!(why.starts_with("the file of `token_store` cannot be used: "), "{why}");
        assert!(store.save("a", &sealed(1), LIMIT).is_err());
    }
}
