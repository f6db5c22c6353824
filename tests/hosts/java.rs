//! Java, by JNA.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use rpa_test_support::c::with_its_library;
use rpa_test_support::counting;
use rpa_test_support::tools::{self, said, skipped, succeed};

use super::{Pasted, check, check_clients};

const SOURCES: [&str; 6] =
    ["RpaClient.java", "RpaException.java", "RpaJson.java", "RpaOpenApi.java", "RpaReply.java", "RpaWarning.java"];

/// Where Debian puts it; `RPA_JNA` names another one.
fn jna() -> Option<PathBuf> {
    let jar = env::var_os("RPA_JNA").map_or_else(|| PathBuf::from("/usr/share/java/jna.jar"), PathBuf::from);
    jar.is_file().then_some(jar)
}

/// A folder with the classes and a program, compiled for Java 8; `None` where that cannot be.
fn compiled(name: &str, program: &str, source: &str) -> Option<Pasted> {
    if !tools::all_run(&["javac", "java"], "the Java examples") {
        return None;
    }
    let Some(jna) = jna() else {
        skipped("the Java examples: there is no jna.jar (Debian's libjna-java), and RPA_JNA names none");
        return None;
    };
    let pasted = Pasted::new(name, &[]);
    for file in SOURCES {
        pasted.paste_as(&format!("examples/java/isrpa/openapi/{file}"), &format!("isrpa/openapi/{file}"));
    }
    pasted.write(program, source);
    let mut compile = Command::new("javac");
    // Newer compilers say that Java 8 is old.
    compile.args(["--release", "8", "-Xlint:all,-options", "-Werror", "-encoding", "UTF-8", "-d", ".", "-cp"]).arg(jna);
    compile.arg(program).args(SOURCES.map(|file| format!("isrpa/openapi/{file}")));
    succeed(compile.current_dir(pasted.path("")), program);
    Some(pasted)
}

/// Java about to run a class of the folder, with the library of the folder.
fn java(pasted: &Pasted, class: &str) -> Command {
    let folder = pasted.path("");
    let mut command = Command::new("java");
    let paths = env::join_paths([folder.as_path(), &jna().expect("it was found before")]).expect("a path of a folder");
    command.arg(format!("-Djna.library.path={}", folder.display()));
    // What JNA unpacks, its own library, stays here.
    command.arg(format!("-Djna.tmpdir={}", folder.display())).arg("-cp").arg(paths).arg(class);
    command
}

#[test]
fn java_tells_the_story() {
    let source = include_str!("../../examples/java/Story.java");
    let Some(pasted) = compiled("java", "Story.java", source) else { return };
    check("Java", || java(&pasted, "Story"));
    // Where the system's language has no Chinese.
    check("Java in a plain locale", || {
        let mut command = java(&pasted, "Story");
        command.env("LC_ALL", "C");
        command
    });
}

#[test]
fn java_tells_of_a_library_that_is_missing_or_wrong() {
    let source = include_str!("../../examples/java/Story.java");
    let Some(pasted) = compiled("java-unloaded", "Story.java", source) else { return };
    let library = pasted.library();
    let cases: [(&str, &dyn Fn(&Path)); 3] = [
        ("is too old or another one: it lacks rpa_get_token", &|library| {
            counting::compile_source(library, "const char *rpa_version(void) { return \"0\"; }");
        }),
        ("cannot be loaded. This process is ", &|library| std::fs::write(library, "no library").unwrap()),
        ("cannot be loaded. This process is ", &|library| std::fs::remove_file(library).unwrap()),
    ];
    for (expected, prepare) in cases {
        prepare(&library);
        let output = with_its_library(java(&pasted, "Story").args(["http://127.0.0.1:1", "-", "-"])).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        let told = said(&output);
        let named = ["The library rpa_openapi", expected, "internal", "delivered: NO", "动态库rpa_openapi"];
        assert!(named.iter().all(|part| told.contains(part)), "{named:?}: {told}");
    }
}

#[test]
fn the_client_in_java_waits_fails_and_tells() {
    let source = include_str!("programs/Clients.java");
    let Some(pasted) = compiled("java-client", "Clients.java", source) else { return };
    check_clients("Java", java(&pasted, "Clients"));
}
