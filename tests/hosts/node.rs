//! Node, by koffi.

use std::fs;

use rpa_test_support::c::with_its_library;
use rpa_test_support::tools::said;
use rpa_test_support::{counting, hosts};

use super::{Pasted, again, check, check_clients};

#[test]
fn node_tells_the_story() {
    let pasted = Pasted::new("node", &["examples/node/story.js"]);
    let Some(story) = hosts::node(&pasted.0, "story.js") else { return };
    check("Node", || again(&story));
    check("Node in a plain locale", || {
        let mut command = again(&story);
        command.env("LC_ALL", "C");
        command
    });
}

#[test]
fn node_tells_of_a_library_that_is_missing_or_wrong() {
    let pasted = Pasted::new("node-unloaded", &["examples/node/story.js"]);
    let Some(story) = hosts::node(&pasted.0, "story.js") else { return };
    let library = pasted.library();
    counting::compile_source(&library, "int rpa_free; const char *rpa_version(void) { return \"0\"; }");
    for expected in ["is too old or another one", "cannot be loaded"] {
        let output = with_its_library(again(&story).args(["http://127.0.0.1:1", "-", "-"])).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        let told = said(&output);
        let named = ["The library rpa_openapi", expected, "internal", "delivered: no", "动态库rpa_openapi"];
        assert!(named.iter().all(|part| told.contains(part)), "{named:?}: {told}");
        let _ = fs::remove_file(&library);
    }
}

#[test]
fn the_client_in_node_waits_fails_and_tells() {
    let pasted = Pasted::new("node-client", &["tests/hosts/programs/clients.js"]);
    let Some(program) = hosts::node(&pasted.0, "clients.js") else { return };
    check_clients("Node", program);
}
