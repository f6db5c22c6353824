//! What hangs before a request can be sent: a name lookup, a connect, a handshake, a way that leads nowhere.

use std::fs;
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use socket2::{Domain, SockAddr, Socket, Type};

use crate::harness::{Library, built_library};
use crate::server::Server;
use crate::{MODES, c, ends_at, facts, programs, request, tools};

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

#[test]
#[cfg(target_os = "linux")]
fn a_resolver_that_hangs() {
    let folder = tools::folder(&format!("faults-{}", std::process::id()));
    let [preload, gate] = ["slow_lookup.so", "gate"].map(|name| folder.join(name));
    let mut compile = c::Language::C.compile("c11").expect("a C compiler");
    compile.args(["-shared", "-fPIC", "-o"]).arg(&preload).arg(tools::in_tree("tests/c/slow_lookup.c")).arg("-ldl");
    tools::succeed(&mut compile, "compiling slow_lookup.c");
    fs::write(&gate, "").unwrap();
    let mut child = programs::helper("calls_by_a_hung_name");
    // The lookup, too, asks for the gate.
    child.arg(&gate).env("LD_PRELOAD", &preload).env("GATE", &gate);
    let output = tools::succeed(&mut child, "calls by a name that hangs");
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    fs::remove_dir_all(folder).unwrap();
    // 200 calls, one lookup under way.
    assert!(told["after"].as_u64().unwrap() <= told["before"].as_u64().unwrap() + 1, "{told}");
    assert_eq!(told["found"]["code"], 0, "{told}");
}

/// Calls by a name three times.
const SCRIPT: &str = r#"
import ctypes, sys
rpa = ctypes.CDLL(sys.argv[1])
rpa.rpa_call.restype = ctypes.c_void_p
rpa.rpa_call.argtypes = [ctypes.c_char_p]
for _ in range(3):
    print(ctypes.string_at(rpa.rpa_call(sys.argv[2].encode())).decode("utf-8"), flush=True)
"#;

#[test]
#[cfg(target_os = "linux")]
fn no_thread_can_be_made() {
    if !tools::all_run(&["python3"], "calls without threads") {
        return;
    }
    let mut python = Command::new("python3");
    python.args(["-c", SCRIPT]).arg(built_library());
    python.arg(request("http://rpa.example:1", "post", json!({ "retry": 2 })).to_string());
    // No machine has memory for such a stack.
    python.env("RUST_MIN_STACK", (1_u64 << 50).to_string()).stdout(Stdio::piped());
    let mut python = python.spawn().unwrap();
    let ended = Instant::now() + Duration::from_secs(60);
    while python.try_wait().unwrap().is_none() && Instant::now() < ended {
        thread::sleep(Duration::from_millis(20));
    }
    let hung = python.try_wait().unwrap().is_none();
    if hung {
        python.kill().unwrap();
    }
    let output = String::from_utf8(python.wait_with_output().unwrap().stdout).unwrap();
    assert!(!hung, "a call hangs: {output}");
    let told: Vec<Value> = output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(told.len(), 3, "{output}");
    for told in &told {
        assert_eq!(facts(told), (40, "dns", "no", 2), "{told}");
    }
}

#[test]
fn a_handshake_that_hangs() {
    let server = Server::start(|_connection| thread::sleep(Duration::from_secs(3)));
    let host = server.url().replace("http://", "https://");
    let library = Library::load();
    let started = Instant::now();
    let limits = json!({ "connect_timeout_ms": 300, "timeout_ms": 5000 });
    let reply = library.json("rpa_call", &request(&host, "post", limits));
    assert_eq!(facts(&reply), (40, "timeout", "no", 2), "the time left allows a second attempt");
    assert!(started.elapsed() < Duration::from_secs(4), "took {:?}", started.elapsed());
    assert!(reply["error"]["detail"].as_str().unwrap().contains("TLS handshake"), "{reply}");
}
