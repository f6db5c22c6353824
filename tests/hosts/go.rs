//! Go, by cgo and pkg-config.

use std::path::PathBuf;
use std::process::Command;

use rpa_test_support::tools::{all_run, succeed};

use super::{Pasted, check, check_clients};

/// A program built of the package; `None` where there is no Go. `main` takes the place of the story where it is given.
fn built(name: &str, main: Option<&str>) -> Option<(Pasted, PathBuf)> {
    if !all_run(&["go", "pkg-config", "cc"], "the Go examples") {
        return None;
    }
    let pasted = Pasted::new(name, &["include/rpa_openapi.h", "examples/go/go.mod", "examples/go/main.go"]);
    pasted.paste_as("examples/go/rpaopenapi/rpaopenapi.go", "rpaopenapi/rpaopenapi.go");
    if let Some(main) = main {
        pasted.write("main.go", main);
    }
    let folder = pasted.path("");
    let found = format!(
        "Name: rpa_openapi\nDescription: rpa_openapi\nVersion: {}\nCflags: -I{place}\nLibs: -L{place} -lrpa_openapi\n",
        env!("CARGO_PKG_VERSION"),
        place = "${pcfiledir}"
    );
    pasted.write("rpa_openapi.pc", &found);
    let mut build = Command::new("go");
    build.args(["build", "-o", "program", "."]).current_dir(&folder);
    build.env("PKG_CONFIG_PATH", &folder).env("GOCACHE", folder.join("cache")).env("GOPATH", folder.join("path"));
    build.env("GOPROXY", "off").env("GOFLAGS", "-mod=mod").env("GOTOOLCHAIN", "local").env("CGO_ENABLED", "1");
    // The program finds the library where it was linked.
    build.env("CGO_LDFLAGS", format!("-Wl,-rpath,{}", folder.display()));
    succeed(&mut build, "go build");
    let program = pasted.path("program");
    Some((pasted, program))
}

#[test]
fn go_tells_the_story() {
    let Some((_pasted, program)) = built("go", None) else { return };
    check("Go", || Command::new(&program));
}

#[test]
fn the_client_in_go_waits_fails_and_tells() {
    let Some((_pasted, program)) = built("go-client", Some(include_str!("programs/clients.go"))) else { return };
    check_clients("Go", Command::new(program));
}
