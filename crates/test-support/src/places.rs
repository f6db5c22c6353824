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
    // target/debug/deps/test-0123, target/debug/examples/demo
    executable.ancestors().nth(2).expect("this program lies in a build folder").to_owned()
}

/// The build folder's own place for what tests make.
pub fn temporary() -> PathBuf {
    build_folder().with_file_name("tmp")
}
