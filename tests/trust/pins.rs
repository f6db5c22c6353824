//! Pins: of a certificate, of its key, and several of them.

use serde_json::{Value, json};

use crate::certificates::{self, Certificate, Workshop};
use crate::{call, impostor, refused, request, trusted};

const VERSIONS: [&rustls::SupportedProtocolVersion; 2] = [&rustls::version::TLS12, &rustls::version::TLS13];

fn workshop(name: &str) -> Workshop {
    Workshop::new(&format!("trust-pins-{name}"))
}

fn under(server: &impostor::Impostor, pins: Value) -> Value {
    call(&request(&server.url(), json!({ "pin_sha256": pins })))
}

fn wrong() -> String {
    "AB".repeat(32)
}

fn key_of(certificate: &Certificate) -> String {
    certificates::key_pin(&certificate.key)
}

#[test]
fn a_pin_of_the_key_survives_a_renewal() {
    let made = workshop("renewal");
    let old = made.issued("old", |_| {});
    let renewed = made.renewed(&old);
    for version in VERSIONS {
        for certificate in [&old, &renewed] {
            let server = impostor::start(certificate, certificate, version);
            trusted(&under(&server, json!(key_of(&old))), &certificate.name);
        }
        let server = impostor::start(&renewed, &renewed, version);
        let detail = refused(&under(&server, json!(old.fingerprint)), "the old certificate's pin");
        assert!(detail.contains("its fingerprint is not the one in `tls.pin_sha256` (1 pin was given)"), "{detail}");
        // What the message shows is what an administrator pastes.
        assert!(detail.contains(&renewed.fingerprint) && detail.contains(&key_of(&old)), "{detail}");
    }
}

#[test]
fn any_of_several_pins_lets_in() {
    let made = workshop("several");
    let certificate = made.issued("server", |_| {});
    let other = made.issued("another", |_| {});
    let server = impostor::start(&certificate, &certificate, &rustls::version::TLS13);
    for pins in [
        json!([wrong(), certificate.fingerprint]),
        json!([certificate.fingerprint, wrong()]),
        json!([key_of(&other), key_of(&certificate)]),
        json!(format!("{};{}", key_of(&other), key_of(&certificate))),
    ] {
        trusted(&under(&server, pins.clone()), &pins.to_string());
    }
    let seen = server.requests();
    let detail = refused(&under(&server, json!([wrong(), key_of(&other), "spki:".to_owned() + &wrong()])), "no pin");
    assert!(detail.contains("it fits none of the 3 pins in `tls.pin_sha256`"), "{detail}");
    assert_eq!(server.requests(), seen);
}

#[test]
fn a_pin_of_a_cas_key_is_not_one_of_the_servers() {
    let made = workshop("ca");
    let certificate = made.issued_below("below", true);
    let server = impostor::start(&certificate, &certificate, &rustls::version::TLS13);
    let ca = key_of(&Certificate { key: made.folder.join("intermediate.key"), ..certificate.clone() });
    let detail = refused(&under(&server, json!(ca)), "a CA's key");
    assert!(detail.contains("the pin fits the CA above it") && detail.contains("CN=intermediate"), "{detail}");
}

#[test]
fn a_pinned_key_must_be_proven() {
    let made = workshop("proof");
    let (real, thief) = (made.issued("real", |_| {}), made.issued("thief", |_| {}));
    for version in VERSIONS {
        let server = impostor::start(&real, &thief, version);
        let reply = under(&server, json!(key_of(&real)));
        let detail = refused(&reply, "a thief");
        assert!(detail.contains("the server does not hold this certificate's key"), "{detail}");
        assert!(reply["msg"].as_str().unwrap().contains("冒充"), "{reply}");
        assert_eq!(server.requests(), 0);
    }
}

#[test]
fn a_refused_certificate_or_pin_is_not_tried_twice() {
    let made = workshop("once");
    let certificate = made.self_signed("self-signed", |_| {});
    for (tls, mode) in
        [(json!({}), "post"), (json!({ "pin_sha256": wrong() }), "get"), (json!({ "ca_file": made.root() }), "put")]
    {
        let server = impostor::start(&certificate, &certificate, &rustls::version::TLS13);
        let mut asked = request(&server.url(), tls.clone());
        asked["retry"] = 3.into();
        asked["mode"] = mode.into();
        asked["retry_mode"] = "always".into();
        let reply = call(&asked);
        refused(&reply, mode);
        assert_eq!((reply["error"]["attempts"].as_u64(), server.connections()), (Some(1), 1), "{tls}: {reply}");
    }
}
