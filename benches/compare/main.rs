//! The library beside what a robot could use in its place, against one server: `cargo bench`. Writes `benches/RESULTS.md`
//! and `benches/latency.svg`, which docs/performance.md shows. With names of parts (`cargo bench -- latency start load growth signing
//! log instructions size`) it measures those alone, and writes no page.
//!
//! Each figure is measured in rounds, all peers in turn within each, and told as the median of the rounds' ratios with
//! the least and the greatest: the machine's noise falls on all of them alike.

mod floor;
mod growth;
mod instructions;
mod journal;
mod latency;
mod load;
mod peers;
mod plot;
mod report;
mod server;
mod signing;
mod start;
mod statistics;

use std::env;

use peers::Peers;
use report::Report;
use server::Server;

/// A part of the benchmark, and its name on the command line.
type Section<'a> = (&'a str, &'a dyn Fn(&mut Report));

fn main() {
    let arguments: Vec<String> = env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.split_first() {
        Some((peer, task)) if peer == "floor" => return floor::run(task),
        Some((peer, task)) if peer == "sign" => return signing::run(task),
        _ => {}
    }
    let server = Server::start();
    let peers = Peers::build(&server);
    let mut report = Report::default();
    let sections: [Section<'_>; 8] = [
        ("latency", &|report| latency::measure(&peers, report)),
        ("start", &|report| start::measure(&peers, report)),
        ("load", &|report| load::measure(&peers, &server, report)),
        ("growth", &|report| growth::measure(&peers, report)),
        ("signing", &signing::measure),
        ("log", &|report| journal::measure(&peers, report)),
        ("instructions", &|report| instructions::measure(&peers, report)),
        ("size", &|report| report.size(&peers.library)),
    ];
    for (name, measure) in sections {
        if arguments.is_empty() || arguments.iter().any(|wanted| wanted == name) {
            measure(&mut report);
        }
    }
    report.show();
    if arguments.is_empty() {
        report.write();
    }
}
