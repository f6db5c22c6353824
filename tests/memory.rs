//! What remains of keys and tokens in a process's memory once a call is over and its reply is freed. A program in C calls,
//! frees, and then reads its own memory.

use rpa_test_support::{c, folder, harness, requests, server, tools};

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use folder::Folder;
use harness::{ControlCenter, shipped_library};
use requests::with_all;
use serde_json::{Value, json};
use server::{Server, reply};

const MASK: u8 = 0x5a;

fn program(folder: &Folder) -> PathBuf {
    // Built without optimisation, it hands vectors over in memory where the processor has them: that says nothing about
    // the library that is handed out.
    let library = shipped_library().parent().unwrap();
    let program = folder.join("memory");
    let mut compile = c::Language::C.compile("gnu11").expect("a C compiler");
    compile.arg("-I").arg(tools::in_tree("include"));
    c::link(compile, &tools::in_tree("tests/c/memory.c"), library, &program);
    program
}

/// One text to look for.
struct Remains {
    form: String,
    /// Found while the reply lived, and after it was freed.
    before: u64,
    after: u64,
    places: Vec<String>,
}

/// Makes a call in a process of its own; the beginning of the reply, and what remains of each text.
fn remains(program: &Path, function: &str, request: &Value, forms: &[String], planted: bool) -> (String, Vec<Remains>) {
    // `.ci/processors` has it run as on another processor.
    let emulator = std::env::var("RPA_EMULATOR").unwrap_or_default();
    let mut words = emulator.split_whitespace().map(OsStr::new).chain([program.as_os_str()]);
    let mut command = Command::new(words.next().expect("a program"));
    command.args(words);
    let command = c::with_its_library(&mut command).stdin(Stdio::piped()).stdout(Stdio::piped());
    // A program that binds its functions as it first calls them has the system's loader save the processor's registers on its stack,
    // and one may still hold the last bytes that the library copied: SECURITY.md does not promise those.
    command.env("LD_BIND_NOW", "1");
    if planted {
        command.env("RPA_PLANT", "leak");
    }
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let request = request.to_string();
    for line in [function, &request].into_iter().chain(forms.iter().map(String::as_str)) {
        let masked: String = line.bytes().map(|byte| format!("{:02x}", byte ^ MASK)).collect();
        writeln!(stdin, "{masked}").unwrap();
    }
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{function}: {}", output.status);
    // The reply is cut anywhere.
    let text = String::from_utf8_lossy(&output.stdout);
    let mut lines = text.lines();
    let told = lines.next().unwrap().to_owned();
    let mut all: Vec<Remains> = Vec::new();
    for line in lines {
        if let Some(place) = line.strip_prefix("  ") {
            all.last_mut().unwrap().places.push(place.to_owned());
            continue;
        }
        let numbers: Vec<u64> = line.split(' ').map(|number| number.parse().unwrap()).collect();
        let [index, before, after] = numbers[..] else { panic!("{line}") };
        all.push(Remains { form: forms[index as usize].clone(), before, after, places: Vec::new() });
    }
    (told, all)
}

/// A secret as it is, percent-encoded, and in Base64 in the middle of a text.
fn forms(secret: &str) -> Vec<String> {
    let escaped: String = secret
        .bytes()
        .map(|byte| match byte.is_ascii_alphanumeric() {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect();
    let encoded = BASE64_STANDARD.encode(secret);
    vec![secret.to_owned(), escaped, encoded[..encoded.len() - 4].to_owned()]
}

/// A search that finds nothing anywhere would prove nothing.
#[test]
#[cfg(target_os = "linux")]
fn a_leak_that_is_planted_is_found() {
    let secret = "Tk+4b7e1d5a48c0b3e6/y";
    let request = json!({ "host": "http://127.0.0.1:1", "refreshtoken": secret, "proxy": null, "retry": 1 });
    let folder = Folder::new("memory-planted");
    let (_, remains) = remains(&program(&folder), "rpa_refresh_token", &request, &[secret.to_owned()], true);
    assert_eq!(remains.len(), 1);
    assert!(remains[0].after > 0, "a copy of the request is left, and was not found");
}

#[test]
#[cfg(target_os = "linux")]
fn what_remains_of_secrets() {
    let folder = Folder::new("memory");
    let program = program(&folder);
    let [plain, tls] = [ControlCenter::start(&[]), ControlCenter::start(&["--tls"])];
    // A reply that holds the token, whole, in chunks, and without a length.
    let text = format!("{{\"code\":0,\"result\":[\"{}\"]}}", "Tk+4b7e1d5a48c0b3e6/y");
    let tokens = |head: &str, body: &[u8]| {
        Server::answering([format!("HTTP/1.1 200 OK\r\n{head}\r\n").as_bytes(), body].concat())
    };
    let whole = tokens(&format!("Content-Length: {}\r\n", text.len()), text.as_bytes());
    let chunks = format!("{:x}\r\n{text}\r\n0\r\n\r\n", text.len());
    let chunked = tokens("Transfer-Encoding: chunked\r\n", chunks.as_bytes());
    let gzip = rpa_test_support::packed::gzip(text.as_bytes());
    let packed = tokens(&format!("Content-Encoding: gzip\r\nContent-Length: {}\r\n", gzip.len()), &gzip);
    let dead = Server::start(|connection| drop(connection.request()));
    let page = Server::start(|connection| {
        while let Some(seen) = connection.request() {
            connection.send(reply("502 Bad Gateway", &seen).as_bytes());
        }
    });
    let (access, secret, token) = ("AK+9f2c4b7e1d5a48c0", "SK+b3e6a7d812f45c90/x", "Tk+4b7e1d5a48c0b3e6/y");
    let all: Vec<String> = [access, secret, token].into_iter().flat_map(forms).collect();
    let mut left = Vec::new();
    for (name, host, trust) in [
        ("plain", plain.text("base").to_owned(), json!({})),
        ("TLS", tls.text("base").to_owned(), json!({ "pin_sha256": tls.text("fingerprint") })),
        ("a token", whole.url(), json!({})),
        ("a token in chunks", chunked.url(), json!({})),
        ("a token in gzip", packed.url(), json!({})),
        ("broken", dead.url(), json!({})),
        ("page", page.url(), json!({})),
        ("nobody", "http://127.0.0.1:1".to_owned(), json!({})),
        ("argument", "no host".to_owned(), json!({})),
    ] {
        let with = |fields: Value| with_all(json!({ "host": host, "proxy": null, "retry": 1, "tls": trust }), fields);
        let call =
            json!({ "mode": "post", "rest_type": "/oapi/v1/echo", "data_json": { "a": "b" }, "accesstoken": token });
        for (function, request) in [
            ("rpa_get_token", with(json!({ "accesskey": access, "secretkey": secret }))),
            ("rpa_refresh_token", with(json!({ "refreshtoken": token }))),
            ("rpa_call", with(call.clone())),
            ("rpa_sign", with(call)),
        ] {
            let (told, remains) = remains(&program, function, &request, &all, false);
            let found: u64 = remains.iter().map(|one| one.before).sum();
            assert!(found > 0, "{name}, {function}: the search finds the request itself: {told}");
            // What unpacks a reply keeps a window of it, and gives that back as it is.
            let allowed = u64::from(name == "a token in gzip");
            for one in remains.iter().filter(|one| one.after > allowed) {
                left.push(format!("{name}, {function}: {} x {} {:?}", one.after, one.form, one.places));
            }
        }
    }
    assert!(left.is_empty(), "{} remain:\n{}", left.len(), left.join("\n"));
}
