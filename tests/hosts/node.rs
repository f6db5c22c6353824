//! Node, by koffi.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use rpa_test_support::c::with_its_library;
use rpa_test_support::counting;
use rpa_test_support::harness::build_folder;
use rpa_test_support::tools::{all_run, said, skipped};

use super::{Pasted, check, check_clients};

/// Where `npm install --prefix target/npm koffi` puts it.
fn modules() -> PathBuf {
    let folder = build_folder();
    // target/debug, or target/x86_64-unknown-linux-gnu/debug
    let target = folder.ancestors().find(|folder| folder.join("CACHEDIR.TAG").exists()).unwrap_or(&folder);
    target.join("npm/node_modules")
}

fn node(pasted: &Pasted, script: &str) -> Command {
    let mut command = Command::new("node");
    command.env("NODE_PATH", modules()).env_remove("RPA_OPENAPI_LIBRARY").arg(pasted.path(script));
    command
}

/// A folder with the module and a program; `None` where there is no Node or no koffi.
fn with_module(name: &str, program: &str, source: &str) -> Option<Pasted> {
    if !all_run(&["node"], "the Node examples") {
        return None;
    }
    let pasted = Pasted::new(name, &["examples/node/index.js"]);
    pasted.write(program, source);
    pasted.write("koffi.js", "require('koffi');");
    if !node(&pasted, "koffi.js").output().is_ok_and(|output| output.status.success()) {
        skipped("the Node examples: there is no koffi; npm install --prefix target/npm koffi@3.3.4");
        return None;
    }
    Some(pasted)
}

#[test]
fn node_tells_the_story() {
    let source = include_str!("../../examples/node/story.js");
    let Some(pasted) = with_module("node", "story.js", source) else { return };
    check("Node", || node(&pasted, "story.js"));
    check("Node in a plain locale", || {
        let mut command = node(&pasted, "story.js");
        command.env("LC_ALL", "C");
        command
    });
}

#[test]
fn node_tells_of_a_library_that_is_missing_or_wrong() {
    let source = include_str!("../../examples/node/story.js");
    let Some(pasted) = with_module("node-unloaded", "story.js", source) else { return };
    let library = pasted.library();
    counting::compile_source(&library, "int rpa_free; const char *rpa_version(void) { return \"0\"; }");
    for expected in ["is too old or another one", "cannot be loaded"] {
        let mut command = node(&pasted, "story.js");
        let output = with_its_library(command.args(["http://127.0.0.1:1", "-", "-"])).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        let told = said(&output);
        let named = ["The library rpa_openapi", expected, "internal", "delivered: no", "动态库rpa_openapi"];
        assert!(named.iter().all(|part| told.contains(part)), "{named:?}: {told}");
        let _ = fs::remove_file(&library);
    }
}

#[test]
fn the_client_in_node_waits_fails_and_tells() {
    let source = include_str!("programs/clients.js");
    let Some(pasted) = with_module("node-client", "clients.js", source) else { return };
    check_clients("Node", node(&pasted, "clients.js"));
}
