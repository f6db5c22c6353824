//! Instructions per call, counted by valgrind: the same in each run, whatever else the machine does. The kernel's are not
//! among them.

use std::env;
use std::fs;
use std::process::{Command, Stdio};

use crate::peers::{Peer, Peers, Task, must_succeed};
use crate::report::Report;

pub fn measure(peers: &Peers, report: &mut Report) {
    let call = |peer, tls| per_call(|calls| peers.command(peer, Task { tls, calls, ..Task::default() }), 1000);
    let signing = |what: &'static str| {
        let command = |calls: u64| {
            let mut command = Command::new(env::current_exe().expect("this program has a path"));
            command.args(["sign", what, &calls.to_string()]);
            command
        };
        per_call(command, 1000)
    };
    let row = |what: &str, count: u64| vec![what.to_owned(), count.to_string()];
    let rows = vec![
        row("signing 300 bytes", signing("library")),
        row("bare HMAC-SHA256 of the same", signing("hmac")),
        row("a whole call from C, plain HTTP", call(Peer::Library, false)),
        row("the same by libcurl", call(Peer::Libcurl, false)),
        row("a whole call from C, TLS 1.3", call(Peer::Library, true)),
        row("the same by libcurl", call(Peer::Libcurl, true)),
    ];
    report.table("Instructions per call, without the kernel's (callgrind)", &["what", "instructions"], rows);
}

/// What `calls` more calls cost beyond the first ten.
fn per_call(command: impl Fn(u64) -> Command, calls: u64) -> u64 {
    const FIRST: u64 = 10;
    (count(command(FIRST + calls)) - count(command(FIRST))) / calls
}

fn count(command: Command) -> u64 {
    let output = concat!(env!("CARGO_TARGET_TMPDIR"), "/callgrind");
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--quiet", "--tool=callgrind", &format!("--callgrind-out-file={output}")]);
    valgrind.arg(command.get_program()).args(command.get_args()).stdout(Stdio::null());
    must_succeed(&mut valgrind, "valgrind is needed (Debian's package valgrind)");
    let text = fs::read_to_string(output).expect("valgrind's output");
    let total = text.lines().find_map(|line| line.strip_prefix("totals: ").or(line.strip_prefix("summary: ")));
    total.and_then(|total| total.split_whitespace().next()?.parse().ok()).expect("a total")
}
