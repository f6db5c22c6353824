//! Cold: from the start of a process to its first reply, over TLS.

use crate::peers::{Peer, Peers, Task};
use crate::report::{Bar, Report};
use crate::statistics::{Figure, short};

const ROUNDS: usize = 15;
const PEERS: [Peer; 5] = [Peer::Floor, Peer::Library, Peer::Libcurl, Peer::PythonLibrary, Peer::Session];

pub fn measure(peers: &Peers, report: &mut Report) {
    let mut millis: Vec<Figure> = PEERS.iter().map(|_| Figure(Vec::new())).collect();
    for _ in 0..ROUNDS {
        for (peer, millis) in PEERS.iter().zip(&mut millis) {
            let outcome = peers.run(*peer, Task { tls: true, ..Task::default() });
            millis.0.push(outcome.until_output.as_secs_f64() * 1e3);
        }
    }
    let [floor, library, _, python, session] = &millis[..] else { unreachable!("five peers") };
    let rows = PEERS.iter().zip(&millis).map(|(peer, millis)| vec![peer.name().to_owned(), short(millis.median())]);
    report.table("Cold: process start to first reply, TLS 1.3", &["peer", "ms"], rows.collect());
    report.bar("cold start from C less the floor's, ms", &library.beyond(floor), Bar::AtMost(15.0));
    report.bar(
        "cold start of `import requests` and one call ÷ ours from Python",
        &session.over(python),
        Bar::AtLeast(4.0),
    );
}
