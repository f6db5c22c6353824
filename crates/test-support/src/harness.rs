//! What the demo and the tests share: the built library, loaded as a foreign program loads it, and the control
//! center, started as its own process.
use std::env;
use std::ffi::{CStr, CString, c_char};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::Value;

pub use crate::places::build_folder;
use crate::places::in_tree;
use crate::plain_http;
use crate::requests::with_all;

/// Builds the shared library and the programs of this workspace as they are now, once, and returns the library's path.
/// Cargo alone knows whether they are up to date, and a single test does not build them.
pub fn built_library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let folder = build_folder();
        // All of the workspace: with the features that a build of some packages leaves out, Cargo would build much twice.
        let mut options = vec!["--workspace"];
        options.extend(folder.ends_with("release").then_some("--release"));
        build(&folder, &options);
        folder.join(libloading::library_filename("rpa_openapi"))
    })
}

/// Builds the shared library as it is handed out, by the command of README.md, and returns its path. What is said of
/// its size, its speed and what it leaves in memory is true of this one.
pub fn shipped_library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let folder = build_folder();
        build(&folder, &["--release"]);
        folder.with_file_name("release").join(libloading::library_filename("rpa_openapi"))
    })
}

/// Runs `cargo build` in the workspace, into the target folder that `folder` lies in.
fn build(folder: &Path, options: &[&str]) {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet"]).args(options);
    cargo.arg("--manifest-path").arg(in_tree("Cargo.toml"));
    // target/debug, or target/x86_64-unknown-linux-gnu/debug
    let mut target = folder.parent().expect("a build folder has a parent");
    if target.ends_with(env!("RPA_TARGET")) {
        cargo.args(["--target", env!("RPA_TARGET")]);
        target = target.parent().expect("a target's folder has a parent");
    }
    cargo.arg("--target-dir").arg(target);
    // Cargo tells a program that it runs about itself; a build script that asks would take it for a change.
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") || text == "OUT_DIR" {
            cargo.env_remove(&name);
        }
    }
    let status = cargo.status().expect("cargo can be started");
    assert!(status.success(), "the library does not build: {status}");
}

type Function = unsafe extern "C" fn(*const c_char) -> *mut c_char;

/// The shared library, known by its path and its C interface alone.
pub struct Library(libloading::Library);

impl Library {
    /// Loads the library of this build.
    pub fn load() -> Library {
        Library::of(built_library())
    }

    /// Loads the library from a file, which is built already.
    pub fn of(file: &Path) -> Library {
        // SAFETY: loading runs no code of the library but Rust's own start-up.
        Library(unsafe { libloading::Library::new(file) }.expect("the library can be loaded"))
    }

    /// Calls a function of the library with a request text, and frees the reply.
    pub fn call(&self, function: &str, request: &str) -> String {
        self.call_bytes(function, Some(request.as_bytes()))
    }

    /// The same with any bytes but NUL, or NULL.
    pub fn call_bytes(&self, function: &str, request: Option<&[u8]>) -> String {
        let request = request.map(|bytes| CString::new(bytes).expect("no NUL in a request"));
        let pointer = request.as_ref().map_or(std::ptr::null(), |request| request.as_ptr());
        // SAFETY: the types are those of include/rpa_openapi.h, and the reply is freed once.
        unsafe {
            let function = self.0.get::<Function>(function.as_bytes()).expect("the library exports the function");
            let free =
                self.0.get::<unsafe extern "C" fn(*mut c_char)>(b"rpa_free").expect("the library exports rpa_free");
            let reply = function(pointer);
            assert!(!reply.is_null(), "a reply is never NULL");
            let text = CStr::from_ptr(reply).to_str().expect("a reply is UTF-8").to_owned();
            free(reply);
            if let Some(request) = &request {
                assert_keeps_secrets(request.to_bytes(), &text);
            }
            text
        }
    }

    /// Calls a function with a JSON value and reads the reply.
    pub fn json(&self, function: &str, request: &Value) -> Value {
        let reply = self.call(function, &request.to_string());
        serde_json::from_str(&reply).unwrap_or_else(|error| panic!("a reply is JSON: {error}: {reply}"))
    }

    pub fn version(&self) -> String {
        // SAFETY: as above; the text is static.
        unsafe {
            let version = self
                .0
                .get::<unsafe extern "C" fn() -> *const c_char>(b"rpa_version")
                .expect("the library exports rpa_version");
            CStr::from_ptr(version()).to_str().expect("a version is UTF-8").to_owned()
        }
    }

    /// Frees NULL, which is allowed.
    pub fn free_null(&self) {
        // SAFETY: as above.
        unsafe {
            let free =
                self.0.get::<unsafe extern "C" fn(*mut c_char)>(b"rpa_free").expect("the library exports rpa_free");
            free(std::ptr::null_mut());
        }
    }
}

/// No error may hold a key, a token, a password of a proxy or of Redis, or a query. Checked for every call of every test.
fn assert_keeps_secrets(request: &[u8], reply: &str) {
    let Ok(Value::Object(fields)) = serde_json::from_slice(request) else { return };
    let Ok(envelope) = serde_json::from_str::<Value>(reply) else { return };
    let error = match envelope.get("error") {
        Some(error) => {
            let mut error = error.clone();
            // The text to go on with is a long word; what it says is looked at as it is.
            let resume = error.as_object_mut().and_then(|error| error.remove("resume"));
            let resume = resume.as_ref().and_then(Value::as_str).and_then(|text| text.strip_prefix("rpa1."));
            let resume = resume.map(|text| BASE64_URL_SAFE_NO_PAD.decode(text).expect("a resume text is Base64"));
            format!("{error}{}{}", envelope["msg"], String::from_utf8(resume.unwrap_or_default()).expect("and UTF-8"))
        }
        // A diagnosis shows no more than an error.
        None if envelope["result"].get("verdict").is_some() => reply.to_owned(),
        None => return,
    };
    let redis = fields.get("token_store").and_then(|store| store.get("redis"));
    let named = ["accesskey", "secretkey", "accesstoken", "refreshtoken", "refleshtoken", "proxy"];
    let given = named.into_iter().map(|name| (name, fields.get(name))).chain([("token_store.redis", redis)]);
    for (name, value) in given {
        let mut secret = value.and_then(Value::as_str).unwrap_or_default();
        if ["proxy", "token_store.redis"].contains(&name) {
            // Of an address the password alone is secret.
            secret = secret
                .rsplit_once('@')
                .and_then(|(user, _)| user.rsplit_once(':'))
                .map_or("", |(_, password)| password);
        }
        assert!(secret.len() < 4 || !error.contains(secret), "{name} stands in the error {error}");
        // In pieces, too, since each kind of escape writes the characters between them in its own way.
        for piece in secret.split(|c: char| !c.is_alphanumeric()).filter(|piece| piece.len() >= 8) {
            assert!(!error.contains(piece), "{piece} of {name} stands in the error {error}");
        }
    }
    // A signature is 88 characters of Base64.
    let base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/');
    let longest = error.split(|c| !base64(c)).map(str::len).max().unwrap_or_default();
    assert!(longest < 80, "a signature stands in the error {error}");
    for query in ["token=", "accessKey=", "secretKey=", "refreshToken=", "signature="] {
        // With a value: a page may have been quoted up to the place where one begins.
        let has_value =
            |(at, name): (usize, &str)| error[at + name.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '%');
        assert!(!error.match_indices(query).any(has_value), "a query stands in the error {error}");
    }
}

/// A program of this workspace, built.
pub fn program(name: &str) -> PathBuf {
    let _ = built_library();
    build_folder().join(format!("{name}{}", env::consts::EXE_SUFFIX))
}

/// A control center on a port of its own. It ends when this is dropped, or with the process that started it.
pub struct ControlCenter {
    child: Child,
    stdin: Option<ChildStdin>,
    /// What it said of itself: `base`, `accesskey`, `secretkey`, `fingerprint`, `pem`.
    pub facts: Value,
}

impl ControlCenter {
    /// Starts a control center with further options.
    pub fn start(options: &[&str]) -> ControlCenter {
        ControlCenter::launch(options, Stdio::null())
    }

    /// The same; its log, a line for each request, goes into a file.
    pub fn with_log(options: &[&str], log: File) -> ControlCenter {
        ControlCenter::launch(options, log.into())
    }

    fn launch(options: &[&str], log: Stdio) -> ControlCenter {
        let program = program("control_center");
        let mut command = Command::new(program);
        command.args(["--port", "0", "--until-stdin-closes"]).args(options);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().expect("the control center can be started");
        let stdin = child.stdin.take();
        let mut line = String::new();
        let stdout = child.stdout.take().expect("its stdout is a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("its first line can be read");
        let facts =
            serde_json::from_str(&line).unwrap_or_else(|error| panic!("its first line is JSON: {error}: {line}"));
        ControlCenter { child, stdin, facts }
    }

    pub fn text(&self, fact: &str) -> &str {
        self.facts[fact].as_str().unwrap_or_default()
    }

    /// How many requests it saw: `requests` in all, `by_path`, `by_status`, `refused_signatures`, ... The page's own and
    /// these are none of them.
    pub fn counts(&self) -> Value {
        self.emulator("GET", "counts", &Value::Null)
    }

    /// Changes its rules from now on: `encoding`, `refuse_signature`, `expire_tokens`.
    pub fn set(&self, change: Value) {
        self.emulator("POST", "settings", &change);
    }

    /// Asks it beside its API. Over plain HTTP alone.
    pub fn emulator(&self, method: &str, name: &str, body: &Value) -> Value {
        let url = format!("{}/_emulator/{name}", self.text("base"));
        let answer = plain_http::json(method, &url, body);
        assert_eq!(answer.status, 200, "{method} {url}: {}", answer.text());
        serde_json::from_str(&answer.text()).expect("it answers JSON")
    }

    /// A request of any function: the address, and over TLS the certificate, with further fields.
    pub fn request(&self, fields: Value) -> Value {
        let mut request = serde_json::json!({ "host": self.text("base"), "proxy": null });
        if !self.text("fingerprint").is_empty() {
            request["tls"] = serde_json::json!({ "pin_sha256": self.text("fingerprint") });
        }
        with_all(request, fields)
    }

    /// The request of `rpa_get_token`.
    pub fn token_request(&self) -> Value {
        self.request(serde_json::json!({ "accesskey": self.text("accesskey"), "secretkey": self.text("secretkey") }))
    }
}

impl Drop for ControlCenter {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.child.wait();
    }
}
