//! A file that all processes of this machine share.
//!
//! | file | what for |
//! |---|---|
//! | `path` | the tokens, sealed; written anew under another name and put in its place, so that a reader sees the old or the new one |
//! | `path.new` | what is just being written; one that a killed process left is written over |
//! | `path.lock` | locked while the file is changed, for a moment |
//! | `path.<name>.lock` | locked by the process that asks for this account's token, for as long as that takes |
//!
//! The system gives a lock back when its process dies, however it dies. The lock files stay: who takes one away may
//! take it from somebody who is just about to lock it. On a network drive whose server knows no locks, writing is still
//! in one step, but two processes may ask for a token at once.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

use super::{Lease, Store, Trouble};
use crate::token::record::Sealed;

/// A greater one is not ours.
const LARGEST: u64 = 1 << 20;
/// So many accounts are kept in a file, those that were written last.
const MOST_TOKENS: usize = 64;
/// Nobody holds the lock of the file for longer than a moment, unless the drive hangs.
const PATIENCE: Duration = Duration::from_millis(500);
const PAUSE: Duration = Duration::from_millis(2);

pub(super) struct FileStore {
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

impl FileStore {
    pub(super) fn new(path: &Path) -> FileStore {
        FileStore { path: path.to_owned() }
    }

    fn beside(&self, end: &str) -> PathBuf {
        let mut name = OsString::from(&self.path);
        name.push(end);
        PathBuf::from(name)
    }

    /// Damaged and foreign files are as good as none.
    fn read(&self) -> io::Result<Content> {
        let file = match File::open(&self.path) {
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
        patience: Duration,
        change: impl FnOnce(&mut Shelf) -> Option<T>,
    ) -> io::Result<Option<T>> {
        let _lock = self.lock(patience.min(PATIENCE))?;
        let mut content = self.read()?;
        content.changes = content.changes.saturating_add(1);
        let shelf = content.tokens.entry(name.to_owned()).or_default();
        let Some(result) = change(shelf) else { return Ok(None) };
        shelf.changed = content.changes;
        if content.tokens.len() > MOST_TOKENS {
            let oldest = content.tokens.iter().min_by_key(|(_, shelf)| shelf.changed).map(|(name, _)| name.clone());
            oldest.map(|name| content.tokens.remove(&name));
        }
        content.version = VERSION;
        let new = self.beside(".new");
        private(OpenOptions::new().write(true).truncate(true), &new)?.write_all(&serde_json::to_vec(&content)?)?;
        replace(&new, &self.path)?;
        Ok(Some(result))
    }

    fn lock(&self, patience: Duration) -> io::Result<Option<File>> {
        let begun = Instant::now();
        loop {
            match lock(&self.beside(".lock"))? {
                Locked::Elsewhere if begun.elapsed() < patience => thread::sleep(PAUSE),
                Locked::Elsewhere => return Err(io::Error::new(io::ErrorKind::TimedOut, "its lock is held")),
                Locked::Here(file) => return Ok(file),
            }
        }
    }

    fn trouble(&self, error: &io::Error) -> Trouble {
        Trouble(format!("the file of `token_store` cannot be used: {error}"))
    }
}

const VERSION: u32 = 1;

impl Store for FileStore {
    fn load(&self, name: &str, _: Duration) -> Result<Option<Sealed>, Trouble> {
        let content = self.read().map_err(|error| self.trouble(&error))?;
        Ok(content.tokens.get(name).filter(|shelf| !shelf.sealed.is_empty()).and_then(|shelf| {
            Some(Sealed { generation: shelf.generation, bytes: BASE64_STANDARD.decode(&shelf.sealed).ok()? })
        }))
    }

    fn save(&self, name: &str, sealed: &Sealed, patience: Duration) -> Result<bool, Trouble> {
        let saved = self.change(name, patience, |shelf| {
            (shelf.generation < sealed.generation).then(|| {
                shelf.generation = sealed.generation;
                shelf.sealed = BASE64_STANDARD.encode(&sealed.bytes);
            })
        });
        saved.map(|saved| saved.is_some()).map_err(|error| self.trouble(&error))
    }

    fn try_lease(&self, name: &str, above: u64, patience: Duration) -> Result<Option<Lease>, Trouble> {
        // A few digits tell accounts apart; two that share them only wait for each other.
        let short = name.get(..8).unwrap_or(name);
        let try_lease = || {
            let Locked::Here(guard) = lock(&self.beside(&format!(".{short}.lock")))? else { return Ok(None) };
            let generation = self.change(name, patience, |shelf| {
                shelf.leased = shelf.leased.max(shelf.generation).max(above).saturating_add(1);
                Some(shelf.leased)
            });
            Ok(generation?.map(|generation| Lease { generation, _guard: Box::new(guard) }))
        };
        try_lease().map_err(|error| self.trouble(&error))
    }
}

enum Locked {
    /// By us; without a file where the drive knows no locks.
    Here(Option<File>),
    Elsewhere,
}

fn lock(path: &Path) -> io::Result<Locked> {
    let file = private(OpenOptions::new().write(true), path)?;
    match file.try_lock() {
        Ok(()) => Ok(Locked::Here(Some(file))),
        Err(TryLockError::WouldBlock) => Ok(Locked::Elsewhere),
        Err(TryLockError::Error(_)) => Ok(Locked::Here(None)),
    }
}

/// Opens a file that its owner alone can read, or makes it, and its folder. (On Windows it has the rights of its folder.)
fn private(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    options.create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            path.parent().map_or(Ok(()), fs::create_dir_all)?;
            options.open(path)
        }
        file => file,
    }
}

/// Windows refuses for a moment while a scanner looks at one of the two.
fn replace(new: &Path, old: &Path) -> io::Result<()> {
    let begun = Instant::now();
    loop {
        match fs::rename(new, old) {
            Err(error)
                if error.kind() == io::ErrorKind::PermissionDenied && begun.elapsed() < PATIENCE && cfg!(windows) =>
            {
                thread::sleep(PAUSE);
            }
            renamed => return renamed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::suite::{self, sealed};
    use super::*;
    use std::sync::Arc;

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
        store.save("a", &sealed(1), PATIENCE).unwrap();
        let whole = fs::read(&store.path).unwrap();
        for end in 0..whole.len() {
            fs::write(&store.path, &whole[..end]).unwrap();
            assert_eq!(store.load("a", PATIENCE), Ok(None), "cut at {end}");
        }
        let foreign: [&[u8]; 5] = [
            b"\xff\xfe\0",
            b"[]",
            b"null",
            b"{\"rpa-openapi token store\":2,\"changes\":0,\"tokens\":{}}",
            &vec![b' '; 3 << 20],
        ];
        for bytes in foreign {
            fs::write(&store.path, bytes).unwrap();
            assert_eq!(store.load("a", PATIENCE), Ok(None));
            assert!(store.try_lease("a", 0, PATIENCE).unwrap().is_some());
            assert_eq!(store.save("a", &sealed(1), PATIENCE), Ok(true));
            assert_eq!(store.load("a", PATIENCE), Ok(Some(sealed(1))));
        }
        fs::write(&store.path, String::from_utf8(whole).unwrap().replace("\"sealed\":\"", "\"sealed\":\"?")).unwrap();
        assert_eq!(store.load("a", PATIENCE), Ok(None), "no Base64");
        // What a killed process left.
        fs::write(store.beside(".new"), "half").unwrap();
        assert_eq!(store.save("a", &sealed(9), PATIENCE), Ok(true));
        assert_eq!(store.load("a", PATIENCE), Ok(Some(sealed(9))));
    }

    #[test]
    fn forgets_the_oldest_of_many() {
        let folder = Folder::new();
        let store = folder.store();
        for number in 0..=MOST_TOKENS {
            store.save(&format!("{number}"), &sealed(1), PATIENCE).unwrap();
        }
        assert_eq!(store.load("0", PATIENCE), Ok(None));
        assert!(store.load("1", PATIENCE).unwrap().is_some());
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_can_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = Folder::new();
        let store = folder.store();
        drop(store.try_lease("abcdefghij", 0, PATIENCE));
        store.save("abcdefghij", &sealed(1), PATIENCE).unwrap();
        let entries = fs::read_dir(store.path.parent().unwrap()).unwrap();
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
        let store = FileStore::new(&folder.0);
        let Err(Trouble(why)) = store.try_lease("a", 0, PATIENCE).map(|_| ()) else { panic!("leased") };
        assert!(why.starts_with("the file of `token_store` cannot be used: "), "{why}");
        assert!(store.save("a", &sealed(1), PATIENCE).is_err());
    }
}
