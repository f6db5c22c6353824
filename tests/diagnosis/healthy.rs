//! Where nothing is wrong, nothing is told but that.

use serde_json::{Value, json};

use crate::folder::Folder;
use crate::harness::{ControlCenter, Library};
use crate::requests::with_all;
use crate::{check, diagnose, shape};

fn is_well(told: &Value, what: &str) {
    let result = &told["result"];
    assert_eq!(told["code"], 0, "{what}: {told}");
    assert_eq!(shape(result), None, "{what}");
    let verdict = &result["verdict"];
    assert_eq!((&verdict["ok"], &verdict["check"]), (&true.into(), &Value::Null), "{what}: {result}");
    assert!(verdict["zh"].as_str().unwrap().contains("正常"), "{verdict}");
    for check in result["checks"].as_array().unwrap() {
        assert!(check["status"] == "ok" || check["status"] == "skipped", "{what}: {check}");
    }
    let is_odd = |setting: &Value| setting["odd"] != json!([]);
    assert!(!result["settings"].as_array().unwrap().iter().any(is_odd), "{what}: {}", result["settings"]);
}

#[test]
fn a_healthy_setup_has_no_warning() {
    let folder = Folder::new("diagnosis");
    for options in [&[][..], &["--tls"]] {
        let center = ControlCenter::start(options);
        let keys = center.token_request();
        let store = json!({ "token_store": { "file": folder.join(format!("tokens-{}", options.len())) } });
        let listing = json!({ "get_token": true, "rest_type": "/oapi/v1/job/list", "mode": "get" });
        for (what, request) in [
            ("the address alone", center.request(json!({}))),
            ("by keys", keys.clone()),
            ("with a store", with_all(keys.clone(), store.clone())),
            ("all of it", with_all(with_all(keys.clone(), store.clone()), listing.clone())),
        ] {
            let told = diagnose(&request.to_string(), &[]);
            is_well(&told, what);
        }
        let told = diagnose(&with_all(with_all(keys, store), listing).to_string(), &[]);
        assert_eq!(check(&told, "token")["facts"]["source"], "store", "{told}");
        for name in ["http", "clock", "store", "token", "signature"] {
            assert_eq!(check(&told, name)["status"], "ok", "{told}");
        }
        let tls = &check(&told, "tls")["facts"];
        if !options.is_empty() {
            assert_eq!(
                tls["chain"][0]["sha256"].as_str().unwrap().to_uppercase(),
                center.text("fingerprint").replace(':', "").to_uppercase()
            );
            assert_eq!(tls["vouched_by"], "pin", "{tls}");
        }
    }
}

#[test]
fn the_library_and_the_machine_are_told() {
    let center = ControlCenter::start(&[]);
    let told = diagnose(&center.request(json!({ "settings_from": { "host": "GlobalFun.RPA_HOST" } })).to_string(), &[]);
    let library = &told["result"]["library"];
    assert!(library["file"].as_str().unwrap().contains("rpa_openapi"), "{library}");
    assert_eq!(library["sha256"].as_str().unwrap().len(), 64, "{library}");
    assert_eq!(library["version"], Library::load().version().as_str());
    let machine = &told["result"]["machine"];
    for name in ["process", "system", "system_version", "time"] {
        assert!(machine[name].as_str().is_some_and(|text| !text.is_empty()), "{name}: {machine}");
    }
    let settings = told["result"]["settings"].as_array().unwrap();
    let host = settings.iter().find(|setting| setting["field"] == "host").unwrap();
    assert_eq!((&host["from"], &host["value"]), (&"GlobalFun.RPA_HOST".into(), &center.text("base").into()));
    let limit = settings.iter().find(|setting| setting["field"] == "timeout_ms").unwrap();
    assert_eq!((&limit["from"], &limit["value"]), (&"default".into(), &30000.into()));
}

#[test]
fn nothing_is_asked_of_the_control_center_that_was_not_allowed() {
    let folder = Folder::new("diagnosis-log");
    let path = folder.join("log");
    let center = ControlCenter::with_log(&[], std::fs::File::create(&path).unwrap());
    let call = json!({ "rest_type": "/oapi/v1/job/create", "mode": "post", "data_json": { "procCode": "P001" } });
    diagnose(&with_all(center.token_request(), call).to_string(), &[]);
    drop(center);
    let log = std::fs::read_to_string(&path).unwrap();
    assert!(log.contains("/oapi/v1/token"), "the log shows what was asked: {log}");
    assert!(!log.contains("/oapi/v1/job/create") && !log.contains("token issued"), "{log}");
}

#[test]
fn whatever_comes_in_a_diagnosis_comes_out_in_time() {
    let library = Library::load();
    for request in [
        None,
        Some(&b""[..]),
        Some(b"{"),
        Some(b"[]"),
        Some(b"{\"a\":\"\xff\"}"),
        Some(b"{\"host\":1,\"timeout_ms\":1}"),
    ] {
        let told: Value = serde_json::from_str(&library.call_bytes("rpa_diagnose", request)).unwrap();
        assert_eq!((&told["code"], &told["result"]["verdict"]["check"]), (&0.into(), &"settings".into()), "{told}");
        assert_eq!(shape(&told["result"]), None, "{request:?}");
    }
    let told = library.json("rpa_diagnose", &json!({ "host": "http://127.0.0.1:1", "proxy": null, "timeout_ms": 1 }));
    assert_eq!(shape(&told["result"]), None);
}
