//! Servers that close a connection after a reply and do not say so: no post may be left in doubt. And those that keep it: it
//! is used.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::Library;
use crate::server::{Connection, Server, kept_reply, reply};
use crate::{facts, request};

const POSTS: usize = 1_000;
/// Of each kind that may be repeated.
const CALLS: usize = 200;

/// What a server does with a connection.
#[derive(Clone, Copy)]
struct Pattern {
    name: &'static str,
    /// It closes after so many replies; nothing keeps it for ever.
    replies: fn(connection: usize) -> usize,
    /// So long after the last of them.
    pause: fn() -> Duration,
    /// Without a farewell.
    resets: bool,
    reply: fn() -> String,
}

const NEVER: usize = usize::MAX;

fn plain() -> String {
    reply("200 OK", "{\"code\":0}")
}

fn patterns() -> Vec<Pattern> {
    let at_once = Pattern { name: "at once", replies: |_| 1, pause: || Duration::ZERO, resets: false, reply: plain };
    let after = |name, pause| Pattern { name, pause, ..at_once };
    let times = |name, replies| Pattern { name, replies, ..at_once };
    let random = || Duration::from_micros(fastrand::u64(..20_000));
    vec![
        at_once,
        after("1 ms after", || Duration::from_millis(1)),
        after("5 ms after", || Duration::from_millis(5)),
        after("50 ms after", || Duration::from_millis(50)),
        after("some time after", random),
        times("after 2 requests", |_| 2),
        times("after 10 requests", |_| 10),
        times("after 1 to 5 requests", |_| fastrand::usize(1..6)),
        Pattern { pause: || Duration::from_millis(3), ..times("3 ms after 3 requests", |_| 3) },
        times("one worker of two", |connection| if connection.is_multiple_of(2) { 1 } else { NEVER }),
        Pattern { name: "by a reset", resets: true, ..at_once },
        Pattern { resets: true, ..after("by a reset 1 ms after", || Duration::from_millis(1)) },
        Pattern { reply: || plain().replacen("\r\n", "\r\nConnection: closed\r\n", 1), ..times("says closed", |_| 1) },
        Pattern { reply: || plain().replacen("\r\n", "\r\nKeep-Alive: max=0\r\n", 1), ..times("says max=0", |_| 1) },
    ]
}

impl Pattern {
    fn start(self) -> Server {
        let connections = AtomicUsize::new(0);
        Server::start(move |connection| self.serve(connections.fetch_add(1, Ordering::SeqCst), connection))
    }

    fn serve(self, number: usize, connection: &mut Connection) {
        for _ in 0..(self.replies)(number) {
            if connection.request().is_none() || !connection.send((self.reply)().as_bytes()) {
                return;
            }
        }
        thread::sleep((self.pause)());
        if self.resets {
            socket2::SockRef::from(&connection.stream).set_linger(Some(Duration::ZERO)).unwrap();
        }
    }
}

/// Posts from so many threads, back to back; how many were not answered.
fn post(library: &Library, server: &Server, posts: usize, callers: usize, what: &str) -> usize {
    let (left, failed) = (AtomicUsize::new(posts), AtomicUsize::new(0));
    let caller = || {
        while left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
            let told = library.json("rpa_call", &request(&server.url(), "post", json!({ "retry": 1 })));
            if told != json!({ "code": 0 }) {
                println!("{what}: {told}");
                failed.fetch_add(1, Ordering::SeqCst);
            }
        }
    };
    thread::scope(|scope| (0..callers).for_each(|_| drop(scope.spawn(caller))));
    failed.into_inner()
}

#[test]
fn no_post_is_left_in_doubt_by_a_server_that_closes_and_does_not_say_so() {
    let library = Library::load();
    for pattern in patterns() {
        for callers in [1, 4] {
            let what = format!("closes {}, {callers} callers", pattern.name);
            let server = pattern.start();
            assert_eq!(post(&library, &server, POSTS, callers, &what), 0, "{what}");
            assert_eq!(server.requests(), POSTS, "{what}");
        }
    }
}

#[test]
fn posts_after_pauses_are_not_left_in_doubt_either() {
    let library = Library::load();
    let pattern =
        Pattern { name: "", replies: |_| 1, pause: || Duration::from_millis(30), resets: false, reply: plain };
    let server = pattern.start();
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                for _ in 0..30 {
                    assert_eq!(post(&library, &server, 1, 1, "closes after 30 ms"), 0);
                    thread::sleep(Duration::from_micros(fastrand::u64(25_000..35_000)));
                }
            });
        }
    });
}

#[test]
fn a_server_that_says_that_it_keeps_connections_is_believed() {
    let library = Library::load();
    for header in ["Keep-Alive: timeout=5, max=100", "Connection: keep-alive"] {
        let server = Server::answering(plain().replacen("\r\n", &format!("\r\n{header}\r\n"), 1));
        assert_eq!(post(&library, &server, 300, 1, header), 0);
        // A busy machine may make one of them wait for longer than the server says.
        assert!(server.connections() <= 3, "{header}: {} connections", server.connections());
    }
}

#[test]
fn a_server_that_keeps_connections_without_a_word_is_found_out() {
    let library = Library::load();
    let server = Server::answering(plain());
    post(&library, &server, 1500, 1, "keeps");
    thread::sleep(Duration::from_millis(500));
    let before = server.connections();
    assert_eq!(post(&library, &server, 500, 1, "keeps"), 0);
    let made = server.connections() - before;
    assert!(made < 250, "{made} further connections for 500 posts, after {before} for 1,500");
}

#[test]
fn a_word_that_is_not_kept_is_believed_no_more() {
    let library = Library::load();
    let says = || kept_reply("200 OK", "{\"code\":0}");
    let liar = Pattern { name: "", replies: |_| 1, pause: || Duration::from_millis(1), resets: false, reply: says };
    let server = liar.start();
    let failed = post(&library, &server, 500, 1, "says that it keeps them");
    assert!(failed <= 1, "{failed} posts in doubt");
}

/// What can be done twice without harm goes over a kept connection at once, and is sent again where that had ended.
#[test]
fn gets_use_whatever_connection_there_is() {
    let library = Library::load();
    let keeping = Server::answering(plain());
    for _ in 0..20 {
        library.json("rpa_call", &request(&keeping.url(), "get", json!({})));
    }
    assert_eq!(keeping.connections(), 1);
    let closing = patterns()[1].start();
    for _ in 0..20 {
        let told = library.json("rpa_call", &request(&closing.url(), "get", json!({ "retry": 5 })));
        assert_eq!(told, json!({ "code": 0 }));
    }
}

/// The functions and modes of what may be repeated.
const REPEATABLE: [(&str, &str); 4] =
    [("rpa_call", "get"), ("rpa_call", "put"), ("rpa_call", "delete"), ("rpa_get_token", "")];

/// Such a call, without another attempt.
fn call_once(library: &Library, server: &Server, (function, mode): (&str, &str)) -> Value {
    let keys = || json!({ "host": server.url(), "accesskey": "AK", "secretkey": "SK", "retry": 1 });
    let request = if mode.is_empty() { keys() } else { request(&server.url(), mode, json!({ "retry": 1 })) };
    library.json(function, &request)
}

#[test]
fn what_may_be_repeated_needs_no_other_attempt_where_the_server_has_closed_the_connection() {
    let library = Library::load();
    let call_often = &|what| {
        for pattern in patterns() {
            let server = pattern.start();
            for call in 0..CALLS {
                let told = call_once(&library, &server, what);
                assert_eq!(told, json!({ "code": 0 }), "closes {}, {what:?}, call {call}", pattern.name);
            }
            assert_eq!(server.requests(), CALLS, "closes {}, {what:?}", pattern.name);
        }
    };
    thread::scope(|scope| REPEATABLE.map(|what| drop(scope.spawn(move || call_often(what)))));
}

/// The server reads the second request on a connection, and closes without an answer.
#[test]
fn a_request_goes_out_once_more_over_a_new_connection_and_not_again() {
    let library = Library::load();
    for what in REPEATABLE {
        let connections = AtomicUsize::new(0);
        let server = Server::start(move |connection| {
            if connections.fetch_add(1, Ordering::SeqCst) < 2 {
                connection.request();
                connection.send(plain().as_bytes());
            }
            connection.request();
        });
        assert_eq!(call_once(&library, &server, what), json!({ "code": 0 }), "{what:?}");
        assert_eq!(call_once(&library, &server, what), json!({ "code": 0 }), "{what:?}: over a new connection");
        assert_eq!((server.requests(), server.connections()), (3, 2), "{what:?}");
        let told = call_once(&library, &server, what);
        let code = if what.0 == "rpa_call" { 40 } else { 44 };
        assert_eq!(facts(&told), (code, "disconnected", "unknown", 1), "{what:?}");
        assert_eq!((server.requests(), server.connections()), (5, 3), "{what:?}");
    }
}

#[test]
fn a_request_that_went_out_over_a_kept_connection_is_not_forgotten() {
    let library = Library::load();
    for (mode, retry_mode) in [("get", "safe"), ("put", "safe"), ("delete", "safe"), ("post", "always")] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = format!("http://{}", listener.local_addr().unwrap());
        // It answers one request, reads another, and is gone.
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            drop(listener);
            assert_ne!(stream.read(&mut [0; 4096]).unwrap(), 0, "a request");
            stream.write_all(kept_reply("200 OK", "{\"code\":0}").as_bytes()).unwrap();
            assert_ne!(stream.read(&mut [0; 4096]).unwrap(), 0, "a request");
        });
        let call = || library.json("rpa_call", &request(&host, mode, json!({ "retry": 1, "retry_mode": retry_mode })));
        assert_eq!(call(), json!({ "code": 0 }), "{mode}");
        assert_eq!(facts(&call()), (40, "connect", "unknown", 1), "{mode}");
        server.join().unwrap();
    }
}

#[test]
fn a_kept_connection_that_the_server_closes() {
    let library = Library::load();
    // Answers once, then closes while the connection waits.
    let server = Server::start(|connection| {
        connection.request();
        connection.send(reply("200 OK", "{}").as_bytes());
    });
    for round in 1..=5 {
        let reply = library.json("rpa_call", &request(&server.url(), "post", json!({ "retry": 1 })));
        assert_eq!(reply, json!({}), "round {round}");
        thread::sleep(Duration::from_millis(30));
    }
    assert_eq!((server.requests(), server.connections()), (5, 5));
}

#[test]
fn connections_are_used_again_for_as_long_as_asked() {
    let library = Library::load();
    let server = Server::answering(kept_reply("200 OK", "{}"));
    let call = |keep_alive: u64| {
        let reply = library.json("rpa_call", &request(&server.url(), "post", json!({ "keep_alive_ms": keep_alive })));
        assert_eq!(reply, json!({}));
    };
    call(60_000);
    call(60_000);
    assert_eq!(server.connections(), 1);
    call(0);
    call(0);
    assert_eq!(server.connections(), 3);
    call(50);
    thread::sleep(Duration::from_millis(120));
    call(50);
    assert_eq!(server.connections(), 5);
    assert_eq!(server.requests(), 6);
}
