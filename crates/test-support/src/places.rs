//! Where things are: this repository, and the folder of this build.

use std::env;
use std::path::{Path, PathBuf};

/// A file of this repository.
pub fn in_tree(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// The folder of this build: `target/debug`, or the like.
pub fn build_folder() -> PathBuf {
    let executable = env::current_exe().expect("this program has a path");
    let folder = executable.parent().expect("a program lies in a folder");
    // Tests and examples lie one folder deeper than programs: target/debug/deps/test-0123, target/debug/control_center.
    let deeper = folder.ends_with("deps") || folder.ends_with("examples");
    if deeper { folder.parent().expect("it lies in a build folder") } else { folder }.to_owned()
}

/// The build folder's own place for what tests make.
pub fn temporary() -> PathBuf {
    build_folder().with_file_name("tmp")
}
