//! One caller on a kept connection: how long a call takes.

use crate::peers::{Peer, Peers, Place, Task};
use crate::plot::{self, Bar};
use crate::report::{Bar as Wanted, Report};
use crate::statistics::{Figure, percentile, short};

const ROUNDS: usize = 7;
const PEERS: [Peer; 6] = [Peer::Floor, Peer::Library, Peer::Libcurl, Peer::PythonLibrary, Peer::Session, Peer::Vendor];

pub fn measure(peers: &Peers, report: &mut Report) {
    let mut bars = Vec::new();
    for place in [Place::OtherCore, Place::SameCore] {
        for tls in [false, true] {
            let rounds = Rounds::measure(peers, tls, place);
            rounds.report(report);
            if place == Place::OtherCore {
                bars.extend(PEERS.map(|peer| Bar { peer, tls, micros: rounds.p50(peer).median() }));
            }
        }
    }
    plot::write(&bars);
}

/// What the rounds of all peers gave, in microseconds.
struct Rounds {
    way: String,
    tls: bool,
    p50: [Figure; PEERS.len()],
    p99: [Figure; PEERS.len()],
}

impl Rounds {
    fn measure(peers: &Peers, tls: bool, place: Place) -> Rounds {
        let transport = if tls { "TLS 1.3" } else { "plain HTTP" };
        let core = if place == Place::SameCore { "server on the same core" } else { "server on another core" };
        let none = || PEERS.map(|_| Figure(Vec::new()));
        let mut rounds = Rounds { way: format!("{transport}, {core}"), tls, p50: none(), p99: none() };
        for _ in 0..ROUNDS {
            for (index, peer) in PEERS.into_iter().enumerate() {
                let calls = match peer {
                    Peer::Vendor => 200,
                    Peer::Session => 1000,
                    _ => 5000,
                };
                let outcome = peers.run(peer, Task { tls, place, warmup: calls / 10, calls, ..Task::default() });
                rounds.p50[index].0.push(percentile(&outcome.took, 0.5));
                rounds.p99[index].0.push(percentile(&outcome.took, 0.99));
            }
        }
        rounds
    }

    fn p50(&self, peer: Peer) -> &Figure {
        &self.p50[PEERS.iter().position(|other| *other == peer).expect("a peer")]
    }

    fn report(&self, report: &mut Report) {
        let rows = PEERS.iter().zip(&self.p99).map(|(peer, p99)| {
            let p50 = self.p50(*peer);
            let ratio = p50.over(self.p50(Peer::Floor));
            vec![peer.name().to_owned(), short(p50.median()), short(p99.median()), ratio.to_string()]
        });
        let titles = ["peer", "p50, µs", "p99, µs", "p50 ÷ floor's"];
        report.table(&format!("One caller, kept connection, {}", self.way), &titles, rows.collect());

        let mut bar = |what: &str, figure: Figure, bar| report.bar(&format!("{what}; {}", self.way), &figure, bar);
        let (library, python) = (self.p50(Peer::Library), self.p50(Peer::PythonLibrary));
        bar("p50 from C ÷ floor's", library.over(self.p50(Peer::Floor)), Wanted::AtMost(1.25));
        bar("p50 from C ÷ libcurl's", library.over(self.p50(Peer::Libcurl)), Wanted::AtMost(1.0));
        bar("p50 of requests.Session ÷ ours from C", self.p50(Peer::Session).over(library), Wanted::AtLeast(5.0));
        bar("p50 of requests.Session ÷ ours from Python", self.p50(Peer::Session).over(python), Wanted::AtLeast(5.0));
        bar("p50 from Python less that from C, µs", python.beyond(library), Wanted::AtMost(30.0));
        if self.tls {
            bar(
                "p50 of the vendor's way ÷ ours from Python",
                self.p50(Peer::Vendor).over(python),
                Wanted::AtLeast(100.0),
            );
        }
    }
}
