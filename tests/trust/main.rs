//! Which servers are trusted: every kind of certificate that a control center was seen with, shown by a real nginx, under
//! every setting of `tls`.

mod certificates;
use rpa_test_support::{harness, programs, tools};
mod failures;
mod impostor;
mod names;
mod nginx;
mod pins;

use std::fs;
use std::sync::OnceLock;

use certificates::{Certificate, Workshop, constrained, unknown_and_critical, years};
use harness::Library;
use nginx::{Host, Nginx};
use rcgen::{BasicConstraints, ExtendedKeyUsagePurpose, IsCa, SanType};
use rpa_test_support::requests::create_job;
use serde_json::{Value, json};

/// What the library must say of a host, and which settings must trust it.
struct Case {
    host: Host,
    /// In `detail` of a call without `tls`.
    default: &'static str,
    /// In `detail` of a call that trusts the company's CA; empty where that trusts the host.
    company: &'static str,
    /// Whether a pin of its certificate trusts it; it cannot where no handshake is possible.
    pinned: bool,
}

impl Case {
    fn new(certificate: Certificate, default: &'static str, company: &'static str) -> Case {
        Case { host: Host { certificate: Some(certificate), settings: "" }, default, company, pinned: true }
    }

    fn name(&self) -> &str {
        self.host.certificate.as_ref().map_or("plain HTTP", |certificate| &certificate.name)
    }
}

const NOT_YET: &str = "it is not valid yet by this machine's clock";
const CA_TIME: &str = "the certificate of a CA above it has expired, or is not valid yet";
const CRITICAL: &str = "it has a critical extension that this library does not know";
const UNKNOWN: &str = "its issuer is not trusted";

fn cases(made: &Workshop) -> Vec<Case> {
    let keeps = |_: &mut rcgen::CertificateParams| {};
    let issued = |name, change: &dyn Fn(&mut rcgen::CertificateParams), company| {
        Case::new(made.issued(name, change), UNKNOWN, company)
    };
    let with_settings = |mut case: Case, settings| {
        case.host.settings = settings;
        case
    };
    let old = |name, settings| Case {
        default: "it must offer TLS 1.2 or 1.3",
        company: "it must offer TLS 1.2 or 1.3",
        pinned: false,
        ..with_settings(issued(name, &keeps, ""), settings)
    };
    vec![
        issued("by the company CA", &keeps, ""),
        Case::new(made.self_signed("self-signed", keeps), "give it as `tls.pin_sha256`, or give its PEM", UNKNOWN),
        Case::new(
            made.self_signed("self-signed CA", |p| p.is_ca = IsCa::Ca(BasicConstraints::Unconstrained)),
            "it says of itself that it is a CA's",
            "it says of itself that it is a CA's",
        ),
        issued("no names", &|p| p.subject_alt_names.clear(), "it is not for the host that was called"),
        Case::new(made.issued("expired", years(2015, 2020)), "it has expired", "it has expired"),
        Case::new(made.issued("not yet valid", years(2090, 2095)), NOT_YET, NOT_YET),
        issued(
            "another name",
            &|p| p.subject_alt_names = vec![SanType::DnsName("rpa.corp.example".try_into().unwrap())],
            "it is not for the host that was called",
        ),
        Case::new(
            made.issued("for clients", |p| p.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth]),
            "it is not meant for servers",
            "it is not meant for servers",
        ),
        Case::new(made.issued("critical", unknown_and_critical), CRITICAL, CRITICAL),
        Case::new(made.issued_with("P-384", &rcgen::PKCS_ECDSA_P384_SHA384), UNKNOWN, ""),
        Case::new(made.by_openssl("Ed25519", "ed25519", "sha256", true), UNKNOWN, ""),
        Case::new(made.by_openssl("RSA 2048", "rsa:2048", "sha256", true), UNKNOWN, ""),
        Case::new(made.by_openssl("RSA 1024 self-signed", "rsa:1024", "sha256", false), UNKNOWN, UNKNOWN),
        Case::new(made.by_openssl("RSA 1024", "rsa:1024", "sha256", true), UNKNOWN, "such as RSA with 1024 bits"),
        with_settings(
            Case::new(
                made.by_openssl("RSA 1024 in TLS 1.2", "rsa:1024", "sha256", true),
                UNKNOWN,
                "such as RSA with 1024 bits",
            ),
            "ssl_protocols TLSv1.2;",
        ),
        Case::new(made.by_openssl("SHA-1 self-signed", "rsa:2048", "sha1", false), UNKNOWN, UNKNOWN),
        Case::new(made.by_openssl("SHA-1", "rsa:2048", "sha1", true), UNKNOWN, "too weak or unknown, such as SHA-1"),
        Case::new(made.by_openssl("MD5 self-signed", "rsa:2048", "md5", false), UNKNOWN, UNKNOWN),
        Case::new(made.version_1("version 1"), "it is of X.509 version 1 or 2", "it is of X.509 version 1 or 2"),
        Case::new(made.issued_below("whole chain", true), UNKNOWN, ""),
        Case::new(
            made.issued_below("missing intermediate", false),
            UNKNOWN,
            "fails to send an intermediate certificate",
        ),
        Case::new(made.issued_below_another("expired intermediate", years(2015, 2020)), CA_TIME, CA_TIME),
        Case::new(
            made.issued_below_another("constrained intermediate", constrained),
            UNKNOWN,
            "its CA may not issue certificates for this host",
        ),
        old("TLS 1.0", "ssl_protocols TLSv1;"),
        old("TLS 1.1", "ssl_protocols TLSv1.1;"),
        Case {
            host: Host { certificate: None, settings: "" },
            default: "the server does not speak TLS on this port",
            company: "the server does not speak TLS on this port",
            pinned: false,
        },
    ]
}

/// All hosts, started once for all tests.
struct Field {
    made: Workshop,
    cases: Vec<Case>,
    nginx: Nginx,
}

impl Field {
    fn start(name: &str, cases: impl Fn(&Workshop) -> Vec<Case>) -> Option<Field> {
        if !tools::all_run(&["nginx", "openssl"], &format!("trust against a real server ({name})")) {
            return None;
        }
        let folder = tools::folder(&format!("trust-{name}-{}", std::process::id()));
        let made = Workshop::new(&folder);
        let cases = cases(&made);
        let hosts: Vec<&Host> = cases.iter().map(|case| &case.host).collect();
        let nginx = Nginx::start(&folder, &hosts);
        Some(Field { made, cases, nginx })
    }

    /// With one host alone, whose certificate the company's CA has issued.
    fn with_one_host(name: &str) -> Option<Field> {
        Field::start(name, |made| vec![Case::new(made.issued("by the company CA", |_| {}), UNKNOWN, "")])
    }

    fn request(&self, host: usize, tls: Value) -> Value {
        request(&self.nginx.url(host), tls)
    }
}

impl Drop for Field {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.made.folder);
    }
}

fn request(host: &str, tls: Value) -> Value {
    create_job(host, "post", json!({ "retry": 1, "tls": tls }))
}

fn library() -> &'static Library {
    static LIBRARY: OnceLock<Library> = OnceLock::new();
    LIBRARY.get_or_init(Library::load)
}

fn call(request: &Value) -> Value {
    library().json("rpa_call", request)
}

/// The `detail` of a refusal: of kind `tls`, before the request went out, in words.
#[track_caller]
fn refused(reply: &Value, what: &str) -> String {
    let error = &reply["error"];
    assert_eq!((&error["kind"], &error["delivered"]), (&json!("tls"), &json!("no")), "{what}: {reply}");
    let detail = error["detail"].as_str().unwrap();
    for of_rust in ["Error(", "Context", "{", "}", "OtherError", "Some("] {
        assert!(!detail.contains(of_rust), "{what}: {detail}");
    }
    detail.to_owned()
}

#[track_caller]
fn trusted(reply: &Value, what: &str) {
    assert_eq!(reply["code"], 0, "{what}: {reply}");
}

#[test]
fn every_certificate_under_every_setting() {
    let Some(field) = Field::start("matrix", cases) else { return };
    for (host, case) in field.cases.iter().enumerate() {
        let under = |tls: Value| call(&field.request(host, tls));
        let what = |setting: &str| format!("{} under {setting}", case.name());

        let detail = refused(&under(json!({})), &what("the default"));
        assert!(detail.contains(case.default), "{}: {detail}", case.name());
        let company = under(json!({ "ca_file": field.made.root() }));
        if case.company.is_empty() {
            trusted(&company, &what("the company's CA"));
        } else {
            let detail = refused(&company, &what("the company's CA"));
            assert!(detail.contains(case.company), "{}: {detail}", case.name());
        }
        refused(&under(json!({ "ca_file": field.made.other_root() })), &what("another CA"));
        refused(&under(json!({ "pin_sha256": "AB".repeat(32) })), &what("another pin"));
        assert_eq!(field.nginx.requests(host), usize::from(case.company.is_empty()), "{}", case.name());

        let Some(certificate) = &case.host.certificate else { continue };
        let pinned = under(json!({ "pin_sha256": certificate.fingerprint }));
        let anything = under(json!({ "verify": false }));
        if !case.pinned {
            refused(&pinned, &what("its pin"));
            refused(&anything, &what("no verification"));
            continue;
        }
        trusted(&pinned, &what("its pin"));
        trusted(&anything, &what("no verification"));
        let shown = [certificate.fingerprint.as_str(), &format!("CN={}", certificate.name), "is valid from "];
        for part in shown.into_iter().chain(["tls.pin_sha256"]) {
            assert!(detail.contains(part), "{}: {part} is not in {detail}", case.name());
        }
        let names = if case.name() == "no names" || case.name() == "version 1" {
            "is for no name at all"
        } else if case.name() == "another name" {
            "is for rpa.corp.example (DNS name)"
        } else {
            "is for 127.0.0.1 (IP address)"
        };
        assert!(detail.contains(names), "{}: {detail}", case.name());
    }
}

#[test]
fn a_pin_is_of_the_servers_own_certificate() {
    let field = Field::start("chain", |made| {
        vec![
            Case::new(made.issued_below("whole chain", true), UNKNOWN, ""),
            Case::new(made.issued_below("missing intermediate", false), UNKNOWN, ""),
            Case::new(made.self_signed("self-signed", |_| {}), UNKNOWN, ""),
        ]
    });
    let Some(field) = field else { return };
    // The server shows its issuer's certificate, too.
    for issuer in ["intermediate", "root"] {
        let pin = certificates::fingerprint(&certificates::der(&field.made.folder.join(format!("{issuer}.pem"))));
        let detail = refused(&call(&field.request(0, json!({ "pin_sha256": pin }))), issuer);
        assert!(detail.contains("its fingerprint is not the one in `tls.pin_sha256`"), "{detail}");
    }
    // What the messages advise works.
    let both = call(&field.request(1, json!({ "ca_file": field.made.root_and_intermediate() })));
    trusted(&both, "root and intermediate in ca_file");
    let pem = &field.cases[2].host.certificate.as_ref().unwrap().chain;
    trusted(&call(&field.request(2, json!({ "ca_file": pem }))), "a self-signed certificate in ca_file");
}

#[test]
fn a_server_that_wants_a_client_certificate() {
    if !tools::all_run(&["nginx", "openssl"], "client certificates against a real server") {
        return;
    }
    let folder = tools::folder(&format!("trust-client-{}", std::process::id()));
    let made = Workshop::new(&folder);
    let root = made.root().display().to_string();
    let settings = |protocol: &str| -> &'static str {
        format!("ssl_client_certificate {root}; ssl_verify_client on; ssl_protocols {protocol};").leak()
    };
    let certificate = made.issued("wants a client certificate", |_| {});
    let hosts = ["TLSv1.2", "TLSv1.3"]
        .map(|protocol| Host { certificate: Some(certificate.clone()), settings: settings(protocol) });
    let nginx = Nginx::start(&folder, &hosts.iter().collect::<Vec<_>>());
    for host in 0..hosts.len() {
        for tls in [
            json!({ "ca_file": made.root() }),
            json!({ "pin_sha256": certificate.fingerprint }),
            json!({ "verify": false }),
        ] {
            // nginx makes the handshake all the same, and answers with a page.
            let reply = call(&request(&nginx.url(host), tls));
            let detail = reply["error"]["detail"].as_str().unwrap_or_else(|| panic!("{reply}"));
            assert_eq!(reply["error"]["http_status"], 400, "{reply}");
            assert!(
                detail.contains("the server wants a client certificate, which this library does not have"),
                "{detail}"
            );
        }
    }
    drop(nginx);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_server_that_refuses_who_has_no_client_certificate() {
    let folder = tools::folder(&format!("trust-refusing-{}", std::process::id()));
    let made = Workshop::new(&folder);
    let certificate = made.issued("refuses", |_| {});
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let server = impostor::start_for_clients_of(made.root(), &certificate, version);
        let reply = call(&request(&server.url(), json!({ "pin_sha256": certificate.fingerprint })));
        let detail = refused(&reply, &format!("{:?}", version.version));
        assert!(detail.contains("its owner must let calls in without one"), "{detail}");
        assert_eq!(server.requests(), 0);
    }
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn no_connection_and_no_session_passes_from_one_trust_to_another() {
    let Some(field) = Field::with_one_host("pools") else { return };
    let certificate = field.cases[0].host.certificate.clone().unwrap();
    let pem = field.made.folder.join("copy-of-root.pem");
    fs::copy(field.made.root(), &pem).unwrap();
    let settings = [
        json!({ "ca_file": field.made.root() }),
        json!({ "pin_sha256": certificate.fingerprint }),
        json!({ "verify": false }),
        json!({ "ca_file": field.made.other_root() }),
        json!({ "pin_sha256": "AB".repeat(32) }),
        json!({}),
    ];
    let may = |index: usize| index < 3;
    // A new connection resumes a session of its own trust alone: a resumed one shows no certificate.
    for tls in &settings[..3] {
        let mut closing = field.request(0, tls.clone());
        closing["keep_alive_ms"] = 0.into();
        let (first, second) = (call(&closing), call(&closing));
        assert_eq!((&first["resumed"], &second["resumed"]), (&json!("."), &json!("r")), "{tls}");
    }
    for (first, before) in settings.iter().enumerate().filter(|(index, _)| may(*index)) {
        for (second, after) in settings.iter().enumerate() {
            let what = format!("{before}, then {after}");
            let one = call(&field.request(0, before.clone()));
            let again = call(&field.request(0, before.clone()));
            assert_eq!(one["connection"], again["connection"], "a connection is kept: {one} {again}");
            let two = call(&field.request(0, after.clone()));
            if !may(second) {
                refused(&two, &what);
            } else if first != second {
                assert_ne!(one["connection"], two["connection"], "{what}");
            }
        }
    }
}

#[test]
fn the_same_certificate_with_another_key_is_refused() {
    if !tools::all_run(&["openssl"], "servers without the key of their certificate") {
        return;
    }
    let folder = tools::folder(&format!("trust-impostor-{}", std::process::id()));
    let made = Workshop::new(&folder);
    let pairs = [
        (made.issued("EC", |_| {}), made.issued("another EC", |_| {})),
        (
            made.by_openssl("RSA", "rsa:2048", "sha256", true),
            made.by_openssl("another RSA", "rsa:2048", "sha256", true),
        ),
        (made.by_openssl("short", "rsa:1024", "sha256", true), made.by_openssl("a longer", "rsa:2048", "sha256", true)),
    ];
    for (real, thief) in &pairs {
        for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
            let what = format!("{} in {:?}", real.name, version.version);
            let pin = json!({ "pin_sha256": real.fingerprint });
            let server = impostor::start(real, thief, version);
            let detail = refused(&call(&request(&server.url(), pin.clone())), &what);
            assert!(detail.contains("the server does not hold this certificate's key"), "{what}: {detail}");
            let trusting = call(&request(&server.url(), json!({ "ca_file": made.root() })));
            refused(&trusting, &what);
            assert_eq!(server.requests(), 0, "{what}");
            // The same server, honest.
            let honest = impostor::start(thief, thief, version);
            trusted(&call(&request(&honest.url(), json!({ "pin_sha256": thief.fingerprint }))), &what);
            assert_eq!(honest.requests(), 1, "{what}");
        }
    }
    fs::remove_dir_all(folder).unwrap();
}

/// A call in a process of its own, with further variables in its environment.
fn call_with(environment: &[(&str, &str)], request: &Value) -> Value {
    let mut command = programs::helper("one_call");
    command.arg(request.to_string()).envs(environment.iter().copied());
    let output = tools::succeed(&mut command, "a process of its own");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
#[cfg(target_os = "linux")]
fn the_systems_store_and_what_does_not_switch_verification_off() {
    let Some(field) = Field::with_one_host("store") else { return };
    let root = field.made.root().display().to_string();
    let log = field.made.folder.join("keys.log").display().to_string();
    let in_store = call_with(&[("SSL_CERT_FILE", &root)], &field.request(0, json!({})));
    trusted(&in_store, "a CA in the system's store");
    // Either suffices.
    let beside = field.request(0, json!({ "ca_file": field.made.other_root() }));
    trusted(&call_with(&[("SSL_CERT_FILE", &root)], &beside), "a CA in the system's store beside another in `ca_file`");
    let empty = [("SSL_CERT_FILE", "/dev/null"), ("SSL_CERT_DIR", "/dev/null")];
    trusted(&call_with(&empty, &field.request(0, json!({ "ca_file": root }))), "`ca_file` beside an empty store");
    // A CA in the store does not make a wrong pin right.
    let wrong = field.request(0, json!({ "pin_sha256": "AB".repeat(32) }));
    refused(&call_with(&[("SSL_CERT_FILE", &root)], &wrong), "a wrong pin");

    let off = [
        ("PYTHONHTTPSVERIFY", "0"),
        ("NODE_TLS_REJECT_UNAUTHORIZED", "0"),
        ("REQUESTS_CA_BUNDLE", ""),
        ("CURL_CA_BUNDLE", ""),
        ("GIT_SSL_NO_VERIFY", "1"),
        ("SSLKEYLOGFILE", &log),
    ];
    for tls in [json!({}), json!({ "verify": true }), json!({ "ca_file": field.made.other_root() })] {
        let mut request = field.request(0, tls.clone());
        refused(&call_with(&off, &request), &format!("{tls}"));
        request["retry"] = 3.into();
        request["retry_mode"] = "always".into();
        refused(&call(&request), &format!("{tls}, tried again"));
        request["keep_alive_ms"] = 0.into();
        refused(&call(&request), &format!("{tls}, not kept"));
    }
    trusted(&call_with(&[("SSLKEYLOGFILE", &log), ("SSL_CERT_FILE", &root)], &field.request(0, json!({}))), "trusted");
    // A file that is not there is as good as an empty one.
    assert_eq!(fs::read_to_string(log).unwrap_or_default(), "", "keys of sessions are never written down");
    // What would trust nothing at all says so.
    for empty in [("SSL_CERT_FILE", "/dev/null"), ("SSL_CERT_FILE", "/no/such/file.pem")] {
        let reply = call_with(&[empty, ("SSL_CERT_DIR", "/dev/null")], &field.request(0, json!({})));
        refused(&reply, "an empty store");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_ca_that_comes_into_the_systems_store_later() {
    let Some(field) = Field::with_one_host("later") else { return };
    let store = field.made.folder.join("store.pem");
    fs::copy(field.made.other_root(), &store).unwrap();
    let mut child = programs::helper("calls_while_the_store_changes");
    child.arg(field.request(0, json!({})).to_string()).arg(field.made.root());
    child.env("SSL_CERT_FILE", store).env("SSL_CERT_DIR", "/dev/null");
    let output = tools::succeed(&mut child, "calls while the store changes");
    let replies: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    refused(&replies[0], "before");
    trusted(&replies[2], "afterwards");
}

#[test]
fn threads_with_different_settings_do_not_meet() {
    let Some(field) = Field::with_one_host("threads") else { return };
    let pin = json!({ "pin_sha256": field.cases[0].host.certificate.as_ref().unwrap().fingerprint });
    std::thread::scope(|scope| {
        for _ in 0..4 {
            for (tls, may) in [
                (json!({}), false),
                (json!({ "verify": false }), true),
                (pin.clone(), true),
                (json!({ "verify": true }), false),
            ] {
                let field = &field;
                scope.spawn(move || {
                    for _ in 0..50 {
                        let reply = call(&field.request(0, tls.clone()));
                        if may { trusted(&reply, "trusted") } else { drop(refused(&reply, "refused")) }
                    }
                });
            }
        }
    });
}
