//! The programs that make the same call, and how they are run.

use std::env;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::server::Server;

/// One who makes calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Peer {
    /// A bare socket, or rustls alone, that sends bytes made beforehand.
    Floor,
    /// The library from C.
    Library,
    /// libcurl from C.
    Libcurl,
    /// The library from Python by ctypes.
    PythonLibrary,
    /// Python's requests with one Session.
    Session,
    /// Python's requests with a connection for each call, TLS unverified.
    Vendor,
}

impl Peer {
    pub fn name(self) -> &'static str {
        match self {
            Peer::Floor => "floor: bare socket or rustls",
            Peer::Library => "**rpa_openapi from C**",
            Peer::Libcurl => "libcurl from C",
            Peer::PythonLibrary => "**rpa_openapi from Python**",
            Peer::Session => "requests.Session",
            Peer::Vendor => "requests, as the vendor's client",
        }
    }

    pub fn is_ours(self) -> bool {
        matches!(self, Peer::Library | Peer::PythonLibrary)
    }
}

/// Where a single caller runs. Left to the scheduler this changes from run to run, and with it every figure.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// On another core than the server, as if on another machine: each reply wakes a core that has gone to sleep.
    OtherCore,
    /// On the server's core: nobody has to be woken, so that this shows what the work itself costs.
    SameCore,
    /// As the scheduler likes: for many callers.
    Anywhere,
}

/// What a peer is to do.
#[derive(Clone, Copy)]
pub struct Task<'a> {
    pub tls: bool,
    pub path: &'a str,
    pub threads: u64,
    /// Before the clock runs, by each thread.
    pub warmup: u64,
    /// By each thread.
    pub calls: u64,
    /// 0: a get with a few parameters; else a put with one so long.
    pub bytes: u64,
    pub place: Place,
}

impl Default for Task<'_> {
    fn default() -> Self {
        Task {
            tls: false,
            path: "/oapi/v1/job/list",
            threads: 1,
            warmup: 0,
            calls: 1,
            bytes: 0,
            place: Place::Anywhere,
        }
    }
}

/// What a peer printed.
pub struct Outcome {
    /// From its start to its first line of output.
    pub until_output: Duration,
    /// Resident memory before and after the calls, and at its peak, in KiB.
    pub resident: [f64; 3],
    /// All calls together, in seconds.
    pub wall: f64,
    /// Each call, in microseconds.
    pub took: Vec<f64>,
}

pub struct Peers {
    folder: PathBuf,
    pub library: PathBuf,
    python: PathBuf,
    plain: String,
    tls: String,
    ca: PathBuf,
}

impl Peers {
    /// Builds the library as it is handed out, and all peers.
    pub fn build(server: &Server) -> Peers {
        let library = rpa_test_support::harness::shipped_library().to_owned();
        let folder = server.folder.clone();
        let peers = Peers {
            python: python_with_requests(&folder),
            library,
            folder,
            plain: server.plain.clone(),
            tls: server.tls.clone(),
            ca: server.ca.clone(),
        };
        let library_folder = peers.library.parent().expect("a folder").to_owned();
        // As DT_RPATH, which goes before Cargo's LD_LIBRARY_PATH: that leads to the library which was built beside this
        // program, without link-time optimisation.
        let [mut search, mut run] = ["-L", "-Wl,--disable-new-dtags,-rpath,"].map(OsString::from);
        search.push(&library_folder);
        run.push(&library_folder);
        peers.compile("library", &[search, "-lrpa_openapi".into(), run]);
        peers.compile("libcurl", &["-lcurl".into(), "-lcrypto".into()]);
        peers
    }

    fn compile(&self, name: &str, libraries: &[OsString]) {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/compare/peers").join(format!("{name}.c"));
        let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("include");
        let mut cc = Command::new("cc");
        cc.args(["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-I"]).arg(include).arg("-o");
        cc.arg(self.folder.join(name)).arg(source).args(libraries).arg("-lpthread");
        must_succeed(&mut cc, "a C compiler and libcurl are needed (Debian's packages gcc and libcurl4-openssl-dev)");
    }

    /// The command that makes a peer do a task.
    pub fn command(&self, peer: Peer, task: Task<'_>) -> Command {
        let Task { tls, path, threads, warmup, calls, bytes, place } = task;
        let [program, arguments @ ..] = &self.program(peer)[..] else { unreachable!("a program has a name") };
        let mut command = match place {
            Place::Anywhere => Command::new(program),
            Place::SameCore | Place::OtherCore => {
                let core = if place == Place::SameCore { "0" } else { "1" };
                let mut taskset = Command::new("taskset");
                taskset.args(["--cpu-list", core]).arg(program);
                taskset
            }
        };
        command.args(arguments);
        command.arg(format!("base={}", if tls { &self.tls } else { &self.plain }));
        command.arg(format!("ca={}", if tls { self.ca.display().to_string() } else { String::new() }));
        command.args([format!("path={path}"), format!("threads={threads}"), format!("warmup={warmup}")]);
        command.args([format!("calls={calls}"), format!("bytes={bytes}")]);
        command
    }

    /// A peer's program and first arguments.
    fn program(&self, peer: Peer) -> Vec<OsString> {
        let python = |kind: &str| {
            let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/compare/peers/peer.py");
            let library = format!("library={}", self.library.display());
            vec![self.python.clone().into(), script.into(), kind.into(), library.into()]
        };
        match peer {
            Peer::Floor => vec![env::current_exe().expect("this program has a path").into(), "floor".into()],
            Peer::Library => vec![self.folder.join("library").into()],
            Peer::Libcurl => vec![self.folder.join("libcurl").into()],
            Peer::PythonLibrary => python("library"),
            Peer::Session => python("session"),
            Peer::Vendor => python("vendor"),
        }
    }

    pub fn run(&self, peer: Peer, task: Task<'_>) -> Outcome {
        let mut command = self.command(peer, task);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let started = Instant::now();
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{peer:?} cannot be started: {error}"));
        let mut output = BufReader::new(child.stdout.take().expect("its stdout is a pipe"));
        let mut first = String::new();
        output.read_line(&mut first).expect("its output can be read");
        let until_output = started.elapsed();
        let mut rest = String::new();
        output.read_to_string(&mut rest).expect("its output can be read");
        let status = child.wait().expect("it ends");
        assert!(status.success(), "{peer:?} failed: {status}");
        let mut lines = rest.lines();
        let number = |text: &str| text.parse::<f64>().unwrap_or_else(|_| panic!("{peer:?} printed {text}"));
        let resident: Vec<f64> = first.split_whitespace().skip(1).map(number).collect();
        let wall = lines.next().and_then(|line| line.strip_prefix("wall ")).map(number).expect("a line `wall`");
        Outcome {
            until_output,
            resident: resident.try_into().expect("three figures"),
            wall: wall / 1e9,
            took: lines.map(|line| number(line) / 1e3).collect(),
        }
    }
}

/// A Python of its own, with requests in it.
fn python_with_requests(folder: &Path) -> PathBuf {
    let environment = folder.join("python");
    let python = environment.join("bin/python");
    if !python.exists() {
        must_succeed(Command::new("python3").args(["-m", "venv"]).arg(&environment), "Python 3 with venv is needed");
    }
    let mut install = Command::new(&python);
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "requests"]);
    must_succeed(&mut install, "requests cannot be installed");
    python
}

pub fn must_succeed(command: &mut Command, otherwise: &str) {
    let status = command.status();
    assert!(status.is_ok_and(|status| status.success()), "{otherwise}: {command:?}");
}
