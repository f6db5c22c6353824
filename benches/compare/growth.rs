//! Large parameters and large replies.

use crate::peers::{Peer, Peers, Task};
use crate::report::{Bar, Report};
use crate::server::{LARGE, LARGE_BYTES, ROWS};
use crate::statistics::{Figure, median, short};

const ROUNDS: usize = 5;
const SIZES: [u64; 5] = [1 << 10, 10 << 10, 100 << 10, 1 << 20, 10 << 20];

pub fn measure(peers: &Peers, report: &mut Report) {
    let mut rows = Vec::new();
    let mut last: Option<Figure> = None;
    for bytes in SIZES {
        let mut micros = [Figure(Vec::new()), Figure(Vec::new()), Figure(Vec::new())];
        for _ in 0..ROUNDS {
            for (peer, micros) in [Peer::Floor, Peer::Library, Peer::Libcurl].into_iter().zip(&mut micros) {
                let calls = (20 << 20) / bytes.max(20 << 10);
                let task = Task { bytes, warmup: 1, calls, ..Task::default() };
                micros.0.push(median(&peers.run(peer, task).took));
            }
        }
        let [floor, library, libcurl] = micros;
        let row = [&floor, &library, &libcurl].map(|micros| short(micros.median()));
        rows.push([vec![size(bytes)], row.to_vec(), vec![library.over(&floor).to_string()]].concat());
        if let Some(last) = &last {
            let what = format!("time for a parameter of {} ÷ that for a tenth of it", size(bytes));
            report.bar(&what, &library.over(last), Bar::AtMost(10.5));
        }
        last = Some(library);
    }
    let titles = ["parameter", "floor, µs", "rpa_openapi, µs", "libcurl, µs", "rpa_openapi ÷ floor"];
    report.table("Large parameters (put, plain HTTP)", &titles, rows);
    large_replies(peers, report);
}

fn large_replies(peers: &Peers, report: &mut Report) {
    let size = size(LARGE_BYTES as u64);
    let mut rows = Vec::new();
    for (path, kind) in [(LARGE, "one long text"), (ROWS, "a list of small objects")] {
        let mut micros = [Figure(Vec::new()), Figure(Vec::new()), Figure(Vec::new())];
        for _ in 0..ROUNDS {
            for (peer, micros) in [Peer::Floor, Peer::Library, Peer::Libcurl].into_iter().zip(&mut micros) {
                let task = Task { path, warmup: 2, calls: 20, ..Task::default() };
                micros.0.push(median(&peers.run(peer, task).took));
            }
        }
        let [floor, library, libcurl] = micros;
        let ratio = library.over(&floor);
        let row = [&floor, &library, &libcurl].map(|micros| short(micros.median()));
        rows.push([vec![kind.to_owned()], row.to_vec(), vec![ratio.to_string()]].concat());
        if path == LARGE {
            let what = format!("reply of {size}, time ÷ the floor's, which copies it once and looks at nothing");
            report.bar(&what, &ratio, Bar::AtMost(2.0));
        }
    }
    let titles = ["reply", "floor, µs", "rpa_openapi, µs", "libcurl, µs", "rpa_openapi ÷ floor"];
    report.table(
        &format!("Replies of {size} (plain HTTP; the library alone checks that they are JSON)"),
        &titles,
        rows,
    );
}

fn size(bytes: u64) -> String {
    if bytes < 1 << 20 { format!("{} KB", bytes >> 10) } else { format!("{} MB", bytes >> 20) }
}
