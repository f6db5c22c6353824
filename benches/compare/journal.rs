//! What a line of the log costs: the same calls with and without it, in turn. Calls that are signed and not sent, so that
//! no network is measured.

use std::process::Command;

use rpa_test_support::folder::Folder;
use rpa_test_support::programs;

use crate::peers::Peers;
use crate::report::{Bar, Report};
use crate::statistics::Figure;

const ROUNDS: usize = 21;
const CALLS: &str = "5000";

pub fn measure(peers: &Peers, report: &mut Report) {
    let folder = Folder::new("log");
    // The quickest of a few: what else the machine does falls on single runs.
    let micros = |place: &str| {
        let run = || {
            let mut calls: Command = programs::helper("calls_that_log");
            calls.env(programs::LIBRARY, &peers.library).args([place, "1", CALLS]);
            let output = calls.output().expect("the helper program starts");
            let nanos: f64 = String::from_utf8_lossy(&output.stdout).trim().parse().expect("nanoseconds");
            nanos / 1e3
        };
        f64::min(run(), run()).min(run())
    };
    let (mut with, mut without) = (Figure(Vec::new()), Figure(Vec::new()));
    for _ in 0..ROUNDS {
        without.0.push(micros("-"));
        with.0.push(micros(&folder.to_string_lossy()));
    }
    report.bar("a line of the log at `info`, µs", &with.beyond(&without), Bar::AtMost(5.0));
}
