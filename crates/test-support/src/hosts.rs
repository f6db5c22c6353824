//! C#, Java, Node and Go of this machine, for tests that build programs of the examples and run them. Each takes a folder
//! with a program and the library in it, puts the files of its example there, and gives the command that runs the program;
//! `None` where a tool is missing, which is told.
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::build_folder;
use crate::tools::{all_run, in_tree, skipped, succeed};

const JAVA: [&str; 6] =
    ["RpaClient.java", "RpaException.java", "RpaJson.java", "RpaOpenApi.java", "RpaReply.java", "RpaWarning.java"];

/// Copies a file of the repository into the folder, under a name of its own.
fn paste(folder: &Path, file: &str, name: &str) {
    let to = folder.join(name);
    fs::create_dir_all(to.parent().expect("a file lies in a folder")).expect("a folder can be made");
    fs::copy(in_tree(file), &to).unwrap_or_else(|error| panic!("{file}: {error}"));
}

/// Compiles a C# program of one file, `Name.cs`, with the wrapper. It holds nothing that C# 5 has not, which is what the
/// compiler on every Windows knows.
pub fn csharp(folder: &Path, source: &str) -> Option<Command> {
    if !all_run(&["mcs", "mono"], "the C# examples") {
        return None;
    }
    paste(folder, "examples/csharp/RpaOpenApi.cs", "RpaOpenApi.cs");
    let program = folder.join(source).with_extension("exe");
    let mut compile = Command::new("mcs");
    compile.args(["-langversion:5", "-warn:4", "-warnaserror", "-nologo"]).arg(format!("-out:{}", program.display()));
    succeed(compile.args([source, "RpaOpenApi.cs"]).current_dir(folder), source);
    let mut command = Command::new("mono");
    command.arg(program);
    Some(command)
}

/// Where Debian puts JNA; `RPA_JNA` names another one.
fn jna() -> Option<PathBuf> {
    let jar = env::var_os("RPA_JNA").map_or_else(|| PathBuf::from("/usr/share/java/jna.jar"), PathBuf::from);
    jar.is_file().then_some(jar)
}

/// Compiles a Java program of one file, `Name.java`, with the classes, for Java 8.
pub fn java(folder: &Path, source: &str) -> Option<Command> {
    if !all_run(&["javac", "java"], "the Java examples") {
        return None;
    }
    let Some(jna) = jna() else {
        skipped("the Java examples: there is no jna.jar (Debian's libjna-java), and RPA_JNA names none");
        return None;
    };
    let classes = JAVA.map(|file| format!("isrpa/openapi/{file}"));
    classes.iter().for_each(|file| paste(folder, &format!("examples/java/{file}"), file));
    let mut compile = Command::new("javac");
    // Newer compilers say that Java 8 is old.
    compile.args(["--release", "8", "-Xlint:all,-options", "-Werror", "-encoding", "UTF-8", "-d", ".", "-cp"]);
    succeed(compile.arg(&jna).arg(source).args(classes).current_dir(folder), source);
    let mut command = Command::new("java");
    command.arg(format!("-Djna.library.path={}", folder.display()));
    // What JNA unpacks, its own library, stays here.
    command.arg(format!("-Djna.tmpdir={}", folder.display()));
    command.arg("-cp").arg(env::join_paths([folder, &jna]).expect("a path without a colon"));
    command.arg(source.trim_end_matches(".java"));
    Some(command)
}

/// Where `npm install --prefix target/npm koffi` puts it.
fn node_modules() -> PathBuf {
    let folder = build_folder();
    // target/debug, or target/x86_64-unknown-linux-gnu/debug
    folder.ancestors().map(|target| target.join("npm/node_modules")).find(|modules| modules.is_dir()).unwrap_or(folder)
}

/// Node about to run a script of the folder, which requires `./index.js`.
pub fn node(folder: &Path, script: &str) -> Option<Command> {
    if !all_run(&["node"], "the Node examples") {
        return None;
    }
    paste(folder, "examples/node/index.js", "index.js");
    let node = || {
        let mut command = Command::new("node");
        command.env("NODE_PATH", node_modules()).env_remove("RPA_OPENAPI_LIBRARY");
        command
    };
    if !node().args(["-e", "require('koffi')"]).output().is_ok_and(|output| output.status.success()) {
        skipped("the Node examples: there is no koffi; npm install --prefix target/npm koffi@3.3.4");
        return None;
    }
    let mut command = node();
    command.arg(folder.join(script));
    Some(command)
}

/// Builds the Go program of a folder, its `main.go`, with the package, which pkg-config leads to the library.
pub fn go(folder: &Path) -> Option<Command> {
    if !all_run(&["go", "pkg-config", "cc"], "the Go examples") {
        return None;
    }
    paste(folder, "include/rpa_openapi.h", "rpa_openapi.h");
    for file in ["go.mod", "rpaopenapi/rpaopenapi.go"] {
        paste(folder, &format!("examples/go/{file}"), file);
    }
    let place = folder.display();
    let found = format!(
        "Name: rpa_openapi\nDescription: rpa_openapi\nVersion: 0\nCflags: -I{place}\nLibs: -L{place} -lrpa_openapi\n"
    );
    fs::write(folder.join("rpa_openapi.pc"), found).expect("a file can be written in the build folder");
    let program = folder.join("program");
    let mut build = Command::new("go");
    build.arg("build").arg("-o").arg(&program).arg(".").current_dir(folder);
    build.env("PKG_CONFIG_PATH", folder).env("GOCACHE", folder.join("cache")).env("GOPATH", folder.join("path"));
    build.env("GOPROXY", "off").env("GOFLAGS", "-mod=mod").env("GOTOOLCHAIN", "local").env("CGO_ENABLED", "1");
    // The program finds the library where it was linked.
    build.env("CGO_LDFLAGS", format!("-Wl,-rpath,{place}"));
    succeed(&mut build, "go build");
    Some(Command::new(program))
}
