//! The header as C and C++ programmers meet it: `tests/c/story.c` is compiled against it, linked to the built library
//! and run against a control center.

use rpa_test_support::{c, folder, harness, tools};

use std::path::PathBuf;
use std::process::Command;

use c::{LEAK_FOUND, Language, on_windows, with_its_library};
use folder::Folder;
use harness::ControlCenter;
use tools::{in_tree, said, skipped, succeed};

const STANDARDS: [(Language, &str); 4] =
    [(Language::C, "c99"), (Language::C, "c11"), (Language::Cpp, "c++11"), (Language::Cpp, "c++17")];

fn compile(language: Language, standard: &str) -> Option<Command> {
    let mut command = language.compile(standard)?;
    command.arg("-I").arg(in_tree("include"));
    Some(command)
}

fn compile_c(options: &[&str]) -> Command {
    let mut command = compile(Language::C, "c99").expect("there is a C compiler");
    command.args(options);
    command
}

/// Compiles the C program and links it to the library of this build.
fn story(compile: Command, folder: &Folder, name: &str) -> PathBuf {
    let library = harness::built_library().parent().expect("the library lies in a folder");
    let program = folder.join(name);
    c::link(compile, &in_tree("tests/c/story.c"), library, &program);
    program
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
    let folder = Folder::new("c_header");
    for (language, standard) in STANDARDS {
        let Some(compile) = compile(language, standard) else {
            skipped(&format!("no C++ compiler, so tests/c/story.c is not compiled as {standard}"));
            continue;
        };
        let program = story(compile, &folder, &format!("story-{standard}"));
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
    let folder = Folder::new("c_header");
    let program = story(compile_c(&[]), &folder, "story-fails");
    let output = with_its_library(Command::new(program).args([base, "00".repeat(32)])).output().expect("it runs");
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("\"kind\":\"tls\""), "{}", said(&output));
}

#[test]
fn the_header_stands_alone_and_may_come_twice() {
    if on_windows() {
        return;
    }
    let folder = Folder::new("header-alone");
    let include = "#include \"rpa_openapi.h\"\n";
    for (name, source) in [("alone.c", include.to_owned()), ("twice.c", include.repeat(2))] {
        let file = folder.write(name, &source);
        for (language, standard) in STANDARDS {
            match compile(language, standard) {
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
    if c::valgrind().is_none() {
        return skipped("no valgrind, so tests/c/story.c is not searched for leaks and misuse of memory");
    }
    let (_center, arguments) = control_center();
    let under_valgrind = |program: PathBuf| {
        let mut command = c::valgrind().expect("there is valgrind");
        with_its_library(command.arg(program).args(&arguments)).output().expect("valgrind runs")
    };

    let folder = Folder::new("c_header");
    let clean = under_valgrind(story(compile_c(&["-g"]), &folder, "story-clean"));
    assert!(clean.status.success(), "{}\n{}", clean.status, said(&clean));

    let leaking = under_valgrind(story(compile_c(&["-g", "-DPLANT_LEAK"]), &folder, "story-leaking"));
    assert_eq!(leaking.status.code(), Some(LEAK_FOUND), "a planted leak is not found:\n{}", said(&leaking));
}
