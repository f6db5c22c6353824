//! What calls that succeed warn of, and the same in the log: each in Chinese and in English, with the setting to change.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use rcgen::{CertificateParams, KeyPair};
use rpa_test_support::folder::Folder;
use rpa_test_support::harness::{ControlCenter, Library};
use rpa_test_support::requests::{call, with, with_all};
use rpa_test_support::server::{Server, closed_port, reply};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const OK: &str = r#"{"code":0,"msg":"success","result":[]}"#;

/// The warnings of a call.
fn warnings(request: Value) -> Vec<Value> {
    let told = Library::load().json("rpa_call", &with(request, "meta", json!(true)));
    told["meta"]["warnings"].as_array().unwrap_or_else(|| panic!("{told}")).clone()
}

/// The events of a log so far: what of, and the line.
fn events(folder: &Path) -> Vec<(String, Value)> {
    let files = fs::read_dir(folder).unwrap().map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
    let lines =
        files.flat_map(|text| text.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>());
    lines.map(|line| (line["event"].as_str().unwrap().to_owned(), line)).filter(|(event, _)| event != "call").collect()
}

/// Both texts are of one language each, and both name the setting.
fn assert_told(told: &Value, setting: &str) {
    let (zh, en) = (told["zh"].as_str().unwrap(), told["en"].as_str().unwrap());
    let is_chinese = |c: char| ('\u{3000}'..='\u{9fff}').contains(&c) || ('\u{ff00}'..='\u{ffef}').contains(&c);
    assert!(!en.contains(is_chinese), "{en}");
    assert!(zh.contains(is_chinese), "{zh}");
    let is_word = |word: &&str| word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_alphabetic());
    let words: Vec<&str> = zh.split(' ').collect();
    assert!(!words.windows(3).any(|words| words.iter().all(is_word)), "an English sentence: {zh}");
    assert!(zh.contains(setting) && en.contains(setting), "{setting}: {zh} {en}");
}

/// One warning of this kind, which names the setting.
fn assert_warns(warnings: &[Value], kind: &str, setting: &str) {
    let kinds: Vec<_> = warnings.iter().map(|warning| warning["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, [kind], "{warnings:?}");
    assert_told(&warnings[0], setting);
}

/// A self-signed certificate that is valid for so many days more, and its fingerprint.
fn certificate(days: u64) -> (ServerConfig, String) {
    let key = KeyPair::generate().unwrap();
    let mut parameters = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    parameters.not_before = (SystemTime::now() - Duration::from_secs(86_400)).into();
    parameters.not_after = (SystemTime::now() + Duration::from_secs(days * 86_400 - 3600)).into();
    let certificate = parameters.self_signed(&key).unwrap();
    let private = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let pin = Sha256::digest(certificate.der()).iter().map(|byte| format!("{byte:02x}")).collect();
    (config.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], private).unwrap(), pin)
}

/// Answers one request a connection, with the first certificate, then with the next one.
fn renewed(configs: Vec<ServerConfig>) -> Server {
    let (configs, next) = (configs.into_iter().map(std::sync::Arc::new).collect::<Vec<_>>(), AtomicUsize::new(0));
    Server::start(move |connection| {
        let config = configs[next.fetch_add(1, Ordering::SeqCst).min(configs.len() - 1)].clone();
        let session = rustls::ServerConnection::new(config).unwrap();
        let mut stream = rustls::StreamOwned::new(session, &mut connection.stream);
        if stream.read(&mut [0; 8192]).is_ok_and(|amount| amount > 0) {
            let _ = stream.write_all(reply("200 OK", OK).as_bytes());
        }
    })
}

#[test]
fn a_certificate_that_ends_soon_and_one_that_has_changed() {
    let made = [certificate(300), certificate(10), certificate(300)];
    let pins: Vec<_> = made.iter().map(|(_, pin)| pin.clone()).collect();
    let server = renewed(made.into_iter().map(|(config, _)| config).collect());
    let folder = Folder::new("log-of-certificates");
    let https = server.url().replace("http://", "https://");
    let request = with_all(
        call(&https, "get"),
        json!({ "tls": { "pin_sha256": pins }, "keep_alive_ms": 0, "log": { "folder": &*folder } }),
    );
    assert!(warnings(request.clone()).is_empty());
    assert_warns(&warnings(request.clone()), "certificate", "tls.pin_sha256");
    assert!(warnings(request).is_empty());
    let events = events(&folder);
    let kinds: Vec<_> = events.iter().map(|(event, _)| event.as_str()).collect();
    // Ends soon, has changed; is right again, has changed.
    assert_eq!(kinds, ["certificate"; 4], "{events:?}");
    for place in [0, 1, 3] {
        assert_told(&events[place].1, "tls.pin_sha256");
    }
    assert_told(&events[2].1, "");
    let texts = |place: usize| events[place].1["en"].as_str().unwrap();
    assert!(texts(1).contains("has changed") && texts(3).contains("has changed") && texts(2).contains("new"));
}

#[test]
fn a_store_that_is_lost_and_back() {
    let center = ControlCenter::start(&[]);
    let folder = Folder::new("log-of-stores");
    let blocked = folder.write("blocked", "");
    let log = folder.join("log");
    let store = json!({ "token_store": { "file": blocked.join("tokens.json") }, "log": { "folder": log } });
    let listing = json!({ "rest_type": "/oapi/v1/job/list", "mode": "get" });
    let request = with_all(with_all(center.token_request(), listing), store);
    assert_warns(&warnings(request.clone()), "store", "token_store");
    fs::remove_file(&blocked).unwrap();
    center.set(json!({ "expire_tokens": true }));
    assert!(warnings(request).iter().all(|warning| warning["kind"] != "store"));
    let events = events(&log);
    let stores: Vec<_> = events.iter().filter(|(event, _)| event == "store").collect();
    assert_eq!(stores.len(), 2, "{events:?}");
    stores.iter().for_each(|(_, line)| assert_told(line, "token_store"));
    assert!(stores[1].1["en"].as_str().unwrap().contains("again"), "{events:?}");
}

#[test]
fn each_trouble_of_a_store_is_told_in_both_languages() {
    let center = ControlCenter::start(&[]);
    let folder = Folder::new("stores");
    let foreign = folder.write("foreign", "{\"a\":1}");
    let listing = json!({ "rest_type": "/oapi/v1/job/list", "mode": "get" });
    let closed = closed_port().replace("http://", "redis://");
    let nonsense = Server::answering("HTTP/1.1 400 Bad Request\r\n\r\n").url().replace("http://", "redis://");
    let mut stores = vec![
        json!({ "file": &*folder }),
        json!({ "file": foreign }),
        json!({ "file": foreign.join("tokens.json") }),
        json!({ "redis": closed }),
        json!({ "redis": nonsense }),
    ];
    if cfg!(unix) {
        let circle = folder.join("circle");
        #[cfg(unix)]
        std::os::unix::fs::symlink(&circle, &circle).unwrap();
        stores.push(json!({ "file": circle }));
        // No such name is possible.
        stores.push(json!({ "file": folder.join("x".repeat(300)) }));
    }
    for store in stores {
        let request = with_all(with_all(center.token_request(), listing.clone()), json!({ "token_store": store }));
        assert_warns(&warnings(request), "store", "token_store");
    }
}

#[test]
fn a_token_that_somebody_else_evicts() {
    let center = ControlCenter::start(&["--single-token"]);
    let folder = Folder::new("log-of-evictions");
    let listing = json!({ "rest_type": "/oapi/v1/job/list", "mode": "get", "log": { "folder": &*folder } });
    let request = with_all(center.token_request(), listing);
    assert!(warnings(request.clone()).is_empty());
    Library::load().json("rpa_get_token", &center.token_request());
    assert_warns(&warnings(request), "eviction", "token_store");
    let events = events(&folder);
    assert!(events.len() == 1 && events[0].0 == "eviction", "{events:?}");
    assert_told(&events[0].1, "token_store");
}

#[test]
fn a_clock_that_is_off_and_right_again() {
    let count = AtomicUsize::new(0);
    let server = Server::start(move |connection| {
        while connection.request().is_some() {
            let date = match count.fetch_add(1, Ordering::SeqCst) {
                0 => "Sun, 06 Nov 1994 08:49:37 GMT".to_owned(),
                1 => "Fri, 06 Nov 2099 08:49:37 GMT".to_owned(),
                _ => httpdate::fmt_http_date(SystemTime::now()),
            };
            let dated = reply("200 OK", OK).replacen("\r\n", &format!("\r\nDate: {date}\r\n"), 1);
            connection.send(dated.as_bytes());
        }
    });
    let folder = Folder::new("log-of-clocks");
    let request = with(call(&server.url(), "get"), "log", json!({ "folder": &*folder }));
    assert_warns(&warnings(request.clone()), "clock", "correct_clock");
    assert_warns(&warnings(request.clone()), "clock", "correct_clock");
    assert!(warnings(request).is_empty());
    let events = events(&folder);
    let kinds: Vec<_> = events.iter().map(|(event, _)| event.as_str()).collect();
    assert_eq!(kinds, ["clock"; 2], "{events:?}");
    assert_told(&events[0].1, "correct_clock");
    assert_told(&events[1].1, "");
}

#[test]
fn no_verification_and_a_post_that_is_repeated() {
    let center = ControlCenter::start(&["--tls"]);
    let any =
        json!({ "rest_type": "/oapi/v1/job/list", "mode": "get", "accesstoken": "t0ken", "tls": { "verify": false } });
    assert_warns(&warnings(center.request(any)), "verify", "tls.verify");
    let count = AtomicUsize::new(0);
    let fails_once = Server::start(move |connection| {
        while connection.request().is_some() && count.fetch_add(1, Ordering::SeqCst) > 0 {
            connection.send(reply("200 OK", OK).as_bytes());
        }
    });
    let request = with(call(&fails_once.url(), "post"), "retry_mode", json!("always"));
    assert_warns(&warnings(request), "repeated", "retry_mode");
}

/// At every level, though a call that is well is not written at this one.
#[test]
fn a_log_that_cannot_be_written() {
    let server = Server::answering(reply("200 OK", OK));
    let folder = Folder::new("no-log");
    let file = folder.write("file", "");
    for level in ["error", "warn", "info", "debug"] {
        let log = json!({ "folder": file.join(level), "level": level });
        let request = with(call(&server.url(), "get"), "log", log);
        assert_warns(&warnings(request.clone()), "log", "log.folder");
        assert_warns(&warnings(request), "log", "log.folder");
    }
    fs::remove_file(&file).unwrap();
    for level in ["error", "warn", "info", "debug"] {
        let log = json!({ "folder": file.join(level), "level": level });
        assert!(warnings(with(call(&server.url(), "get"), "log", log)).is_empty(), "{level}");
    }
}
