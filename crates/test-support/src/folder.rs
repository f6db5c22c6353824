//! A folder of one test.

use std::fs;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::places::temporary;

/// Gone, with all that is in it, when this is dropped.
pub struct Folder(PathBuf);

impl Folder {
    /// Makes an empty folder in the build folder. Its name begins as asked, and no other folder of any test has it.
    pub fn new(name: &str) -> Folder {
        static MADE: AtomicU64 = AtomicU64::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let folder = temporary().join(format!("{name}-{}-{number}", process::id()));
        // A process of the same number may have been killed before it took its folder away.
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a folder can be made in the build folder");
        Folder(folder)
    }

    /// Puts a copy of a file into it.
    pub fn paste(&self, file: &Path) {
        let name = file.file_name().expect("a file has a name");
        fs::copy(file, self.0.join(name)).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    }

    /// Writes a file into it, whose path is returned.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        path
    }
}

/// Its path.
impl Deref for Folder {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}

impl AsRef<Path> for Folder {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
