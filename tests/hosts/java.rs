//! Java, by JNA.

use std::fs;
use std::path::Path;

use rpa_test_support::c::with_its_library;
use rpa_test_support::tools::said;
use rpa_test_support::{counting, hosts};

use super::{Pasted, again, check, check_clients};

/// What breaks the library in a folder.
type Breaks<'a> = &'a dyn Fn(&Path);

#[test]
fn java_tells_the_story() {
    let pasted = Pasted::new("java", &["examples/java/Story.java"]);
    let Some(story) = hosts::java(&pasted.0, "Story.java") else { return };
    check("Java", || again(&story));
    // Where the system's language has no Chinese.
    check("Java in a plain locale", || {
        let mut command = again(&story);
        command.env("LC_ALL", "C");
        command
    });
}

#[test]
fn java_tells_of_a_library_that_is_missing_or_wrong() {
    let pasted = Pasted::new("java-unloaded", &["examples/java/Story.java"]);
    let Some(story) = hosts::java(&pasted.0, "Story.java") else { return };
    let library = pasted.library();
    let cases: [(&str, Breaks); 3] = [
        ("is too old or another one: it lacks rpa_get_token", &|library| {
            counting::compile_source(library, "const char *rpa_version(void) { return \"0\"; }");
        }),
        ("cannot be loaded. This process is ", &|library| fs::write(library, "no library").unwrap()),
        ("cannot be loaded. This process is ", &|library| fs::remove_file(library).unwrap()),
    ];
    for (expected, prepare) in cases {
        prepare(&library);
        let output = with_its_library(again(&story).args(["http://127.0.0.1:1", "-", "-"])).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        let told = said(&output);
        let named = ["The library rpa_openapi", expected, "internal", "delivered: NO", "动态库rpa_openapi"];
        assert!(named.iter().all(|part| told.contains(part)), "{named:?}: {told}");
    }
}

#[test]
fn the_client_in_java_waits_fails_and_tells() {
    let pasted = Pasted::new("java-client", &["tests/hosts/programs/Clients.java"]);
    let Some(program) = hosts::java(&pasted.0, "Clients.java") else { return };
    check_clients("Java", program);
}
