//! A clock that jumps by an hour in the middle of a call, as when a robot's machine asks a time server at last.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::{programs, tools};

#[test]
#[cfg(target_os = "linux")]
fn a_clock_that_jumps_by_an_hour() {
    if !tools::all_run(&["faketime"], "calls while the clock jumps") {
        return;
    }
    let folder = tools::folder(&format!("clock-{}", std::process::id()));
    let preload = Command::new("faketime").args(["-f", "+0", "printenv", "LD_PRELOAD"]).output().unwrap();
    let preload = String::from_utf8(preload.stdout).unwrap();
    let clock = folder.join("clock");
    fs::write(&clock, "+0").unwrap();
    let mut child = programs::helper("calls_while_the_clock_jumps");
    child.env("LD_PRELOAD", preload.trim()).env("FAKETIME_TIMESTAMP_FILE", &clock);
    // The clock of the wall alone jumps; the other one, which counts from the machine's start, does not.
    child.envs([
        ("FAKETIME_NO_CACHE", "1"),
        ("DONT_FAKE_MONOTONIC", "1"),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ("NO_FAKE_STAT", "1"),
    ]);
    let output = tools::succeed(&mut child, "calls while the clock jumps");
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    fs::remove_dir_all(folder).unwrap();
    // One, and another for each call that ran out of time.
    assert!(told["connections"].as_u64().unwrap() <= 30, "{told}");
}
