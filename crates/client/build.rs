//! Tells the crate, and the build scripts of those that use it, which commit it is built from: `RPA_OPENAPI_COMMIT`.
//!
//! Git's own files are read in place of asking git: its program may be missing, and refuses a folder of another user. A
//! source archive has no such files, and so no commit. Nor has a build for development: it would be made anew, and every
//! test with it, with each commit.

use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    let root = PathBuf::from(variable("CARGO_MANIFEST_DIR")).join("..").join("..");
    let commit = match variable("PROFILE").as_str() {
        "release" => commit(&root).unwrap_or_default(),
        _ => String::new(),
    };
    watch(Path::new("build.rs"));
    println!("cargo::rustc-env=RPA_OPENAPI_COMMIT={commit}");
    println!("cargo::metadata=COMMIT={commit}");
}

/// What is checked out in a folder, in hexadecimal digits; `None` unless git keeps exactly this folder.
fn commit(root: &Path) -> Option<String> {
    let mut git = root.join(".git");
    // In a further worktree, and in a submodule, it is a file that says where the folder is.
    if let Ok(text) = fs::read_to_string(&git) {
        git = root.join(text.strip_prefix("gitdir:")?.trim());
    }
    let head = watched(&git.join("HEAD"))?;
    let Some(branch) = head.strip_prefix("ref:").map(str::trim) else { return digits(&head) };
    // Branches are common to all worktrees.
    let common = match fs::read_to_string(git.join("commondir")) {
        Ok(folder) => git.join(folder.trim()),
        Err(_) => git,
    };
    let packed = watched(&common.join("packed-refs"));
    watched(&common.join(branch))
        .or_else(|| {
            // With the next commit it gets a file of its own.
            watch(common.join(branch).parent()?);
            let named = |line: &str| Some(line.strip_suffix(branch)?.strip_suffix(' ')?.to_owned());
            packed?.lines().find_map(named)
        })
        .as_deref()
        .and_then(digits)
}

fn digits(text: &str) -> Option<String> {
    let text = text.trim();
    let is_commit = text.len() >= 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_commit.then(|| text.to_owned())
}

/// A file's text, whose changes lead to another look; `None` if it cannot be read.
fn watched(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    watch(path);
    Some(text)
}

/// What is not there must not be watched: Cargo would look again with every build.
fn watch(path: &Path) {
    if path.exists() {
        println!("cargo::rerun-if-changed={}", path.display());
    }
}

/// What Cargo tells each build script.
fn variable(name: &str) -> String {
    env::var(name).expect("Cargo sets it")
}
