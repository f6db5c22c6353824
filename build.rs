//! Keeps `include/rpa_openapi.h` in step with the exported functions, and gives a Windows DLL its version resource.

use std::path::Path;
use std::{env, fs, io};

use winresource::{VersionInfo, WindowsResource};

/// The top of the header: what every caller must know.
const CONVENTIONS: &str = "\
/*
 * rpa_openapi: calls the OpenAPI of an RPA control center (iS-RPA, 2020.4 and later).
 *
 * Conventions
 *   Texts      Requests and replies are NUL-terminated JSON objects in UTF-8.
 *   Replies    A reply is never NULL and always JSON, whatever came in: NULL, bytes that are not UTF-8, text that is not
 *              JSON. It is the server's own JSON, byte for byte, or {\"code\":...,\"msg\":...,\"result\":null,\"error\":{...}}.
 *   Ownership  The caller owns a reply and frees it once, with rpa_free, from any thread. Never with free().
 *              A reply is read, not written into. A request stays the caller's; the library keeps no pointer to it.
 *   Threads    Every function may be called from any number of threads at once. No init call, no settings left behind.
 *   Time       A call blocks until it has an answer, and never longer than its timeout_ms (default 30000).
 *   Loading    Load the library once and leave it loaded: it keeps idle connections and tokens for further calls.
 *   Tokens     rpa_call and rpa_sign take accesskey and secretkey in place of accesstoken. The library then gets the token,
 *              keeps it (in token_store), renews it before it ends, and replaces one that the server refuses.
 *   Calling    C (cdecl), on 32-bit Windows too.
 *
 * Common fields of a request (defaults in brackets)
 *   host                text, required: https://name-or-ip[:port][/prefix]; http:// works too
 *   port                1..65535, wins over a port in host [443, or 80 for http]
 *   retry               1..10, attempts in all [2]
 *   timeout_ms          1..600000, for the whole call [30000]
 *   connect_timeout_ms  1..600000, for one connection [10000]
 *   keep_alive_ms       0..600000, how long an idle connection may wait; 0 closes it after each call [5000]
 *   proxy               http://[user:password@]host:port or socks5://..., null or \"\" for none [the system's]
 *   tls                 {\"verify\":true,\"ca_file\":\"PEM file\",\"pin_sha256\":\"certificate's fingerprint\"} [verify]
 *   headers             object of text: further headers [none]
 *   max_response_bytes  1..1073741824, a longer reply is refused [16777216]
 *
 * Fields of rpa_call and rpa_sign with accesskey and secretkey
 *   token_store         \"memory\", this process; {\"file\":\"path\"}, all processes of this machine;
 *                       {\"redis\":\"redis://[user:password@]host:port/db\"} or rediss://, all machines [\"memory\"]
 *   token_ttl_ms        1..316224000000, the token's lifetime where the server's reply does not tell it [not known]
 *   token_refused       how this server refuses a token: by HTTP status, by code, or where code is not 0 by a piece of msg
 *                       [{\"http_status\":[401],\"code\":[401],\"msg\":[\"token\",\"\\u4ee4\\u724c\"]}]
 */";

fn main() {
    println!("cargo:rerun-if-changed=src/ffi.rs");
    println!("cargo:rerun-if-changed=include/rpa_openapi.h");
    let root = env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    let header = Path::new(&root).join("include").join("rpa_openapi.h");
    match header_text(&root) {
        Ok(text) if fs::read_to_string(&header).ok().as_ref() == Some(&text) => {}
        // A read-only source tree must still build; the check of the header says if it is out of step.
        Ok(text) => {
            match fs::create_dir_all(header.parent().unwrap_or(&header)).and_then(|()| fs::write(&header, text)) {
                Ok(()) => {}
                Err(error) => {
                    println!("cargo:warning=include/rpa_openapi.h is out of step and cannot be written: {error}")
                }
            }
        }
        Err(error) => println!("cargo:warning=include/rpa_openapi.h was not made: {error}"),
    }
    if env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        // A program that is linked to the file by its path must not record that path.
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,librpa_openapi.so");
    }
    // About the target, not this machine.
    if env::var_os("CARGO_CFG_WINDOWS").is_some()
        && let Err(error) = version_resource()
    {
        println!("cargo:warning=the library gets no version resource, for want of a resource compiler: {error}");
    }
}

/// What Windows shows as a DLL's properties: its name, its version, its product.
fn version_resource() -> io::Result<()> {
    const VFT_DLL: u64 = 2;
    let description = env::var("CARGO_PKG_DESCRIPTION").unwrap_or_default();
    let licence = env::var("CARGO_PKG_LICENSE").unwrap_or_default();
    // Product name and versions are the package's by default.
    WindowsResource::new()
        .set("FileDescription", &description)
        .set("InternalName", "rpa_openapi")
        .set("LegalCopyright", &licence)
        .set("OriginalFilename", "rpa_openapi.dll")
        .set_version_info(VersionInfo::FILETYPE, VFT_DLL)
        .compile()
}

fn header_text(root: &str) -> Result<String, cbindgen::Error> {
    let version = env::var("CARGO_PKG_VERSION").unwrap_or_default();
    let part = |name: &str| env::var(format!("CARGO_PKG_VERSION_{name}")).unwrap_or_default();
    let macros = format!(
        "\n/* The version of this header; rpa_version() gives that of the library. */\n\
         #define RPA_OPENAPI_VERSION \"{version}\"\n\
         #define RPA_OPENAPI_VERSION_MAJOR {}\n\
         #define RPA_OPENAPI_VERSION_MINOR {}\n\
         #define RPA_OPENAPI_VERSION_PATCH {}",
        part("MAJOR"),
        part("MINOR"),
        part("PATCH"),
    );
    let config = cbindgen::Config {
        language: cbindgen::Language::C,
        header: Some(CONVENTIONS.to_owned()),
        include_guard: Some("RPA_OPENAPI_H".to_owned()),
        after_includes: Some(macros),
        cpp_compat: true,
        no_includes: true,
        documentation_style: cbindgen::DocumentationStyle::Doxy,
        line_length: 120,
        ..Default::default()
    };
    let bindings =
        cbindgen::Builder::new().with_config(config).with_src(Path::new(root).join("src").join("ffi.rs")).generate()?;
    let mut text = Vec::new();
    bindings.write(&mut text);
    // What is Markdown to rustdoc is noise to a reader of C.
    Ok(String::from_utf8_lossy(&text).replace(" * # Safety\n", " * The caller promises:\n").replace('`', ""))
}
