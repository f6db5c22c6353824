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

/// Whatever would start, send or bring something: the control center hears of none of it, and no file is made.
#[test]
fn a_diagnosis_starts_nothing_and_writes_nothing() {
    let folder = Folder::new("diagnosis-files");
    let report = folder.write("report.csv", "a");
    let place = folder.join("saved");
    let center = ControlCenter::start(&[]);
    let keys = with_all(center.token_request(), json!({ "get_token": true }));
    let (get, post) = (
        json!({ "rest_type": "/oapi/v1/job/list", "mode": "get" }),
        json!({ "rest_type": "/oapi/v1/job/create", "mode": "post", "data_json": { "procCode": "P001", "robotNo": "Administrator@0A1B2C3D4E5F" } }),
    );
    let until = json!([{ "pointer": "/result/status", "in": ["finished"] }]);
    let wait = json!({ "wait": { "rest_type": "/oapi/v1/job/get", "data_json": { "jobNo": "secret-job" }, "until": until, "resume_file": folder.join("resume") } });
    let pages = json!({ "pages": { "page": "pageNum", "items": "/result/rows", "total": "/result/total" } });
    let resume = {
        // As a wait that only starts gives it.
        let mut fields = wait.clone();
        fields["wait"].as_object_mut().unwrap().remove("resume_file");
        fields["wait"]["timeout_ms"] = json!(0);
        let started =
            Library::load().json("rpa_call", &with_all(with_all(center.token_request(), post.clone()), fields));
        let text = started["result"]["resume"].as_str().or(started["error"]["resume"].as_str());
        json!({ "resume": text.unwrap_or_else(|| panic!("{started}")) })
    };
    for (what, further, sends) in [
        ("wait", with_all(post.clone(), wait.clone()), false),
        ("wait by a get", with_all(get.clone(), wait.clone()), false),
        ("resume", resume, false),
        ("files", with_all(post.clone(), json!({ "files": { "file": report } })), false),
        ("save_to", with_all(get.clone(), json!({ "save_to": place })), false),
        ("another method", with_all(get.clone(), json!({ "headers": { "X-HTTP-Method-Override": "POST" } })), false),
        ("save_to of a post", with_all(post, json!({ "save_to": { "path": place, "overwrite": true } })), false),
        ("pages", with_all(get, pages), true),
    ] {
        let told = diagnose(&with_all(keys.clone(), further).to_string(), &[]);
        assert_eq!(told["result"]["verdict"]["ok"], true, "{what}: {told}");
        assert_eq!(check(&told, "settings")["status"], "ok", "{what}: {told}");
        assert_eq!(check(&told, "signature")["status"] == "ok", sends, "{what}: {told}");
        assert!(!told.to_string().contains("secret-job"), "{what}: {told}");
    }
    let mut seen = center.counts()["by_path"].take();
    let seen = seen.as_object_mut().unwrap();
    // By these the generation is recognised, without a signature.
    for path in ["/oapi/v1/token", "/doc.html", "/rapi/rcall.action", "/oapi/v1/rpa-openapi-no-such-path"] {
        assert!(seen.remove(&format!("GET {path}")).is_some(), "{path}");
    }
    // The one that was made on purpose, the get of `pages`, and in each of the seven one without a signature.
    assert_eq!(json!(seen), json!({ "POST /oapi/v1/job/create": 1, "GET /oapi/v1/job/list": 1 + 7 }));
    let names: Vec<_> = std::fs::read_dir(&*folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["report.csv"], "nothing was made beside it");
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
