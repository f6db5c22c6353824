//! `tls.ca_file`: a self-signed certificate that is trusted by it, and a file that hangs.

use std::fs;
use std::io::{Read, Write};
#[cfg(unix)]
use std::process::Command;

use serde_json::json;

use crate::harness::Library;
use crate::server::{Server, reply};
use crate::{facts, request, tls};

/// A TLS server with a self-signed certificate as OpenSSL makes it by default, a CA's; and its PEM.
fn tls_server_with_a_ca_certificate(names: &[&str]) -> (Server, String) {
    let (config, pem) = tls::self_signed(names);
    let server = Server::start(move |connection| {
        let session = rustls::ServerConnection::new(config.clone()).unwrap();
        let mut stream = rustls::StreamOwned::new(session, &mut connection.stream);
        while stream.read(&mut [0; 4096]).is_ok_and(|amount| amount > 0) {
            if stream.write_all(reply("200 OK", "{}").as_bytes()).is_err() {
                return;
            }
        }
    });
    (server, pem)
}

#[test]
fn a_self_signed_ca_certificate_given_as_ca_file() {
    let library = Library::load();
    let folder = std::env::temp_dir().join(format!("rpa-openapi-faults-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    for (names, kind) in [(&["127.0.0.1"][..], ""), (&["other.example"], "tls")] {
        let (server, pem) = tls_server_with_a_ca_certificate(names);
        let file = folder.join(format!("{}.pem", names[0]));
        fs::write(&file, pem).unwrap();
        let host = server.url().replace("http://", "https://");
        let untrusted = library.json("rpa_call", &request(&host, "get", json!({ "retry": 1 })));
        assert_eq!(facts(&untrusted), (40, "tls", "no", 1));
        assert!(untrusted["error"]["detail"].as_str().unwrap().contains("tls.pin_sha256"), "{untrusted}");
        let trusted =
            library.json("rpa_call", &request(&host, "get", json!({ "retry": 1, "tls": { "ca_file": file } })));
        match kind {
            "" => assert_eq!(trusted, json!({})),
            kind => assert_eq!(facts(&trusted), (40, kind, "no", 1)),
        }
    }
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
#[cfg(unix)]
fn a_ca_file_that_hangs() {
    let fifo = std::env::temp_dir().join(format!("rpa-openapi-fifo-{}", std::process::id()));
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let hung = request("https://127.0.0.1:1", "get", json!({ "timeout_ms": 500, "tls": { "ca_file": fifo } }));
    let reply = Library::load().json("rpa_call", &hung);
    fs::remove_file(&fifo).unwrap();
    assert_eq!(facts(&reply), (41, "argument", "no", 0));
    assert_eq!(reply["error"]["field"], "tls.ca_file");
}
