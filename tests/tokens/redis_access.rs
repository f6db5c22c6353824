//! Who may use Redis: passwords, users, TLS.

use std::fs;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};

use crate::center::Center;
use crate::in_company;
use crate::place::{Folder, start_redis};
use crate::process::Process;

fn held(request: &Value) -> Value {
    Process::start().sign(request)
}

#[test]
fn with_a_password_and_with_a_wrong_one() {
    const PASSWORD: &str = "p/w:@ 口令 4f81c0aa";
    let _company = in_company();
    let Some(redis) = start_redis(&["--requirepass", PASSWORD]) else { return };
    let center = Center::start(&[]);
    let url = |password: &str| {
        let escaped: String = password.bytes().map(|byte| format!("%{byte:02X}")).collect();
        json!({ "redis": format!("redis://:{escaped}@127.0.0.1:{}/2", redis.port) })
    };
    let right = center.request(&url(PASSWORD));
    assert_eq!([&held(&right), &held(&right)].map(|sign| sign["token"]["source"].clone()), ["server", "store"]);
    let wrong = url("hunter2hunter2");
    let mut process = Process::start();
    process.call(&center.request(&wrong));
    let told = process.sign(&center.request(&wrong));
    let trouble = told["token"]["store_trouble"].as_str().unwrap();
    assert!(trouble.contains("WRONGPASS") && trouble.contains("用户名或密码错误"), "{told}");
    assert!(told["notes"].to_string().contains("WRONGPASS"), "{told}");
    // The harness sees to it that no password stands in an error.
    let page = json!({ "rest_type": "/oapi/v1/reply", "data_json": { "body": "<html>", "contentType": "text/html" } });
    let told = process.ask("rpa_call", &center.with(&wrong, page));
    assert!(told["error"]["detail"].as_str().unwrap().contains("WRONGPASS"), "{told}");
    assert!(!told.to_string().contains("hunter2"), "{told}");
}

#[test]
fn over_tls() {
    let _company = in_company();
    let folder = Folder::new();
    let (ca_key, key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_pem = ca.self_signed(&ca_key).unwrap().pem();
    let server = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let pem = server.signed_by(&key, &Issuer::new(ca, ca_key)).unwrap().pem();
    let file = |name: &str, text: &str| {
        fs::write(folder.path(name), text).unwrap();
        folder.path(name).to_str().unwrap().to_owned()
    };
    let (ca, pem, key) = (file("ca.pem", &ca_pem), file("server.pem", &pem), file("key.pem", &key.serialize_pem()));
    let options = [
        "--port",
        "0",
        "--tls-port",
        "{port}",
        "--tls-cert-file",
        &pem,
        "--tls-key-file",
        &key,
        "--tls-ca-cert-file",
        &ca,
    ];
    let Some(redis) = start_redis(&[&options[..], &["--tls-auth-clients", "no"]].concat()) else { return };
    let center = Center::start(&[]);
    let store = json!({ "redis": format!("rediss://127.0.0.1:{}", redis.port) });
    // A pin, or no verification, is for the control center alone: Redis is judged by `ca_file` beside it all the same.
    for tls in [
        json!({ "ca_file": ca }),
        json!({ "ca_file": ca, "pin_sha256": "ab".repeat(32) }),
        json!({ "ca_file": ca, "verify": false }),
    ] {
        let trusting = center.with(&store, json!({ "tls": tls }));
        // A machine that is busy may need longer for a handshake than Redis is given. The next process has another try.
        let told = (0..20).map(|_| held(&trusting)).find(|told| told["token"]["source"] == "store");
        assert!(told.is_some(), "{tls}: {}", held(&trusting));
    }
    // The same server without its CA, and another one's port: the call goes on all the same.
    let (mut process, unknown) = (Process::start(), center.request(&store));
    process.call(&unknown);
    let told = process.sign(&unknown);
    let trouble = told["token"]["store_trouble"].as_str().unwrap();
    assert!(trouble.contains("the Redis server's certificate is not trusted: its issuer is not trusted"), "{told}");
    assert!(trouble.contains("PEM file as `tls.ca_file`") && !trouble.contains("pin"), "{told}");
    assert!(!["Error(", "Other(", "{", "Some("].iter().any(|rust| trouble.contains(rust)), "{told}");
    let plain = json!({ "redis": format!("redis://127.0.0.1:{}", redis.port) });
    process.call(&center.request(&plain));
    // As Redis is set up by default over TLS.
    let Some(strict) = start_redis(&options) else { return };
    let store = json!({ "redis": format!("rediss://127.0.0.1:{}", strict.port) });
    let asked = center.with(&store, json!({ "tls": { "ca_file": ca } }));
    let wants_a_certificate = (0..20).any(|_| {
        let mut process = Process::start();
        process.call(&asked);
        process.sign(&asked)["token"]["store_trouble"].to_string().contains("`tls-auth-clients no`")
    });
    assert!(wants_a_certificate);
}
