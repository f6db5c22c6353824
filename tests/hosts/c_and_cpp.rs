//! C and C++.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rpa_test_support::c::{self, LEAK_FOUND, Language, on_windows, with_its_library};
use rpa_test_support::harness::ControlCenter;
use rpa_test_support::tools::{said, skipped, succeed};

use super::{Pasted, assert_fails, assert_told, check, check_clients};

const C_STANDARDS: [&str; 2] = ["c99", "c11"];
const CPP_STANDARDS: [&str; 2] = ["c++11", "c++17"];

impl Pasted {
    /// Compiles a file of the folder, which sees no other.
    fn compile(&self, language: Language, standard: &str, source: &str, options: &[&str]) -> Option<PathBuf> {
        let Some(mut compile) = language.compile(standard) else {
            skipped(&format!("no C++ compiler, so {source} is not compiled as {standard}"));
            return None;
        };
        let program = self.path(&format!("{source}-{standard}"));
        compile.args(options).current_dir(&self.0);
        c::link(compile, Path::new(source), &self.0, &program);
        Some(program)
    }
}

fn c_story(name: &str) -> Pasted {
    Pasted::new(name, &["include/rpa_openapi.h", "examples/c/story.c"])
}

fn cpp_story(name: &str) -> Pasted {
    Pasted::new(name, &["include/rpa_openapi.h", "examples/cpp/rpa_openapi.hpp", "examples/cpp/story.cpp"])
}

#[test]
fn c_tells_the_story() {
    if on_windows() {
        return;
    }
    for standard in C_STANDARDS {
        let pasted = c_story(standard);
        let program = pasted.compile(Language::C, standard, "story.c", &[]).expect("there is a C compiler");
        check(standard, || Command::new(&program));
    }
}

#[test]
fn cpp_tells_the_story() {
    if on_windows() {
        return;
    }
    for standard in CPP_STANDARDS {
        let pasted = cpp_story(standard);
        if let Some(program) = pasted.compile(Language::Cpp, standard, "story.cpp", &[]) {
            check(standard, || Command::new(&program));
        }
    }
}

/// Takes the place of a file that frees replies, and counts them.
const COUNTED: &str = include_str!("programs/counted.cpp");

#[test]
fn cpp_frees_a_reply_whatever_happens() {
    if on_windows() {
        return;
    }
    for standard in CPP_STANDARDS {
        let pasted = cpp_story(&format!("counted-{standard}"));
        fs::write(pasted.path("counted.cpp"), COUNTED).expect("a file can be written in the build folder");
        if let Some(program) = pasted.compile(Language::Cpp, standard, "counted.cpp", &[]) {
            succeed(with_its_library(&mut Command::new(program)), standard);
        }
    }
}

/// Included before all else, it lets a program free no reply.
const LEAK: &str = "#include \"rpa_openapi.h\"\n#define rpa_free(reply) ((void)(reply))\n";

#[test]
fn valgrind_finds_no_leak_but_a_planted_one() {
    if on_windows() {
        return;
    }
    if c::valgrind().is_none() {
        return skipped("no valgrind, so the examples are not searched for leaks and misuse of memory");
    }
    let center = ControlCenter::start(&["--tls"]);
    let under_valgrind = |program: &Path, fingerprint: &str| {
        let mut command = c::valgrind().expect("there is valgrind");
        command.arg(program).args([center.text("base"), fingerprint, "-"]);
        with_its_library(&mut command).output().expect("valgrind runs")
    };
    let stories = [
        (Language::C, "c99", "story.c", c_story("valgrind-c")),
        (Language::Cpp, "c++11", "story.cpp", cpp_story("valgrind-cpp")),
    ];
    for (language, standard, source, pasted) in stories {
        let Some(program) = pasted.compile(language, standard, source, &["-g"]) else { continue };
        assert_told(source, &under_valgrind(&program, center.text("fingerprint")));
        let failing = under_valgrind(&program, &"00".repeat(32));
        assert_fails(source, &failing, "tls: ");

        fs::write(pasted.path("leak.h"), LEAK).expect("a file can be written in the build folder");
        let options = ["-g", "-include", "leak.h"];
        let Some(program) = pasted.compile(language, standard, source, &options) else { continue };
        let leaking = under_valgrind(&program, center.text("fingerprint"));
        let what = format!("a leak planted in {source} is not found:\n{}", said(&leaking));
        assert_eq!(leaking.status.code(), Some(LEAK_FOUND), "{what}");
    }
}

#[test]
fn the_client_in_cpp_waits_fails_and_tells() {
    if on_windows() {
        return;
    }
    for standard in CPP_STANDARDS {
        let pasted = cpp_story(&format!("client-{standard}"));
        pasted.write("clients.cpp", include_str!("programs/clients.cpp"));
        if let Some(program) = pasted.compile(Language::Cpp, standard, "clients.cpp", &["-pthread"]) {
            check_clients(standard, Command::new(program));
        }
    }
}
