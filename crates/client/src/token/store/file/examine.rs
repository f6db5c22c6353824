//! A look at the file: is it ours, can it be written beside, do locks work there?

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::process;
use std::time::Instant;

use super::super::examine::Examined;
use super::content::Content;
use super::lock::Lock;
use super::{TokenFile, in_words, place};

pub(in crate::token::store) fn examine(path: &Path, until: Instant) -> Examined {
    let mut examined = Examined::default();
    if let Err(error) = look(path, until, &mut examined) {
        examined.trouble = Some(super::trouble(&in_words(&error)).0);
    }
    examined
}

fn look(path: &Path, until: Instant, examined: &mut Examined) -> io::Result<()> {
    let target = TokenFile { path: path.to_owned() }.target()?;
    let exists = place::regular_file(&target)?.is_some();
    examined.facts.push(("exists", exists.to_string()));
    Content::read(&target, until)?;
    // Where a lock file stands already, it must be ours, and this user must be able to open it.
    let lock = place::beside(&target, ".lock");
    if place::regular_file(&lock)?.is_some() {
        drop(Lock::try_take(&lock, until)?);
    }
    let probe = probe(&target)?;
    let tried = try_locks(&probe);
    let removed = fs::remove_file(&probe);
    examined.facts.push(("writable", "true".to_owned()));
    examined.facts.push(("locks", tried?.to_string()));
    removed
}

/// Makes a file beside, or where the folder is not there yet, in the first folder above that is.
fn probe(target: &Path) -> io::Result<PathBuf> {
    let mut above =
        target.ancestors().skip(1).map(|folder| if folder.as_os_str().is_empty() { Path::new(".") } else { folder });
    let folder = above.find(|folder| folder.exists()).unwrap_or(Path::new("."));
    let name = format!("rpa-openapi-probe-{}-{:08x}", process::id(), fastrand::u32(..));
    let probe = folder.join(name);
    File::create_new(&probe)?;
    Ok(probe)
}

/// Whether who has locked a file keeps another one out.
fn try_locks(probe: &Path) -> io::Result<bool> {
    let (first, second) = (File::options().write(true).open(probe)?, File::options().write(true).open(probe)?);
    match first.try_lock() {
        Ok(()) => Ok(matches!(second.try_lock(), Err(TryLockError::WouldBlock))),
        Err(_) => Ok(false),
    }
}
