//! The helper programs in src/bin/: what a test does in a process of its own.

use std::env;
use std::path::Path;
use std::process::Command;

use crate::harness::{self, Library};

/// Tells a helper program where the built library is.
pub const LIBRARY: &str = "RPA_TEST_LIBRARY";

/// A helper program, about to run.
pub fn helper(name: &str) -> Command {
    let mut command = Command::new(harness::program(name));
    command.env(LIBRARY, harness::built_library());
    command
}

/// In a helper program: the library that the test has built. The program does not ask Cargo for it, since its environment
/// may be a broken one.
pub fn library() -> Library {
    Library::of(Path::new(&env::var_os(LIBRARY).expect("a test has started this program")))
}

/// In a helper program: the argument at this place, counted from 1.
pub fn argument(place: usize) -> String {
    env::args().nth(place).expect("a test has started this program with its arguments")
}
