//! Puts new content in a file's place. What an administrator has set of the file stays: mode, owner, group, other names.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::time::Instant;

use super::content::Content;
use super::patience::patiently;
use super::place::{beside, private};

/// A new file takes the place of the present one. Where that would change more than the content, the present one is written
/// into.
pub(super) fn replace(path: &Path, bytes: &[u8], until: Instant) -> io::Result<()> {
    // Who may not write to the file may not replace it either, though the system would let him.
    let present = match patiently(until, || OpenOptions::new().write(true).open(path)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        file => Some(file?),
    };
    let found = present.as_ref().map(File::metadata).transpose()?;
    match New::like(found.as_ref(), path, until)? {
        None => write_into(present.expect("only a file that is there forbids another one"), bytes),
        Some((new, mut file)) => {
            // Windows puts nothing in the place of an open file.
            drop(present);
            file.write_all(bytes)?;
            drop(file);
            new.rename(path, until)
        }
    }
}

/// One that is cut short by a kill is known as ours, and damaged.
fn write_into(mut file: File, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)?;
    file.set_len(u64::try_from(bytes.len()).expect("a length is no more than 64 bits"))
}

/// A file that is not yet in its place. It is taken away unless it gets there.
struct New {
    path: PathBuf,
    in_place: bool,
}

impl New {
    fn beside(path: &Path, until: Instant) -> io::Result<(New, File)> {
        // A process that was forked goes on with its parent's random numbers, but has a number of its own.
        let path = beside(path, &format!(".{:08x}{:08x}.new", process::id(), fastrand::u32(..)));
        let file = private(OpenOptions::new().write(true).create_new(true), &path, until)?;
        Ok((New { path, in_place: false }, file))
    }

    /// With the mode, the owner and the group of the present file. `None` where it would not be like that.
    #[cfg(unix)]
    fn like(present: Option<&Metadata>, path: &Path, until: Instant) -> io::Result<Option<(New, File)>> {
        use std::os::unix::fs::{MetadataExt, fchown};
        // Its other names would keep the old content.
        if present.is_some_and(|present| present.nlink() > 1) {
            return Ok(None);
        }
        let (new, file) = New::beside(path, until)?;
        if let Some(present) = present {
            let made = file.metadata()?;
            let owner = (made.uid() != present.uid()).then_some(present.uid());
            let group = (made.gid() != present.gid()).then_some(present.gid());
            // Only root gives a file away.
            if (owner.is_some() || group.is_some()) && fchown(&file, owner, group).is_err() {
                return Ok(None);
            }
            file.set_permissions(present.permissions())?;
        }
        Ok(Some((new, file)))
    }

    /// On Windows it has the rights of its folder.
    #[cfg(not(unix))]
    fn like(_: Option<&Metadata>, path: &Path, until: Instant) -> io::Result<Option<(New, File)>> {
        New::beside(path, until).map(Some)
    }

    fn rename(mut self, path: &Path, until: Instant) -> io::Result<()> {
        patiently(until, || fs::rename(&self.path, path))?;
        self.in_place = true;
        Ok(())
    }
}

impl Drop for New {
    fn drop(&mut self) {
        if !self.in_place {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Takes away what killed processes left, while nobody else writes.
pub(super) fn tidy(path: &Path) {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return };
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    // Whoever cannot list the folder leaves it as it is.
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if is_file && is_new_of(name, &entry.file_name()) && Content::is_ours(&entry.path(), Instant::now()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// `name.<16 digits>.new`; in version 0.1.0 it was `name.new`.
fn is_new_of(name: &OsStr, other: &OsStr) -> bool {
    let other = other.as_encoded_bytes().strip_prefix(name.as_encoded_bytes());
    let Some(digits) = other.and_then(|end| end.strip_suffix(b".new")) else { return false };
    match digits {
        [] => true,
        [b'.', digits @ ..] => digits.len() == 16 && digits.iter().all(u8::is_ascii_hexdigit),
        _ => false,
    }
}
