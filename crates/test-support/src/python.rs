//! The machine's python3, for tests that hold the library against Python itself.

use std::env;
use std::io::{self, Write};
use std::process::{Command, Stdio};

/// Python about to run a script of this repository, with nothing on its stdin. Without a python3 of at least 3.8 the
/// test is to be skipped, which is said here; where `RPA_REQUIRE_TOOLS` is set it fails.
pub fn python(script: &str) -> Option<Command> {
    if let Some(reason) = missing() {
        assert!(env::var_os("RPA_REQUIRE_TOOLS").is_none(), "RPA_REQUIRE_TOOLS is set, and {reason}");
        // Not println: the test harness would hide it.
        let _ = writeln!(io::stderr(), "skipped: {reason}");
        return None;
    }
    let mut python = python3();
    python.arg(crate::tools::in_tree(script));
    Some(python)
}

fn missing() -> Option<&'static str> {
    // On Windows a python3 that only points to the store starts, and fails.
    match python3().args(["-c", "import sys; print(sys.version_info >= (3, 8))"]).output() {
        Ok(output) if output.stdout.starts_with(b"True") => None,
        Ok(output) if output.stdout.starts_with(b"False") => Some("python3 is older than 3.8"),
        _ => Some("python3 not found"),
    }
}

fn python3() -> Command {
    let mut python = Command::new("python3");
    python.stdin(Stdio::null());
    python
}
