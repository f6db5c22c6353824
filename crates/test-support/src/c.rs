//! The C and C++ compilers of this machine, and valgrind, for tests that compile programs and run them.
//!
//! Takes the compilers that `CC` and `CXX` name, else the system's.
use std::env;
use std::io::{self, Write};
use std::path::Path;
use std::process::Command;

use crate::tools::{in_tree, runs, succeed};

const WARNINGS: [&str; 4] = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"];
/// What valgrind exits with if it finds something.
pub const LEAK_FOUND: i32 = 9;

#[derive(Clone, Copy, PartialEq)]
pub enum Language {
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

    /// The compiler, told to take warnings for errors; `None` where there is none.
    pub fn compile(self, standard: &str) -> Option<Command> {
        let compiler = self.compiler()?;
        let mut command = Command::new(&compiler[0]);
        command.args(&compiler[1..]).arg(format!("-std={standard}")).args(WARNINGS);
        command.args(["-x", if self == Language::C { "c" } else { "c++" }]);
        Some(command)
    }
}

/// Compiles a source file and links it to the library in a folder, where the program will look for it, too.
pub fn link(mut compile: Command, source: &Path, library: &Path, program: &Path) {
    compile.arg("-o").arg(program).arg(source);
    compile.args(["-x", "none", "-L"]).arg(library).arg("-lrpa_openapi");
    compile.arg(format!("-Wl,-rpath,{}", library.display()));
    succeed(&mut compile, &format!("compiling {}", source.display()));
}

/// The command runs with the library of its rpath: Cargo's own search path would win over that.
pub fn with_its_library(command: &mut Command) -> &mut Command {
    command.env_remove("LD_LIBRARY_PATH").env_remove("DYLD_FALLBACK_LIBRARY_PATH")
}

/// Valgrind about to run a program; `None` where there is none.
pub fn valgrind() -> Option<Command> {
    if !runs("valgrind") {
        return None;
    }
    let mut command = Command::new("valgrind");
    command.args(["--quiet", "--leak-check=full", &format!("--error-exitcode={LEAK_FOUND}")]);
    // A "possible" leak is memory known by a pointer to its middle alone, as Rust's hash tables in the connection
    // pool are, which lives on by design.
    command.args(["--show-leak-kinds=definite", "--errors-for-leak-kinds=definite", "--num-callers=40"]);
    command.arg(format!("--suppressions={}", in_tree("tests/c/valgrind.supp").display()));
    Some(command)
}

/// The commands here are those of GCC and Clang.
pub fn on_windows() -> bool {
    if cfg!(windows) {
        let _ = writeln!(io::stderr(), "\nskipped: programs are compiled on other systems than Windows only");
    }
    cfg!(windows)
}
