//! The examples in C, C++, C#, Java, Node and Go, as people use them: pasted into an empty folder with the library, compiled
//! there, and run against a control center.
//!
//! A compiler, a runtime or a valgrind that is missing means that its part is skipped; with `RPA_REQUIRE_TOOLS` set, it
//! fails.

mod c_and_cpp;
mod csharp;
mod go;
mod java;
mod node;

use std::path::PathBuf;
use std::process::{Command, Output};

use rpa_test_support::c::with_its_library;
use rpa_test_support::folder::Folder;
use rpa_test_support::harness::{self, ControlCenter};
use rpa_test_support::server::Server;
use rpa_test_support::tools::{in_tree, said, succeed};

/// An empty folder into which files of the repository are pasted, beside the library.
struct Pasted(Folder);

impl Pasted {
    fn new(name: &str, files: &[&str]) -> Pasted {
        let folder = Folder::new(&format!("hosts-{name}"));
        folder.paste(harness::built_library());
        files.iter().for_each(|file| folder.paste(&in_tree(file)));
        Pasted(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn write(&self, name: &str, text: &str) {
        self.0.write(name, text);
    }

    fn library(&self) -> PathBuf {
        self.path(&harness::built_library().file_name().expect("it is a file").to_string_lossy())
    }
}

/// The same command once more.
fn again(command: &Command) -> Command {
    let mut same = Command::new(command.get_program());
    same.args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => same.env(name, value),
            None => same.env_remove(name),
        };
    }
    same
}

/// What each story prints, in whatever language it is told.
fn story() -> String {
    let version = env!("CARGO_PKG_VERSION");
    format!(
        "version {version}\ntoken: ok\njob started: ok\njob read back: 月结 & 100% 完成\ntoken refreshed: ok\n\
         refused on purpose: argument acesstoken\n"
    )
}

/// Runs a program that tells the story: over TLS and plain, and with what must make it fail.
fn check(what: &str, program: impl Fn() -> Command) {
    let run = |arguments: &[&str]| {
        let mut command = program();
        with_its_library(&mut command).args(arguments);
        command.output().unwrap_or_else(|error| panic!("{what}: cannot be started: {error}"))
    };
    let secure = ControlCenter::start(&["--tls"]);
    let (base, fingerprint) = (secure.text("base"), secure.text("fingerprint"));
    assert_told(what, &run(&[base, fingerprint, "-"]));

    // Without a third argument the environment says which proxy to use: here, none.
    let plain = ControlCenter::start(&[]);
    let output = with_its_library(program().args([plain.text("base"), "-"]).env("NO_PROXY", "*").env("no_proxy", "*"))
        .output()
        .unwrap_or_else(|error| panic!("{what}: cannot be started: {error}"));
    assert_told(what, &output);

    assert_fails(what, &run(&[base, &"00".repeat(32), "-"]), "tls: ");
    assert_fails(what, &run(&[base, "-", "-"]), "tls: ");
    assert_fails(what, &run(&[base, fingerprint, "http://127.0.0.1:1"]), "proxy: ");
    assert_fails(what, &run(&["no \"URL\" \\", "-", "-"]), "argument: `host`");
    // A control center that refuses: it says why in a reply of its own.
    let elsewhere = format!("{}/elsewhere", plain.text("base"));
    assert_fails(what, &run(&[&elsewhere, "-", "-"]), "接口不存在");
    let wrong_usage = run(&[base]);
    assert_eq!(wrong_usage.status.code(), Some(2), "{what}: {}", said(&wrong_usage));
}

fn assert_told(what: &str, output: &Output) {
    assert!(output.status.success(), "{what}: {}\n{}", output.status, said(output));
    // Of a failed comparison the whole is wanted, with what is on stderr.
    assert_eq!(said(output).replace("\r\n", "\n"), story(), "{what}");
}

/// The program ended with the status of failure before it got a token, and said why.
fn assert_fails(what: &str, output: &Output, why: &str) {
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{what}: {}", said(output));
    assert_eq!(stdout.lines().count(), 1, "{what}: only the version should be printed: {stdout}");
    assert!(stderr.contains(why), "{what}: {why:?} should stand in {stderr}");
}

/// What the program `clients` of each language prints.
const CLIENTS: &str = "\
cancelled: ok
error: tls no ok
reply: 月结 & 100% 完成
run: finished
resume: finished
pages: 4
warning: verify
diagnosis: well, tls tls.pin_sha256 you
";

/// Runs a program that tries what the clients have beside plain calls: that waiting can be given up, errors with fields,
/// a token that the library looks after, work that takes long, lists in pages, and a diagnosis.
///
/// C++ has no call that could be given up.
fn check_clients(what: &str, mut program: Command) {
    let center = ControlCenter::start(&["--tls"]);
    let silent = Server::start(|connection| while connection.request().is_some() {});
    let (base, fingerprint) = (center.text("base"), center.text("fingerprint"));
    program.args([base, fingerprint, &silent.url()]);
    let output = succeed(with_its_library(&mut program), what);
    let expected = if what.starts_with("c++") { CLIENTS.split_once('\n').unwrap_or_default().1 } else { CLIENTS };
    assert_eq!(said(&output).replace("\r\n", "\n"), expected, "{what}");
}
