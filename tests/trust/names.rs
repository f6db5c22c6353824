//! Certificates whose names, or whose time, are wrong: what is told, and that the advice is right.

use rcgen::{BasicConstraints, DnType, IsCa, SanType};
use serde_json::json;

use crate::certificates::{Certificate, Workshop, years};
use crate::{call, impostor, refused, request, trusted};

fn workshop(name: &str) -> Workshop {
    Workshop::new(&format!("trust-names-{name}"))
}

/// `msg` and `detail` of a call by 127.0.0.1.
fn told(certificate: &Certificate, tls: serde_json::Value) -> (String, String) {
    let server = impostor::start(certificate, certificate, &rustls::version::TLS13);
    let reply = call(&request(&server.url(), tls));
    let detail = refused(&reply, &certificate.name);
    assert_eq!(server.requests(), 0, "{reply}");
    (reply["msg"].as_str().unwrap().to_owned(), detail)
}

fn dns(names: &[&str]) -> Vec<SanType> {
    names.iter().map(|&name| SanType::DnsName(name.try_into().unwrap())).collect()
}

#[test]
fn a_self_signed_certificate_without_a_name_is_told_by_that_fault() {
    let made = workshop("none");
    let kinds = [("a", IsCa::Ca(BasicConstraints::Unconstrained)), ("b", IsCa::ExplicitNoCa), ("c", IsCa::NoCa)];
    for (name, is_ca) in kinds {
        let certificate = made.self_signed(&format!("rpa-server-{name}"), |parameters| {
            parameters.subject_alt_names.clear();
            parameters.is_ca = is_ca;
        });
        // It is trusted; only the name is missing.
        let (msg, detail) = told(&certificate, json!({ "ca_file": certificate.chain }));
        assert!(msg.contains("证书与主机名不符:证书里没有主机名(只有CN,已不算数)"), "{msg}");
        assert!(msg.contains("subjectAltName中写IP:127.0.0.1"), "{msg}");
        assert!(detail.contains("only the common name (CN) rpa-server"), "{detail}");
        assert!(
            detail.contains("was called, the IP address 127.0.0.1: ") && !detail.contains("a CA's, not"),
            "{detail}"
        );
        // It is not trusted, and a `ca_file` would not be enough: that is told at once.
        let (msg, detail) = told(&certificate, json!({}));
        assert!(msg.contains("自签名,主机名也不符") && msg.contains("tls.pin_sha256"), "{msg}");
        assert!(detail.contains("as `tls.ca_file` would not do; besides, it is not for the host"), "{detail}");
        let server = impostor::start(&certificate, &certificate, &rustls::version::TLS13);
        trusted(&call(&request(&server.url(), json!({ "pin_sha256": certificate.fingerprint }))), "its pin");
    }
}

#[test]
fn an_address_that_stands_as_a_dns_name_is_told_as_such() {
    let made = workshop("address");
    let certificate = made.issued("address", |parameters| parameters.subject_alt_names = dns(&["127.0.0.1"]));
    let (msg, detail) = told(&certificate, json!({ "ca_file": made.root() }));
    assert!(msg.contains("证书把IP地址127.0.0.1写成了域名(DNS),请重签证书并在subjectAltName中写IP:127.0.0.1"), "{msg}");
    assert!(detail.contains("it has 127.0.0.1 as a DNS name, and an address counts only as an IP address"), "{detail}");
    assert!(detail.contains("is for 127.0.0.1 (DNS name), "), "{detail}");
}

#[test]
fn a_call_by_address_to_a_certificate_of_dns_names_is_advised_to_use_one() {
    let made = workshop("names");
    let names = dns(&["rpa.corp.example", "*.corp.example"]);
    let certificate = made.issued("names", |parameters| parameters.subject_alt_names = names.clone());
    let (msg, detail) = told(&certificate, json!({ "ca_file": made.root() }));
    assert!(msg.contains("证书只含域名,不含IP地址127.0.0.1,请在host中改用该域名"), "{msg}");
    assert!(detail.contains("rpa.corp.example, *.corp.example (DNS names)"), "{detail}");
}

#[test]
fn a_self_signed_certificate_that_was_made_anew_is_not_just_called_an_impostors() {
    let made = workshop("anew");
    let old = made.self_signed("old", |_| {});
    let new = made.self_signed("new", |parameters| parameters.distinguished_name.push(DnType::CommonName, "old"));
    let (msg, detail) = told(&new, json!({ "ca_file": old.chain }));
    assert!(msg.contains("请更新tls.ca_file"), "{msg}");
    assert!(detail.contains("a trusted certificate has the name of its issuer, but another key"), "{detail}");
}

#[test]
fn a_wrong_time_is_told_with_this_machines_clock() {
    let made = workshop("time");
    let (soon, before) = (made.self_signed("soon", years(2090, 2095)), made.self_signed("before", years(2015, 2020)));
    let (msg, detail) = told(&soon, json!({ "ca_file": soon.chain }));
    assert!(msg.contains("证书尚未生效(从2090-01-01T00:00:00Z起),请检查本机时间(现为20"), "{msg}");
    assert!(detail.contains("by this machine's clock, which says 20") && detail.contains(" days later"), "{detail}");
    let (msg, detail) = told(&before, json!({ "ca_file": before.chain }));
    assert!(msg.contains("证书已过期(2020-01-01T00:00:00Z),请更换服务器的证书(本机时间20"), "{msg}");
    assert!(detail.contains(" days ago by this machine's clock, which says 20"), "{detail}");
    let below = made.issued_below_another("expired intermediate", years(2015, 2020));
    let (msg, detail) = told(&below, json!({ "ca_file": made.root() }));
    assert!(msg.contains("上级CA证书已过期或尚未生效"), "{msg}");
    assert!(detail.contains("CN=expired intermediate CA") && detail.contains("to 2020-01-01T00:00:00Z)"), "{detail}");
}
