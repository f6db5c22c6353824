//! Makes the header of the exported functions (into Cargo's own folder: tests/artefact.rs holds the committed one against
//! it), names the library for the linker, and gives a Windows DLL its version resource.

use std::path::Path;
use std::{env, fs, io};

use winresource::{VersionInfo, WindowsResource};

/// The top of the header: what every caller must know.
const CONVENTIONS: &str = "\
/*
 * rpa_openapi: calls the OpenAPI of an RPA control center (iS-RPA 9, 10.3, 2020.4 and later).
 *
 * Conventions
 *   Texts      Requests and replies are NUL-terminated JSON objects in UTF-8.
 *   Replies    A reply is never NULL and always JSON, whatever came in: NULL, bytes that are not UTF-8, text that is not
 *              JSON. It is the server's own JSON, byte for byte, or {\"code\":...,\"msg\":...,\"result\":null,\"error\":{...}}.
 *   Ownership  The caller owns a reply and frees it once, with rpa_free, from any thread. Never with free().
 *              A reply is read, not written into. A request stays the caller's; the library keeps no pointer to it.
 *   Threads    Every function may be called from any number of threads at once. No init call, no settings left behind.
 *   Time       A call blocks until it has an answer, and never longer than its timeout_ms (default 30000);
 *              with wait, resume or pages not longer than that and their own.
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
 *   tls                 {\"verify\":true,\"ca_file\":\"PEM file\",\"pin_sha256\":...} [verify]; the last is a fingerprint or a
 *                       list of them, of the certificate (hex) or of its key (\"spki:<hex>\", \"sha256//<Base64>\")
 *   headers             object of text: further headers [none]
 *   max_response_bytes  1..1073741824, a longer reply is refused [16777216]
 *   generation          of the control center: \"2020.4\", \"2020.5\" (and 2021.1), \"10.3\", \"9\"; a field that does not belong
 *                       to it is refused [\"2020.4\"]
 *   meta                true: the reply is {\"reply\":<as it would be without>,\"meta\":{...}}, with facts and warnings [false]
 *   request_id          true: requests carry X-Request-Id, the id of their call [false]
 *   log                 {\"folder\":\"path\",\"level\":\"error|warn|info|debug\",\"keep_days\":14}: a line of JSON a call, in a file a day
 *                       [what RPA_OPENAPI_LOG=<folder> and RPA_OPENAPI_LOG_LEVEL say]; null for none
 *
 * Fields of rpa_call and rpa_sign
 *   rest_type           the API's path, required: begins with /, without ? and #
 *   mode                get, post, put or delete, required
 *   data_json           object, or text that holds one: the parameters [{}]
 *   accesstoken         the token, or in its place accesskey and secretkey; required
 *   appkey              in generation 10.3, in place of these
 *   action              in generation 9, in place of rest_type; needs neither mode nor keys (token: what its form has so)
 *   values              \"python\", \"json\", \"native\": how a value that is no text is written [\"python\"]
 *   encoding            \"auto\", \"python\", \"java\": which percent-encoding is signed; auto: python, and where the server
 *                       refuses that java, and what works is remembered [\"auto\"; 10.3 \"java\", 9 \"python\"]
 *   signature_refused   how this server refuses a signature, as token_refused
 *                       [{\"http_status\":[],\"code\":[],\"msg\":[\"sign\",\"\\u7b7e\\u540d\",\"\\u9a8c\\u7b7e\"]}]
 *   retry_mode          \"safe\", \"always\": whether a post is sent again although it may have arrived [\"safe\"]
 *   query               \"params\", \"none\": whether a post's parameters stand in the URL beside the body [\"params\"]
 *   empty_ok            true: an empty reply with a status of success is a success [false]
 *   wait                {\"rest_type\",\"mode\",\"data_json\",\"until\",\"fail\",\"every_ms\",\"timeout_ms\",\"resume_file\",\"keep_file\"}:
 *                       after the call asks until it is over; this may block for days, see docs/long-work.md [none]
 *   resume              text of an earlier reply or error: goes on waiting, and starts nothing [none]
 *   pages               {\"page\",\"size\",\"items\",\"total\",\"max_pages\",\"timeout_ms\"}: gathers a list page by page [none]
 *   files               object of paths, or of {\"path\",\"name\",\"type\",\"filename_star\"}: files that a post sends [none]
 *   save_to             path, or {\"path\",\"overwrite\",\"max_bytes\"}: the file that a reply becomes that is no JSON [none]
 *   timestamp           milliseconds since 1970, for rpa_sign alone [now]
 *
 * Fields of rpa_call and rpa_sign with accesskey and secretkey
 *   token_store         \"memory\", this process; {\"file\":\"path\"}, all processes of this machine;
 *                       {\"redis\":\"redis://[user:password@]host:port/db\"} or rediss://, all machines [\"memory\"]
 *   token_ttl_ms        1..316224000000, the token's lifetime where the server's reply does not tell it [not known]
 *   token_refused       how this server refuses a token: by HTTP status, by code, or where code is not 0 by a piece of msg
 *                       [{\"http_status\":[401],\"code\":[401],\"msg\":[\"token\",\"\\u4ee4\\u724c\"]}]
 *   correct_clock       false: timestamps are this machine's, though the server refuses them [true]
 *
 * Fields of rpa_diagnose beside those of rpa_call, of which only host is required
 *   get_token           true: a token may be asked for, which may end another one [false]
 *   settings_from       object of texts: where the value of a field came from, to be shown [none]
 */";

fn main() {
    println!("cargo:rerun-if-changed=src/lib.rs");
    // A header that cannot be made stops nobody who builds the library; tests/artefact.rs tells that there is none.
    let header = Path::new(&variable("OUT_DIR")).join("rpa_openapi.h");
    if let Err(error) = header_text().and_then(|text| fs::write(header, text).map_err(|error| error.to_string())) {
        println!("cargo:warning=no header was made: {error}");
    }
    if variable("CARGO_CFG_TARGET_OS") == "linux" {
        // A program that is linked to the file by its path must not record that path. Where the library is installed for a
        // whole system (cargo-c, .ci/native) its name has a version: what 0.2.0 is linked to takes any 0.2.x.
        let name = "librpa_openapi.so";
        let name = match env::var_os("CARGO_FEATURE_CAPI") {
            Some(_) => {
                format!("{name}.{}.{}", variable("CARGO_PKG_VERSION_MAJOR"), variable("CARGO_PKG_VERSION_MINOR"))
            }
            None => name.to_owned(),
        };
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,{name}");
        // A thread that looks after idle connections may be in it: who unloads the library would pull its code away.
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
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
    let description = variable("CARGO_PKG_DESCRIPTION");
    let licence = variable("CARGO_PKG_LICENSE");
    // Of the crate below, see crates/client/build.rs.
    let commit = env::var("DEP_RPA_CLIENT_COMMIT").unwrap_or_default();
    let mut resource = WindowsResource::new();
    if !commit.is_empty() {
        resource.set("Comments", &format!("commit {commit}"));
    }
    // Product name and versions are the package's by default.
    resource
        .set("FileDescription", &description)
        .set("InternalName", "rpa_openapi")
        .set("LegalCopyright", &licence)
        .set("OriginalFilename", "rpa_openapi.dll")
        .set_version_info(VersionInfo::FILETYPE, VFT_DLL)
        .compile()
}

/// What Cargo tells each build script.
fn variable(name: &str) -> String {
    env::var(name).expect("Cargo sets it")
}

fn header_text() -> Result<String, String> {
    let version = variable("CARGO_PKG_VERSION");
    let part = |name: &str| variable(&format!("CARGO_PKG_VERSION_{name}"));
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
    let source = Path::new(&variable("CARGO_MANIFEST_DIR")).join("src").join("lib.rs");
    let bindings = cbindgen::Builder::new().with_config(config).with_src(source).generate();
    let bindings = bindings.map_err(|error| error.to_string())?;
    let mut text = Vec::new();
    bindings.write(&mut text);
    // What is Markdown to rustdoc is noise to a reader of C.
    Ok(String::from_utf8_lossy(&text).replace(" * # Safety\n", " * The caller promises:\n").replace('`', ""))
}
