//! A process that forks has its connections twice. If both used one, each would read the other's replies.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::{Value, json};

use crate::harness::built_library;
use crate::server::{Server, kept_reply};
use crate::{request, tools};

/// Calls once, forks, and calls from both processes at once; prints what each got for what it asked.
const SCRIPT: &str = r#"
import ctypes, json, os, sys
rpa = ctypes.CDLL(sys.argv[1])
rpa.rpa_call.restype = ctypes.c_void_p
rpa.rpa_call.argtypes = [ctypes.c_char_p]

def call(who, number):
    request = json.loads(sys.argv[2])
    request["data_json"] = {"who": "%s%d" % (who, number)}
    return json.loads(ctypes.string_at(rpa.rpa_call(json.dumps(request).encode())))

call("first", 0)
child = os.fork()
who = "parent" if child else "child"
answers = [[who, number, call(who, number)] for number in range(200)]
os.write(1, ("".join(json.dumps(answer) + "\n" for answer in answers)).encode())
if child:
    sys.exit(os.waitpid(child, 0)[1])
os._exit(0)
"#;

#[test]
#[cfg(unix)]
fn parent_and_child_share_no_connection() {
    if !tools::all_run(&["python3"], "calls of a process that forks") {
        return;
    }
    // Answers who asked.
    let server = Server::start(|connection| {
        while let Some(seen) = connection.request() {
            let who = seen.split_once("\"who\": \"").unwrap().1.split('"').next().unwrap().to_owned();
            connection.send(kept_reply("200 OK", &json!({ "who": who }).to_string()).as_bytes());
        }
    });
    let mut python = Command::new("python3");
    python.args(["-c", SCRIPT]).arg(built_library()).arg(request(&server.url(), "post", json!({})).to_string());
    let output = String::from_utf8(tools::succeed(&mut python, "a process that forks").stdout).unwrap();
    let mut seen = BTreeSet::new();
    for line in output.lines() {
        let answer: Value = serde_json::from_str(line).unwrap();
        let who = format!("{}{}", answer[0].as_str().unwrap(), answer[1]);
        assert_eq!(answer[2], json!({ "who": who }));
        seen.insert(who);
    }
    assert_eq!(seen.len(), 400);
    assert_eq!(server.connections(), 2, "each process keeps one of its own");
}
