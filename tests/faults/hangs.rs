//! What hangs before there is a connection: a name lookup, a connect, a way that leads nowhere.

use std::env;
use std::fs;
use std::net::TcpStream;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use socket2::{Domain, SockAddr, Socket, Type};

use crate::harness::Library;
use crate::server::{Server, reply};
use crate::{MODES, c, ends_at, facts, request, tools};

#[test]
#[cfg(target_os = "linux")]
fn a_connect_that_hangs() {
    // A queue of one that is full: further SYNs are dropped.
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    listener.bind(&SockAddr::from("127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap())).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap().as_socket().unwrap();
    let mut fill = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
        fill.push(stream);
    }
    let library = Library::load();
    for mode in MODES {
        let limits = json!({ "connect_timeout_ms": 300, "retry": 1 });
        let hanging = request(&format!("http://{address}"), mode, limits);
        let reply = ends_at(Duration::from_millis(300), || library.json("rpa_call", &hanging));
        assert_eq!(facts(&reply), (40, "timeout", "no", 1), "{mode}");
        assert!(reply["error"]["detail"].as_str().unwrap().contains("connecting"), "{reply}");
    }
}

#[test]
fn no_route() {
    // 100::/64 leads nowhere (RFC 6666), as does an address of the wrong kind.
    for host in ["http://[100::1]", "http://255.255.255.255"] {
        let limits = json!({ "connect_timeout_ms": 500, "retry": 2, "timeout_ms": 2000 });
        let reply = Library::load().json("rpa_call", &request(host, "post", limits));
        let (code, kind, delivered, _) = facts(&reply);
        // A machine with IPv6 has a route, and waits.
        assert!(matches!((code, kind, delivered), (40, "connect" | "timeout", "no")), "{reply}");
    }
}

/// Not a test: calls by a name whose lookup hangs, and says how many threads that took.
#[test]
#[ignore = "run by the test below, as a process of its own"]
fn child_with_a_resolver_that_hangs() {
    let library = Library::load();
    let server = Server::answering(reply("200 OK", "{\"code\":0}"));
    let host = format!("http://rpa.hung:{}", server.address().port());
    let call = |timeout: u64| {
        let limits = json!({ "timeout_ms": timeout, "retry": 1 });
        let started = Instant::now();
        let reply = library.json("rpa_call", &request(&host, "post", limits));
        (reply, started.elapsed())
    };
    let threads = || fs::read_dir("/proc/self/task").unwrap().count();
    let before = threads();
    thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| {
                for _ in 0..10 {
                    let (reply, took) = call(100);
                    assert_eq!(facts(&reply), (40, "timeout", "no", 1));
                    assert!(reply["error"]["detail"].as_str().unwrap().contains("looking up the name"), "{reply}");
                    assert!(took >= Duration::from_millis(100), "{took:?}");
                }
            });
        }
    });
    // A thread that was joined may still be on its way out.
    let ended = Instant::now() + Duration::from_secs(10);
    while threads() > before + 1 && Instant::now() < ended {
        thread::sleep(Duration::from_millis(20));
    }
    let after = threads();
    fs::remove_file(env::var("GATE").unwrap()).unwrap();
    let (found, _) = call(20_000);
    println!("hung: {}", json!({ "before": before, "after": after, "found": found }));
}

#[test]
#[cfg(target_os = "linux")]
fn a_resolver_that_hangs() {
    let folder = tools::folder(&format!("faults-{}", std::process::id()));
    let [preload, gate] = ["slow_lookup.so", "gate"].map(|name| folder.join(name));
    let mut compile = c::Language::C.compile("c11").expect("a C compiler");
    compile.args(["-shared", "-fPIC", "-o"]).arg(&preload).arg(tools::in_tree("tests/c/slow_lookup.c")).arg("-ldl");
    tools::succeed(&mut compile, "compiling slow_lookup.c");
    fs::write(&gate, "").unwrap();
    let mut child = Command::new(env::current_exe().unwrap());
    child.args(["--ignored", "--exact", "hangs::child_with_a_resolver_that_hangs", "--nocapture"]);
    child.env("LD_PRELOAD", &preload).env("GATE", &gate);
    let output = tools::succeed(&mut child, "calls by a name that hangs");
    let output = String::from_utf8(output.stdout).unwrap();
    let told = output.lines().find_map(|line| line.split_once("hung: ")).expect("figures").1;
    let told: Value = serde_json::from_str(told).unwrap();
    fs::remove_dir_all(folder).unwrap();
    // 200 calls, one lookup under way.
    assert!(told["after"].as_u64().unwrap() <= told["before"].as_u64().unwrap() + 1, "{told}");
    assert_eq!(told["found"]["code"], 0, "{told}");
}
