//! Every fault of a server, and what the caller is told of it in each mode: kind, status, `delivered`, attempts, how often
//! the server saw the request, and that the call ended.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::Library;
use crate::server::{Connection, Server, reply};
use crate::{MODES, request};

/// What the server does before its reply.
#[derive(Clone, Copy)]
enum Before {
    /// Nothing: it answers unasked.
    Nothing,
    /// Reads so many bytes.
    Bytes(usize),
    /// Reads the request.
    Request,
}

/// What it does after its reply.
#[derive(Clone, Copy)]
enum After {
    Close,
    /// Ends without a farewell.
    Reset,
    /// Closes its own direction, and goes on reading.
    HalfClose,
    /// Holds the connection until the caller gives up.
    Hold,
    /// Goes on with these bytes for as long as anyone takes them.
    Repeat(&'static [u8]),
    /// The same, one after the other.
    Trickle(&'static [u8]),
    /// Serves the next request in the same way.
    Keep,
}

/// What the caller gets.
enum Told {
    Json(Value),
    /// Kind, status, and what `delivered` may be.
    Error(&'static str, Option<u16>, &'static [&'static str]),
}
use Told::{Error, Json};

struct Fault {
    name: &'static str,
    before: Before,
    reply: Vec<u8>,
    after: After,
    told: Told,
}

const UNKNOWN: &[&str] = &["unknown"];
const YES: &[&str] = &["yes"];
/// Where it depends on whose packet is faster.
const NO_OR_UNKNOWN: &[&str] = &["no", "unknown"];

/// Of a call that is to run out of time, and of any other: a busy machine takes its time.
const SHORT: Duration = Duration::from_millis(800);
const LONG: Duration = Duration::from_secs(20);
/// So many faults at once.
const AT_ONCE: usize = 12;
/// A busy machine may be late.
const LATE: Duration = Duration::from_secs(4);
const LARGEST_REPLY: usize = 1 << 20;

fn faults() -> Vec<Fault> {
    use After::*;
    let mut all = Vec::new();
    let mut add = |name, before, reply: &[u8], after, told| {
        all.push(Fault { name, before, reply: reply.to_owned(), after, told });
    };
    let asked = Before::Request;

    add("reset on accept", Before::Nothing, b"", Reset, Error("disconnected", None, NO_OR_UNKNOWN));
    add("closed before the request is read", Before::Nothing, b"", Close, Error("disconnected", None, NO_OR_UNKNOWN));
    add("closed in the middle of the request", Before::Bytes(20), b"", Close, Error("disconnected", None, UNKNOWN));
    add("reset in the middle of the request", Before::Bytes(20), b"", Reset, Error("disconnected", None, UNKNOWN));
    add(
        "a reply in the middle of the request",
        Before::Bytes(20),
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        HalfClose,
        Json(json!({})),
    );
    for (after, words) in [(Close, "closed"), (Reset, "reset"), (HalfClose, "half closed")] {
        let named = |place: &str| -> &'static str { format!("{words} {place}").leak() };
        add(named("after the request"), asked, b"", after, Error("disconnected", None, UNKNOWN));
        add(named("in the status line"), asked, b"HTTP/1.1 2", after, Error("disconnected", None, YES));
        add(named("after the status line"), asked, b"HTTP/1.1 200 OK\r\n", after, Error("disconnected", None, YES));
        add(named("inside a header"), asked, b"HTTP/1.1 200 OK\r\nContent-Le", after, Error("disconnected", None, YES));
        add(
            named("after the head"),
            asked,
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
            after,
            Error("disconnected", Some(200), YES),
        );
        add(
            named("inside the body"),
            asked,
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{\"a\":",
            after,
            Error("disconnected", Some(200), YES),
        );
        add(
            named("inside a chunk"),
            asked,
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{\"a\":",
            after,
            Error("disconnected", Some(200), YES),
        );
        add(
            named("before the last chunk"),
            asked,
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
            after,
            Error("disconnected", Some(200), YES),
        );
        add(
            named("inside a body without a length"),
            asked,
            b"HTTP/1.1 200 OK\r\n\r\n{\"a\":",
            after,
            match after {
                // The end of the connection is the end of such a body.
                Reset => Error("disconnected", Some(200), YES),
                _ => Error("response", Some(200), YES),
            },
        );
    }
    add("silence", asked, b"", Hold, Error("timeout", None, UNKNOWN));
    add("silence after half a head", asked, b"HTTP/1.1 200 OK\r\nX: ", Hold, Error("timeout", None, YES));
    add(
        "silence after half a body",
        asked,
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{",
        Hold,
        Error("timeout", Some(200), YES),
    );
    add("a head byte by byte", asked, b"HTTP/1.1 200 OK\r\nX: ", Trickle(b"x"), Error("timeout", None, YES));
    add(
        "a body byte by byte",
        asked,
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n",
        Trickle(b" "),
        Error("timeout", Some(200), YES),
    );
    add(
        "chunks byte by byte",
        asked,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        Trickle(b"1\r\n \r\n"),
        Error("timeout", Some(200), YES),
    );

    let length = |value: &str| format!("HTTP/1.1 200 OK\r\nContent-Length: {value}\r\n\r\n{{}}").into_bytes();
    add("a length that is too long", asked, &length("3"), Close, Error("disconnected", Some(200), YES));
    add("a length that is too long, held", asked, &length("3"), Hold, Error("timeout", Some(200), YES));
    add(
        "a length that is too short",
        asked,
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}{\"surplus\":1}",
        Keep,
        Json(json!({})),
    );
    add("a whole reply too many", asked, &[length("2"), length("2")].concat(), Keep, Json(json!({})));
    for value in ["-2", "2x", "0x2", "", "99999999999999999999999", "2.0", "+2"] {
        let name: &'static str = format!("the length \"{value}\"").leak();
        add(name, asked, &length(value), Keep, Error("response", Some(200), YES));
    }
    add(
        "two lengths that differ",
        asked,
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        Keep,
        Error("response", Some(200), YES),
    );
    add(
        "a length and chunks",
        asked,
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        Keep,
        Json(json!({})),
    );
    for size in ["zz", "-2", "FFFFFFFFFFFFFFFFFF", "", " ", "0x2"] {
        let name: &'static str = format!("the chunk size \"{size}\"").leak();
        let text = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{size}\r\n{{}}\r\n0\r\n\r\n");
        add(name, asked, text.as_bytes(), Close, Error("response", Some(200), YES));
    }
    add(
        "a chunk without its end",
        asked,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}xx0\r\n\r\n",
        Close,
        Error("response", Some(200), YES),
    );
    add(
        "chunks with extensions and trailers",
        asked,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;a=b\r\n{\r\n1\r\n}\r\n0\r\nX: y\r\n\r\n",
        Keep,
        Json(json!({})),
    );
    add(
        "chunks without end",
        asked,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        Repeat(b"20\r\n                                \r\n"),
        Error("too_large", Some(200), YES),
    );
    add(
        "an endless header",
        asked,
        b"HTTP/1.1 200 OK\r\nX: ",
        Repeat(b"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"),
        Error("response", Some(200), YES),
    );
    add("endless headers", asked, b"HTTP/1.1 200 OK\r\n", Repeat(b"X: y\r\n"), Error("response", Some(200), YES));
    let many = format!("HTTP/1.1 200 OK\r\n{}Content-Length: 2\r\n\r\n{{}}", "X: y\r\n".repeat(10_000));
    add("10,000 headers", asked, many.as_bytes(), Hold, Error("response", Some(200), YES));
    add(
        "an endless body",
        asked,
        b"HTTP/1.1 200 OK\r\n\r\n",
        Repeat(b"                                "),
        Error("too_large", Some(200), YES),
    );
    add(
        "a long body with a length",
        asked,
        b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n",
        Repeat(b"                                "),
        Error("too_large", Some(200), YES),
    );

    add(
        "100 Continue",
        asked,
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        Keep,
        Json(json!({})),
    );
    let hundreds = "HTTP/1.1 100 Continue\r\n\r\n".repeat(50) + "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
    add("many 100 Continue", asked, hundreds.as_bytes(), Keep, Json(json!({})));
    add("endless 100 Continue", asked, b"", Repeat(b"HTTP/1.1 100 Continue\r\n\r\n"), Error("timeout", None, YES));
    add(
        "103 Early Hints",
        asked,
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        Keep,
        Json(json!({})),
    );
    add(
        "101 Switching Protocols",
        asked,
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n",
        Hold,
        Error("response", Some(101), YES),
    );
    for status in [204, 304] {
        let name: &'static str = format!("{status}").leak();
        let text = format!("HTTP/1.1 {status} Nothing\r\n\r\n");
        add(name, asked, text.as_bytes(), Keep, Error("response", Some(status), YES));
    }
    for status in [400, 401, 403, 404, 405, 413, 429, 500, 501, 502, 503, 504] {
        let (page, json_of): (&'static str, &'static str) =
            (format!("{status} with a page").leak(), format!("{status} with JSON").leak());
        let status_line = format!("{status} Words");
        add(page, asked, reply(&status_line, "<html>no</html>").as_bytes(), Keep, Error("response", Some(status), YES));
        add(json_of, asked, reply(&status_line, "{\"code\":1}").as_bytes(), Keep, Json(json!({ "code": 1 })));
    }
    let with_header =
        |header: &str| format!("HTTP/1.1 429 Slow\r\n{header}\r\nContent-Length: 4\r\n\r\nslow").into_bytes();
    for header in
        ["Retry-After: 0", "Retry-After: soon", "Retry-After: -1", "Retry-After: Mon, 01 Jan 2001 00:00:00 GMT"]
    {
        add(format!("429 with {header}").leak(), asked, &with_header(header), Keep, Error("response", Some(429), YES));
    }

    let gzip = |body: &[u8]| {
        [
            format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes(),
            body,
        ]
        .concat()
    };
    let (small, bomb) = (gzipped(b"{\"a\":1}"), gzipped(&vec![b' '; 8 * LARGEST_REPLY]));
    assert!(bomb.len() * 900 < 8 * LARGEST_REPLY, "a thousandfold");
    add("gzip", asked, &gzip(&small), Keep, Json(json!({ "a": 1 })));
    add("gzip that is cut", asked, &gzip(&small[..small.len() - 10]), Keep, Error("response", Some(200), YES));
    add("gzip that is not gzip", asked, &gzip(b"{\"a\":1}"), Keep, Error("response", Some(200), YES));
    add("gzip that swells a thousandfold", asked, &gzip(&bomb), Keep, Error("too_large", Some(200), YES));

    let body = |content_type: &str, body: &[u8]| {
        [
            format!("HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n", body.len())
                .as_bytes(),
            body,
        ]
        .concat()
    };
    let utf16: Vec<u8> = "\u{feff}{\"a\":\"中\"}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let in_utf8 = "application/json;charset=utf-8";
    add("GBK", asked, &body("application/json;charset=GBK", b"{\"a\":\"\xd6\xd0\"}"), Keep, Json(json!({ "a": "中" })));
    add("GBK that says UTF-8", asked, &body(in_utf8, b"{\"a\":\"\xd6\xd0\"}"), Keep, Error("response", Some(200), YES));
    add("UTF-16", asked, &body("application/json", &utf16), Keep, Json(json!({ "a": "中" })));
    add("a byte-order mark", asked, &body(in_utf8, b"\xef\xbb\xbf{}"), Keep, Json(json!({})));
    add("bad UTF-8", asked, &body(in_utf8, b"{\"a\":\"\xff\"}"), Keep, Error("response", Some(200), YES));
    add("a NUL", asked, &body(in_utf8, b"{\"a\":\"\0\"}"), Keep, Error("response", Some(200), YES));
    add("a NUL at the end", asked, &body(in_utf8, b"{}\0"), Keep, Error("response", Some(200), YES));
    add("an empty body", asked, &body(in_utf8, b""), Keep, Error("response", Some(200), YES));
    add("white space", asked, &body(in_utf8, b" \r\n\t "), Keep, Error("response", Some(200), YES));
    add(
        "HTML with status 200",
        asked,
        &body("text/html", b"<!doctype html><p>login"),
        Keep,
        Error("response", Some(200), YES),
    );
    add(
        "JSON that is cut, whole by its length",
        asked,
        &body(in_utf8, b"{\"a\":1"),
        Keep,
        Error("response", Some(200), YES),
    );
    add("two JSON texts", asked, &body(in_utf8, b"{}{}"), Keep, Error("response", Some(200), YES));

    add("HTTP/1.0", asked, b"HTTP/1.0 200 OK\r\n\r\n{}", Close, Json(json!({})));
    add("HTTP/1.0 with a length", asked, b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", Close, Json(json!({})));
    add(
        "HTTP/1.0 that keeps the connection",
        asked,
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n{}",
        Keep,
        Json(json!({})),
    );
    add("HTTP/0.9", asked, b"{\"a\":1}", Close, Error("response", None, YES));
    add("HTTP/2", asked, b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0d", Hold, Error("response", None, YES));
    add("HTTP/3.0 in words", asked, b"HTTP/3.0 200 OK\r\n\r\n{}", Close, Error("response", None, YES));
    add("garbage", asked, b"\x16\x03\x01\0\xff\xfe\0\0garbage\n\n\n", Hold, Error("response", None, YES));
    add("another protocol", asked, b"SSH-2.0-OpenSSH_8.4\r\n", Hold, Error("response", None, YES));
    add("a status that is no number", asked, b"HTTP/1.1 abc OK\r\n\r\n", Close, Error("response", None, YES));
    add(
        "a control character in a header",
        asked,
        b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 2\r\n\r\n{}",
        Close,
        Json(json!({})),
    );
    all
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

impl Fault {
    fn server(&self) -> Server {
        let (before, reply, after) = (self.before, self.reply.clone(), self.after);
        Server::start(move |connection| while serve(connection, before, &reply, after).is_some() {})
    }
}

/// `None` once the connection is of no more use.
fn serve(connection: &mut Connection, before: Before, reply: &[u8], after: After) -> Option<()> {
    match before {
        Before::Nothing => {}
        Before::Bytes(amount) => connection.stream.read_exact(&mut vec![0; amount]).ok()?,
        Before::Request => drop(connection.request()?),
    }
    connection.send(reply).then_some(())?;
    match after {
        After::Keep => return Some(()),
        After::Close => {}
        After::Reset => {
            // What was sent before must not be lost with it.
            thread::sleep(Duration::from_millis(30));
            socket2::SockRef::from(&connection.stream).set_linger(Some(Duration::ZERO)).unwrap();
        }
        After::HalfClose => {
            let _ = connection.stream.shutdown(Shutdown::Write);
            drain(connection);
        }
        After::Hold => drain(connection),
        After::Repeat(bytes) => {
            let block = bytes.repeat(1 + 4096 / bytes.len());
            while connection.send(&block) {}
        }
        After::Trickle(bytes) => {
            while connection.send(bytes) {
                thread::sleep(Duration::from_millis(50));
            }
        }
    }
    None
}

/// Until the caller is gone.
fn drain(connection: &mut Connection) {
    while connection.stream.read(&mut [0; 4096]).is_ok_and(|amount| amount > 0) {}
}

/// One call in one mode; `token` is `rpa_get_token`.
fn call(library: &Library, host: &str, mode: &str, always: bool, limit: Duration) -> (Value, Duration) {
    let limits = json!({
        "retry": 2, "timeout_ms": limit.as_millis() as u64, "max_response_bytes": LARGEST_REPLY,
        "retry_mode": if always { "always" } else { "safe" },
    });
    let started = Instant::now();
    let reply = if mode == "token" {
        let mut token =
            json!({ "host": host, "accesskey": "demo-access-key", "secretkey": "demo-secret-key", "proxy": null });
        for name in ["retry", "timeout_ms", "max_response_bytes"] {
            token[name] = limits[name].clone();
        }
        library.json("rpa_get_token", &token)
    } else {
        library.json("rpa_call", &request(host, mode, limits))
    };
    (reply, started.elapsed())
}

/// By the table in docs/faults.md.
fn attempts(mode: &str, always: bool, kind: &str, status: Option<u16>, delivered: &str) -> u64 {
    let again = match (delivered, mode) {
        // The whole time went by.
        _ if kind == "timeout" => false,
        ("no", _) => true,
        _ if always => true,
        (_, "post") => false,
        _ => kind == "disconnected" || kind == "response" && matches!(status, Some(429 | 502 | 503 | 504)),
    };
    if again { 2 } else { 1 }
}

fn check(library: &Library, fault: &Fault, mode: &str, always: bool) {
    let server = fault.server();
    let limit = if matches!(fault.told, Error("timeout", ..)) { SHORT } else { LONG };
    let (told, took) = call(library, &server.url(), mode, always, limit);
    let what = format!("{}, {mode}{}: {told}", fault.name, if always { ", always" } else { "" });
    assert!(took < limit + LATE, "{what}: took {took:?}");
    let seen = server.requests() as u64;
    let error = match &fault.told {
        Json(expected) => {
            assert_eq!(&told, expected, "{what}");
            assert!(seen <= 1, "{what}: seen {seen} times");
            if !matches!(fault.after, After::Keep) {
                return;
            }
            // What the server sent too much must not answer the next call.
            let (next, _) = call(library, &server.url(), mode, always, limit);
            assert_eq!(&next, expected, "{what}, called again");
            return;
        }
        Error(kind, status, delivered) => {
            let error = &told["error"];
            assert_eq!((error["kind"].as_str(), &error["http_status"]), (Some(*kind), &json!(status)), "{what}");
            assert!(delivered.iter().any(|one| error["delivered"] == *one), "{what}");
            error
        }
    };
    let (kind, delivered) = (error["kind"].as_str().unwrap(), error["delivered"].as_str().unwrap());
    let status = error["http_status"].as_u64().map(|status| status as u16);
    let made = error["attempts"].as_u64().unwrap();
    // Of several attempts the first may have been the doubtful one.
    let expected = attempts(mode, always, kind, status, delivered);
    let by_luck = fault.told.delivered().len() > 1;
    assert!(made == expected || by_luck && made <= 2, "{what}: {expected} attempts are right");
    assert!(seen <= made, "{what}: seen {seen} times");
    if mode == "post" && !always {
        assert!(seen <= 1, "{what}: a post was seen {seen} times");
    }
    if delivered == "no" {
        assert_eq!(seen, 0, "{what}");
    }
    if matches!(fault.before, Before::Request) {
        assert_eq!(seen, made, "{what}");
    }
    let detail = error["detail"].as_str().unwrap();
    assert!(detail.len() > 20 && !detail.contains("Error {") && !detail.contains("Some("), "{what}");
}

impl Told {
    fn delivered(&self) -> &'static [&'static str] {
        match self {
            Json(_) => YES,
            Error(_, _, delivered) => delivered,
        }
    }
}

#[test]
fn every_fault_in_every_mode() {
    let (library, faults, next) = (Library::load(), faults(), AtomicUsize::new(0));
    let failures = Mutex::new(Vec::new());
    let work = || {
        while let Some(fault) = faults.get(next.fetch_add(1, Ordering::SeqCst)) {
            let modes = MODES.into_iter().chain(["token"]).map(|mode| (mode, false)).chain([("post", true)]);
            for (mode, always) in modes {
                let checked = panic::catch_unwind(AssertUnwindSafe(|| check(&library, fault, mode, always)));
                if let Err(failure) = checked {
                    failures.lock().unwrap().push(*failure.downcast::<String>().expect("a text"));
                }
            }
        }
    };
    thread::scope(|scope| (0..AT_ONCE).for_each(|_| drop(scope.spawn(work))));
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{} faults:\n{}", failures.len(), failures.join("\n"));
}

/// Whether it is seen before the request goes out is a race. Either way the server never read it, and a post goes out once.
#[test]
fn who_speaks_first() {
    let library = Library::load();
    for early in [&b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"[..], b"220 mail.example ESMTP\r\n"] {
        for _ in 0..20 {
            let server = Server::start(|connection| {
                serve(connection, Before::Nothing, early, After::Hold);
            });
            let (told, _) = call(&library, &server.url(), "post", false, LONG);
            let error = &told["error"];
            match error["kind"].as_str() {
                None => assert_eq!(told, json!({})),
                Some("response") => assert_eq!(error["delivered"], "yes", "{told}"),
                Some(_) => {
                    assert_eq!((&error["kind"], &error["delivered"]), (&json!("disconnected"), &json!("no")), "{told}")
                }
            }
        }
    }
}
