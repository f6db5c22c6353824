//! A library in the place of the real one, which counts the replies that are not freed.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

/// A library whose replies say how many of them are not freed, and are not JSON when a token is refreshed.
const COUNTING_LIBRARY: &str = r#"
#include <stdio.h>
#include <stdlib.h>
static int alive;
static char *reply(const char *format) {
    char *text = malloc(64);
    snprintf(text, 64, format, ++alive);
    return text;
}
char *rpa_call(const char *request) { return reply("[%d]"); }
char *rpa_sign(const char *request) { return reply("[%d]"); }
char *rpa_get_token(const char *request) { return reply("[%d]"); }
char *rpa_refresh_token(const char *request) { return reply("\xff%d"); }
const char *rpa_version(void) { return "0"; }
void rpa_free(char *reply) { alive--; free(reply); }
"#;

/// Compiles it as the file `library`, its source beside it.
pub fn compile(library: &Path) {
    compile_source(library, COUNTING_LIBRARY);
}

/// Compiles a library from this C source as the file `library`, the source beside it.
pub fn compile_source(library: &Path, text: &str) {
    let source = library.with_extension("c");
    fs::write(&source, text).unwrap();
    let mut compile = Command::new(env::var("CC").unwrap_or_else(|_| "cc".to_owned()));
    compile.args(["-shared", "-fPIC", "-o"]).args([library, &source]);
    assert!(compile.status().expect("Rust itself needs cc to link").success());
}
