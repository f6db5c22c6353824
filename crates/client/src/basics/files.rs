//! Files that are whole or not there: written under another name beside, and put in their place.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process;

/// A file that is not yet in its place. It is taken away unless it gets there.
pub(crate) struct NewFile {
    pub(crate) file: File,
    path: PathBuf,
    place: PathBuf,
    in_place: bool,
}

impl NewFile {
    /// Makes one beside its place.
    pub(crate) fn beside(place: &Path, is_private: bool) -> io::Result<NewFile> {
        let mut name = OsString::from(place);
        // A process that was forked goes on with its parent's random numbers, but has a number of its own.
        name.push(format!(".{:08x}{:08x}.part", process::id(), fastrand::u32(..)));
        let path = PathBuf::from(name);
        let file = make(&path, is_private)?;
        Ok(NewFile { file, path, place: place.to_owned(), in_place: false })
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
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
    }
}
