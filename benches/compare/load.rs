//! Many callers at once: calls a second, connections that the server saw, memory.

use crate::peers::{Peer, Peers, Task};
use crate::report::{Bar, Report};
use crate::server::Server;
use crate::statistics::{Figure, short};

const ROUNDS: usize = 5;
const CALLS: u64 = 20_000;

pub fn measure(peers: &Peers, server: &Server, report: &mut Report) {
    for tls in [false, true] {
        throughput(peers, tls, report);
    }
    for tls in [false, true] {
        connections(peers, server, tls, report);
    }
}

fn throughput(peers: &Peers, tls: bool, report: &mut Report) {
    let way = if tls { "TLS 1.3" } else { "plain HTTP" };
    let mut rows = Vec::new();
    for threads in [1, 8, 32, 64] {
        let mut rates = [Figure(Vec::new()), Figure(Vec::new())];
        for _ in 0..ROUNDS {
            for (peer, rates) in [Peer::Library, Peer::Libcurl].into_iter().zip(&mut rates) {
                let task = Task { tls, threads, warmup: 20, calls: CALLS / threads, ..Task::default() };
                rates.0.push((threads * task.calls) as f64 / peers.run(peer, task).wall);
            }
        }
        let [library, libcurl] = rates;
        let ratio = library.over(&libcurl);
        rows.push(vec![threads.to_string(), short(library.median()), short(libcurl.median()), ratio.to_string()]);
        if threads == 32 {
            report.bar(&format!("32 threads, calls a second ÷ libcurl's, {way}"), &ratio, Bar::AtLeast(1.0));
        }
    }
    report.table(&format!("Calls a second, {way}"), &["threads", "rpa_openapi", "libcurl", "ratio"], rows);
}

fn connections(peers: &Peers, server: &Server, tls: bool, report: &mut Report) {
    let way = if tls { "TLS 1.3" } else { "plain HTTP" };
    let before = server.connections();
    let outcome = peers.run(Peer::Library, Task { tls, threads: 32, calls: 100_000 / 32, ..Task::default() });
    // The question for the number is a connection, too.
    let made = server.connections() - before - 1;
    let [resident, after, _] = outcome.resident;
    let single = |value: f64| Figure(vec![value]);
    report.bar(&format!("connections for 100,000 calls of 32 threads, {way}"), &single(made as f64), Bar::AtMost(32.0));
    let growth = (after - resident) / 1024.0;
    report.bar(&format!("growth of resident memory after them, MB, {way}"), &single(growth), Bar::AtMost(6.0));
}
