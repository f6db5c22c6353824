//! The classic doubt: a post on a connection that the server, which holds it for idle, is just closing.
//!
//! `RPA_TEST_IDLE_POSTS=20000 cargo test --test faults idle -- --nocapture` measures how often it is left.

use std::env;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::{Library, built_library};
use crate::server::{Server, reply};
use crate::{request, tools};

const CALLERS: usize = 64;
/// The server's limit, and how far from it the posts come.
const LIMIT: Duration = Duration::from_millis(1000);
const AROUND: Duration = Duration::from_millis(2);

/// Posts so often, each time when the connection has been idle for about as long as the server waits; how often it is
/// unknown whether the post arrived.
fn doubts(posts: usize, announced: bool, reset: bool) -> usize {
    let header = if announced { "Keep-Alive: timeout=1\r\n" } else { "" };
    let reply = format!("HTTP/1.1 200 OK\r\n{header}Content-Length: 10\r\n\r\n{{\"code\":0}}");
    let server = Server::start(move |connection| {
        connection.stream.set_read_timeout(Some(LIMIT)).unwrap();
        while connection.request().is_some() && connection.send(reply.as_bytes()) {}
        if reset {
            socket2::SockRef::from(&connection.stream).set_linger(Some(Duration::ZERO)).unwrap();
        }
    });
    let (library, unknown, left) = (Library::load(), AtomicUsize::new(0), AtomicUsize::new(posts));
    let caller = || {
        let mut request = request(&server.url(), "post", json!({ "retry": 1 }));
        let mut waits_until = Instant::now();
        while left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
            thread::sleep(waits_until.saturating_duration_since(Instant::now()));
            request["data_json"]["nr"] = fastrand::u32(..).into();
            let told = library.json("rpa_call", &request);
            waits_until = Instant::now() + LIMIT - AROUND + (2 * AROUND).mul_f64(fastrand::f64());
            match told["error"]["delivered"].as_str() {
                None => assert_eq!(told["code"], 0, "{told}"),
                Some("unknown") => drop(unknown.fetch_add(1, Ordering::SeqCst)),
                // Before it went out, and without another attempt.
                Some(delivered) => assert_eq!(delivered, "no", "{told}"),
            }
        }
    };
    thread::scope(|scope| (0..CALLERS).for_each(|_| drop(scope.spawn(caller))));
    unknown.into_inner()
}

#[test]
fn how_often_an_idle_connection_leaves_a_doubt() {
    let posts = env::var("RPA_TEST_IDLE_POSTS").map_or(2 * CALLERS, |posts| posts.parse().expect("a number"));
    let measure = |(announced, reset): (bool, bool)| {
        let unknown = doubts(posts, announced, reset);
        let [says, ends] = [if announced { "announces" } else { "keeps to itself" }, if reset { "RST" } else { "FIN" }];
        println!(
            "{unknown} of {posts} posts unknown, {:?} around the limit of {LIMIT:?} that the server {says}, ended by {ends}",
            AROUND
        );
        // Who knows the limit leaves no doubt at all; who does not hits a gap of microseconds.
        assert!(if announced { unknown == 0 } else { unknown * 10 <= posts }, "{unknown} of {posts}");
    };
    thread::scope(|scope| {
        for server in [(true, false), (false, false), (false, true)] {
            scope.spawn(move || measure(server));
        }
    });
}

/// Nobody calls after these: each connection is closed all the same.
#[test]
fn idle_connections_are_closed_when_their_time_is_over() {
    let library = Library::load();
    let ended = Arc::new(AtomicUsize::new(0));
    let counted = ended.clone();
    let server = Server::start(move |connection| {
        while connection.request().is_some() && connection.send(reply("200 OK", "{}").as_bytes()) {}
        counted.fetch_add(1, Ordering::SeqCst);
    });
    for settings in 0..40 {
        let mode = if settings % 2 == 0 { "get" } else { "post" };
        let keep_alive = json!({ "keep_alive_ms": 300 + settings });
        assert_eq!(library.json("rpa_call", &request(&server.url(), mode, keep_alive)), json!({}));
    }
    assert_eq!(server.connections(), 40, "one for each setting");
    // A busy machine takes its time, but not the twenty seconds after which this server would close them itself.
    let until = Instant::now() + Duration::from_secs(10);
    while ended.load(Ordering::SeqCst) < 40 && Instant::now() < until {
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(ended.load(Ordering::SeqCst), 40);
}

/// Calls on a thread that has ended since, unloads the library while a connection is idle, and goes on until its time is over.
const UNLOADS: &str = r#"
import ctypes, _ctypes, sys, threading, time
rpa = ctypes.CDLL(sys.argv[1])
rpa.rpa_call.restype = ctypes.c_void_p
rpa.rpa_call.argtypes = [ctypes.c_char_p]
rpa.rpa_free.argtypes = [ctypes.c_void_p]

def call():
    reply = rpa.rpa_call(sys.argv[2].encode())
    print(ctypes.string_at(reply).decode(), flush=True)
    rpa.rpa_free(reply)

thread = threading.Thread(target=call)
thread.start()
thread.join()
_ctypes.dlclose(rpa._handle)
time.sleep(float(sys.argv[3]))
"#;

#[test]
#[cfg(target_os = "linux")]
fn a_process_that_unloads_the_library_or_ends_with_idle_connections_does_not_crash() {
    if !tools::all_run(&["python3"], "unloading the library") {
        return;
    }
    let server = Server::answering(reply("200 OK", "{}"));
    for seconds in ["1", "0"] {
        let mut python = Command::new("python3");
        python.args(["-c", UNLOADS]).arg(built_library());
        python.arg(request(&server.url(), "get", json!({ "keep_alive_ms": 500 })).to_string()).arg(seconds);
        let output = tools::succeed(&mut python, "a process that unloads the library");
        assert_eq!(String::from_utf8(output.stdout).unwrap(), "{}\n");
    }
}
