//! The emulator, in all generations, called from Python that was written from the protocol alone. Nothing of the library is
//! in it: what both would have wrong shows here.

use rpa_test_support::{harness, plain_http, python, tools};

use std::fs;

use harness::ControlCenter;
use serde_json::json;

#[test]
fn each_generation_is_called_from_the_protocol_alone() {
    let Some(mut script) = python::python("tests/python/generations.py") else { return };
    script.arg(harness::program("control_center"));
    let output = tools::succeed(&mut script, "the calls of all generations");
    assert_eq!(tools::said(&output).matches("ok ").count(), 8, "{}", tools::said(&output));
}

#[test]
fn only_the_form_knows_the_library() {
    let mut folders = vec![tools::in_tree("crates/control-center/src")];
    let mut knowing = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if ["rpa_client", "rpa_signing"].iter().any(|name| fs::read_to_string(&path).unwrap().contains(name))
            {
                knowing.push(path);
            }
        }
    }
    assert_eq!(knowing, [tools::in_tree("crates/control-center/src/page/form.rs")]);
}

#[test]
fn a_browser_is_led_to_the_page_and_a_program_is_not() {
    let center = ControlCenter::start(&[]);
    let base = center.text("base");
    let page = plain_http::send("GET", base, &[("Accept", "text/html,*/*;q=0.8")], b"");
    assert_eq!((page.status, page.header("location")), (303, Some("/_emulator/")));
    for accept in ["*/*", "application/json"] {
        let answer = plain_http::send("GET", base, &[("Accept", accept)], b"");
        assert_eq!(answer.status, 404, "{accept}");
        assert!(answer.text().starts_with(r#"{"code":404,"msg":"接口不存在""#), "{}", answer.text());
    }
    assert_eq!(plain_http::send("POST", base, &[("Accept", "text/html")], b"").status, 404);
    assert_eq!(center.counts()["requests"], 3, "the page is not counted");
}

#[test]
fn other_sites_reach_neither_page_nor_settings() {
    let center = ControlCenter::start(&[]);
    let url = |name: &str| format!("{}/_emulator/{name}", center.text("base"));
    let status = |method: &str, name: &str, headers: &[(&str, &str)]| {
        plain_http::send(method, &url(name), headers, br#"{"encoding":"java"}"#).status
    };
    let json = ("Content-Type", "application/json");
    assert_eq!(status("GET", "state", &[("Origin", "http://evil.example")]), 403);
    assert_eq!(status("POST", "settings", &[("Content-Type", "text/plain")]), 403);
    assert_eq!(status("POST", "settings", &[json, ("Origin", "null")]), 403);
    assert_eq!(center.emulator("GET", "state", &json!(null))["encoding"], "python");
    assert_eq!(status("POST", "settings", &[json]), 200);
    assert_eq!(center.emulator("GET", "state", &json!(null))["encoding"], "java");
}
