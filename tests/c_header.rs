//! The header as C and C++ programmers meet it: `tests/c/story.c` is compiled against it, linked to the built library
//! and run against a control center.
//!
//! Takes the compilers that `CC` and `CXX` name, else the system's. Without a C++ compiler that part is skipped, and
//! so is the search for leaks without valgrind; with `RPA_REQUIRE_TOOLS` set, that is a failure.

#[path = "../examples/harness/mod.rs"]
mod harness;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::{env, fs, io};

use harness::ControlCenter;

const WARNINGS: [&str; 4] = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"];
const STANDARDS: [(Language, &str); 4] =
    [(Language::C, "c99"), (Language::C, "c11"), (Language::Cpp, "c++11"), (Language::Cpp, "c++17")];
const LEAK_FOUND: i32 = 9;

#[derive(Clone, Copy, PartialEq)]
enum Language {
    C,
    Cpp,
}

impl Language {
    /// The compiler's command with its first options; `None` where there is no such compiler.
    fn compiler(self) -> Option<Vec<String>> {
        let (variable, candidates): (_, &[&str]) = match self {
            Language::C => ("CC", &["cc", "gcc", "clang"]),
            Language::Cpp => ("CXX", &["c++", "g++", "clang++"]),
        };
        if let Some(chosen) = env::var(variable).ok().filter(|chosen| !chosen.trim().is_empty()) {
            let words: Vec<String> = chosen.split_whitespace().map(str::to_owned).collect();
            assert!(runs(&words[0]), "{variable} is \"{chosen}\", and that cannot be run");
            return Some(words);
        }
        let found = candidates.iter().find(|name| runs(name));
        assert!(found.is_some() || self == Language::Cpp, "there is no C compiler; Rust itself needs one to link");
        found.map(|name| vec![(*name).to_owned()])
    }

    fn compile(self, standard: &str) -> Option<Command> {
        let compiler = self.compiler()?;
        let mut command = Command::new(&compiler[0]);
        command.args(&compiler[1..]).arg(format!("-std={standard}")).args(WARNINGS);
        command.args(["-x", if self == Language::C { "c" } else { "c++" }]);
        command.arg("-I").arg(in_tree("include"));
        Some(command)
    }
}

fn runs(program: &str) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn in_tree(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A folder for what one test makes.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).expect("a folder can be made in the build folder");
    folder
}

/// Says on the real stderr, past the test runner's capture, that something was not checked.
fn skipped(what: &str) {
    assert!(env::var_os("RPA_REQUIRE_TOOLS").is_none(), "RPA_REQUIRE_TOOLS is set, but: {what}");
    let _ = writeln!(io::stderr(), "\nskipped: {what}");
}

/// The commands here are those of GCC and Clang.
fn on_windows() -> bool {
    if cfg!(windows) {
        let _ = writeln!(io::stderr(), "\nskipped: the header is compiled on other systems than Windows only");
    }
    cfg!(windows)
}

fn succeed(command: &mut Command, what: &str) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{what}: cannot be started: {error}"));
    assert!(output.status.success(), "{what}: {}\n{command:?}\n{}", output.status, said(&output));
    output
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Compiles the C program with further options and links it to the library of this build.
fn story(mut compile: Command, options: &[&str], program: PathBuf) -> PathBuf {
    let library = harness::built_library().parent().expect("the library lies in a folder");
    compile.args(options).arg("-o").arg(&program).arg(in_tree("tests/c/story.c"));
    compile.args(["-x", "none", "-L"]).arg(library).arg("-lrpa_openapi");
    compile.arg(format!("-Wl,-rpath,{}", library.display()));
    succeed(&mut compile, "compiling tests/c/story.c");
    program
}

/// The command runs with the library of its rpath: Cargo's own search path would win over that.
fn with_its_library(command: &mut Command) -> &mut Command {
    command.env_remove("LD_LIBRARY_PATH").env_remove("DYLD_FALLBACK_LIBRARY_PATH")
}

fn control_center() -> (ControlCenter, [String; 2]) {
    let center = ControlCenter::start(&["--tls"]);
    let arguments = ["base", "fingerprint"].map(|fact| center.text(fact).to_owned());
    (center, arguments)
}

#[test]
fn a_program_in_each_language_calls_every_function() {
    if on_windows() {
        return;
    }
    let (_center, arguments) = control_center();
    for (language, standard) in STANDARDS {
        let Some(compile) = language.compile(standard) else {
            skipped(&format!("no C++ compiler, so tests/c/story.c is not compiled as {standard}"));
            continue;
        };
        let program = story(compile, &[], folder("c_header").join(format!("story-{standard}")));
        let output = succeed(with_its_library(Command::new(program).args(&arguments)), standard);
        let expected = format!("story: all as it should be, version {}\n", env!("CARGO_PKG_VERSION"));
        assert_eq!(said(&output), expected, "{standard}");
    }
}

#[test]
fn the_program_says_what_is_wrong() {
    if on_windows() {
        return;
    }
    let (_center, [base, _]) = control_center();
    let compile = Language::C.compile("c99").expect("there is a C compiler");
    let program = story(compile, &[], folder("c_header").join("story-fails"));
    let output = with_its_library(Command::new(program).args([base, "00".repeat(32)])).output().expect("it runs");
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("\"kind\":\"tls\""), "{}", said(&output));
}

#[test]
fn the_header_stands_alone_and_may_come_twice() {
    if on_windows() {
        return;
    }
    let folder = folder("header_alone");
    let include = "#include \"rpa_openapi.h\"\n";
    for (name, source) in [("alone.c", include.to_owned()), ("twice.c", include.repeat(2))] {
        let file = folder.join(name);
        fs::write(&file, source).expect("a file can be written in the build folder");
        for (language, standard) in STANDARDS {
            match language.compile(standard) {
                Some(mut compile) => {
                    succeed(compile.arg("-fsyntax-only").arg(&file), &format!("{name} as {standard}"));
                }
                None => skipped(&format!("no C++ compiler, so {name} is not compiled as {standard}")),
            }
        }
    }
}

#[test]
fn valgrind_finds_no_leak_but_a_planted_one() {
    if on_windows() {
        return;
    }
    if !runs("valgrind") {
        return skipped("no valgrind, so tests/c/story.c is not searched for leaks and misuse of memory");
    }
    let (_center, arguments) = control_center();
    let under_valgrind = |program: PathBuf| {
        let mut command = Command::new("valgrind");
        command.args(["--quiet", "--leak-check=full", &format!("--error-exitcode={LEAK_FOUND}")]);
        // A "possible" leak is memory known by a pointer to its middle alone, as Rust's hash tables in the connection
        // pool are, which lives on by design.
        command.args(["--show-leak-kinds=definite", "--errors-for-leak-kinds=definite", "--num-callers=40"]);
        command.arg(format!("--suppressions={}", in_tree("tests/c/valgrind.supp").display()));
        with_its_library(command.arg(program).args(&arguments)).output().expect("valgrind runs")
    };
    let compile = || Language::C.compile("c99").expect("there is a C compiler");

    let clean = under_valgrind(story(compile(), &["-g"], folder("c_header").join("story-clean")));
    assert!(clean.status.success(), "{}\n{}", clean.status, said(&clean));

    let options = ["-g", "-DPLANT_LEAK"];
    let leaking = under_valgrind(story(compile(), &options, folder("c_header").join("story-leaking")));
    assert_eq!(leaking.status.code(), Some(LEAK_FOUND), "a planted leak is not found:\n{}", said(&leaking));
}
