//! Locks that the system takes back from a process that dies.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;
use std::thread;
use std::time::Instant;

use super::patience::PAUSE;
use super::place::{private, regular_file};

/// A lock that this process has; without a file where the drive knows no locks.
pub(super) struct Lock(Option<File>);

impl Lock {
    /// `None` while another has it.
    pub(super) fn try_take(path: &Path, until: Instant) -> io::Result<Option<Lock>> {
        // Ours is always empty.
        if regular_file(path)?.is_some_and(|length| length > 0) {
            let told = format!(
                "its lock file belongs at {}, where something else stands: give another path (锁文件的位置已被其他文件占用,请换一个文件名)",
                path.display()
            );
            return Err(io::Error::other(told));
        }
        let file = private(OpenOptions::new().write(true).create(true).truncate(false), path, until)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock(Some(file)))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(Some(Lock(None))),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    pub(super) fn take(path: &Path, until: Instant) -> io::Result<Lock> {
        loop {
            match Lock::try_take(path, until)? {
                Some(lock) => return Ok(lock),
                None if Instant::now() >= until => {
                    let told = "another process is writing all the time (另一进程一直占用该文件)";
                    return Err(io::Error::new(io::ErrorKind::TimedOut, told));
                }
                None => thread::sleep(PAUSE),
            }
        }
    }

    /// Whether nobody else has it.
    pub(super) fn is_held(&self) -> bool {
        self.0.is_some()
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
