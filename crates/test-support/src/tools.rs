//! The tools of this machine. What needs one that is not there is skipped; with `RPA_REQUIRE_TOOLS` set, that is a
//! failure.
use std::env;
use std::io::{self, Write};
use std::process::{Command, Output, Stdio};

pub use crate::places::in_tree;

/// Whether this machine has a program.
pub fn runs(program: &str) -> bool {
    let mut command = Command::new(program);
    // Most of them know this; all of them can be started.
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok()
}

/// Says on the real stderr, past the test runner's capture, that something was not checked.
pub fn skipped(what: &str) {
    assert!(env::var_os("RPA_REQUIRE_TOOLS").is_none(), "RPA_REQUIRE_TOOLS is set, but: {what}");
    let _ = writeln!(io::stderr(), "\nskipped: {what}");
}

pub fn succeed(command: &mut Command, what: &str) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{what}: cannot be started: {error}"));
    assert!(output.status.success(), "{what}: {}\n{command:?}\n{}", output.status, said(&output));
    output
}

pub fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Whether this machine has all these programs; else says what is skipped for want of them.
pub fn all_run(programs: &[&str], what: &str) -> bool {
    let missing: Vec<_> = programs.iter().copied().filter(|program| !runs(program)).collect();
    if !missing.is_empty() {
        skipped(&format!("{what}: there is no {}", missing.join(", no ")));
    }
    missing.is_empty()
}
