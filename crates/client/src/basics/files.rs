//! Files that are whole or not there: written under another name beside, and put in their place.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::time::{Duration, SystemTime};

const END: &str = ".part";
/// Who has just made a file may not have locked it yet.
const YOUNG: Duration = Duration::from_secs(60);
/// No call takes so long.
const OLD: Duration = Duration::from_secs(1800);

/// A file that is not yet in its place. It is taken away unless it gets there.
pub(crate) struct NewFile {
    pub(crate) file: File,
    path: PathBuf,
    place: PathBuf,
    in_place: bool,
}

impl NewFile {
    /// Makes one beside its place, and takes away what killed processes have left there. It is locked as long as it is
    /// written, which no other process can mistake, on whatever machine it runs.
    pub(crate) fn beside(place: &Path, is_private: bool) -> io::Result<NewFile> {
        let mut name = stem(place);
        // A process that was forked goes on with its parent's random numbers, but has a number of its own.
        name.push(format!(".{:08x}{:08x}{END}", process::id(), fastrand::u32(..)));
        let path = place.with_file_name(name);
        let file = make(&path, is_private)?;
        // Not every drive knows locks.
        let _ = file.try_lock();
        let new = NewFile { file, path, place: place.to_owned(), in_place: false };
        let _ = new.sweep();
        Ok(new)
    }

    fn sweep(&self) -> io::Result<()> {
        // By the drive's own clock.
        let now = self.file.metadata()?.modified()?;
        let stem = stem(&self.place);
        let (Some(stem), Some(new)) = (stem.to_str(), self.path.file_name().and_then(OsStr::to_str)) else {
            return Ok(());
        };
        for entry in fs::read_dir(folder_of(&self.place))? {
            let entry = entry?;
            let name = entry.file_name();
            let Some(name) = name.to_str().filter(|name| *name != new) else { continue };
            let middle = name.strip_prefix(stem).and_then(|name| name.strip_prefix('.')?.strip_suffix(END));
            let path = self.path.with_file_name(name);
            if middle.is_some_and(|middle| middle.len() == 16 && middle.bytes().all(|b| b.is_ascii_hexdigit()))
                && entry.file_type()?.is_file()
                && is_left(&path, now).unwrap_or(false)
            {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    /// Whoever may read and write the file that it replaces may do so with it, and nobody else.
    #[cfg(unix)]
    pub(crate) fn keep_access(&self) -> io::Result<()> {
        use std::os::unix::fs::{MetadataExt, fchown};
        let Ok(old) = fs::metadata(&self.place) else { return Ok(()) };
        // Only root can give a file away, and others only to a group of theirs.
        let _ = fchown(&self.file, Some(old.uid()), None);
        let _ = fchown(&self.file, None, Some(old.gid()));
        // A drive without modes of its own gives all files the same one, and may refuse to change it.
        let is_so = self.file.metadata()?.mode() == old.mode();
        if is_so { Ok(()) } else { self.file.set_permissions(old.permissions()) }
    }

    /// Puts it in its place, once what was written is on the disk. Without `overwrite` nothing is replaced.
    pub(crate) fn put(mut self, overwrite: bool) -> io::Result<()> {
        self.file.sync_all()?;
        if overwrite {
            fs::rename(&self.path, &self.place)?;
            self.in_place = true;
        } else {
            match fs::hard_link(&self.path, &self.place) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(error),
                // A drive that knows no second names, as a stick has it.
                Err(_) if fs::symlink_metadata(&self.place).is_ok() => return Err(ErrorKind::AlreadyExists.into()),
                Err(_) => {
                    fs::rename(&self.path, &self.place)?;
                    self.in_place = true;
                }
            }
        }
        sync_folder(&self.place);
        Ok(())
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.in_place {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// What a new file's name begins with. A long name gives up as many characters as are added to it: it may be as long as
/// the drive can have it.
fn stem(place: &Path) -> OsString {
    const LONG: usize = 100;
    const ADDED: usize = ".0123456789abcdef.part".len();
    let name = place.file_name().unwrap_or_default();
    match name.to_str().filter(|name| name.len() > LONG) {
        Some(name) => name.chars().take(name.chars().count().saturating_sub(ADDED)).collect::<String>().into(),
        None => name.to_owned(),
    }
}

/// Where a path leads, past symbolic links. What is there need not exist.
pub(crate) fn behind_links(path: &Path) -> io::Result<PathBuf> {
    /// As many as Linux follows.
    const MOST: usize = 40;
    let mut path = path.to_owned();
    for _ in 0..MOST {
        match fs::symlink_metadata(&path) {
            Ok(found) if found.file_type().is_symlink() => path = folder_of(&path).join(fs::read_link(&path)?),
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => return Ok(path),
        }
    }
    Err(io::Error::other("its symbolic links lead in a circle (符号链接成环)"))
}

/// Makes a private file with these bytes, on the disk, where nothing is yet.
pub(crate) fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = make(path, true)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    sync_folder(path);
    Ok(())
}

/// A private one can be read by its owner alone. (On Windows it has the rights of its folder.)
fn make(path: &Path, is_private: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, if is_private { 0o600 } else { 0o666 });
    #[cfg(not(unix))]
    let _ = is_private;
    options.write(true).create_new(true).open(path)
}

/// So that the name is on the disk, too. Windows sees to that itself.
fn sync_folder(path: &Path) {
    if cfg!(unix) {
        let _ = File::open(folder_of(path)).and_then(|folder| folder.sync_all());
    }
}

/// The folder that a file lies in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Whether nobody writes a new file any more.
fn is_left(path: &Path, now: SystemTime) -> io::Result<bool> {
    let file = OpenOptions::new().write(true).open(path)?;
    let about = file.metadata()?;
    let age = now.duration_since(about.modified()?).unwrap_or_default();
    Ok(match file.try_lock() {
        Ok(()) => about.len() > 0 || age > YOUNG,
        Err(TryLockError::WouldBlock) => false,
        Err(TryLockError::Error(_)) => age > OLD,
    })
}
