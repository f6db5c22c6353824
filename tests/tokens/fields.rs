//! The fields of calls by keys: what is refused, and what the refusal says.

use serde_json::{Value, json};

use crate::harness::Library;
use crate::in_company;
use crate::requests::with_all;

fn refused(fields: Value) -> (Value, String) {
    let request = json!({
        "host": "http://127.0.0.1:1", "proxy": null, "mode": "get", "rest_type": "/a",
        "accesskey": "access-key", "secretkey": "secret-key",
    });
    let request = with_all(request, fields);
    let library = Library::load();
    let told = library.json("rpa_call", &request);
    assert_eq!((&told["code"], &told["error"]["kind"]), (&json!(41), &json!("argument")), "{told}");
    // Nothing was sent, and both functions say the same.
    assert_eq!((&told["error"]["attempts"], &told["error"]["delivered"]), (&json!(0), &json!("no")), "{told}");
    let signed = library.json("rpa_sign", &request);
    assert_eq!(signed["error"]["detail"], told["error"]["detail"]);
    (told["error"]["field"].clone(), told["error"]["detail"].as_str().unwrap().to_owned())
}

#[test]
fn one_way_or_the_other() {
    let _company = in_company();
    let (field, detail) = refused(json!({ "accesstoken": "9f2c4b7e1d5a48c0" }));
    assert!(field == "accesskey" && detail.contains("`accesstoken`"), "{field} {detail}");
    for name in ["accesskey", "secretkey"] {
        let (field, _) = refused(json!({ name: null }));
        assert_eq!(field, name);
    }
    let library = Library::load();
    let neither = json!({ "host": "http://127.0.0.1:1", "mode": "get", "rest_type": "/a" });
    let told = library.json("rpa_call", &neither);
    let detail = told["error"]["detail"].as_str().unwrap();
    assert!(detail.contains("accesstoken") && detail.contains("accesskey"), "both ways are told: {detail}");
    // Of the token functions these fields are none.
    for name in ["token_store", "token_ttl_ms", "token_refused", "correct_clock"] {
        let mut request = json!({ "host": "http://127.0.0.1:1", "accesskey": "access-key", "secretkey": "secret-key" });
        request[name] = "memory".into();
        assert_eq!(library.json("rpa_get_token", &request)["error"]["field"], name);
    }
}

#[test]
fn near_misses_name_what_was_probably_meant() {
    let _company = in_company();
    for (near, meant) in [
        ("acesskey", "accesskey"),
        ("secret_key", "secretkey"),
        ("token_stor", "token_store"),
        ("tokenstore", "token_store"),
        ("token_ttl", "token_ttl_ms"),
        ("token_refuse", "token_refused"),
        ("corect_clock", "correct_clock"),
    ] {
        let (field, detail) = refused(json!({ near: "x" }));
        assert!(field == near && detail.contains(&format!("`{meant}`")), "{near}: {detail}");
    }
    for (store, field, meant) in [
        (json!({ "fil": "a" }), "token_store.fil", "file"),
        (json!({ "rediss": "redis://a" }), "token_store.rediss", "redis"),
    ] {
        let (told, detail) = refused(json!({ "token_store": store }));
        assert!(told == field && detail.contains(meant), "{told}: {detail}");
    }
}

#[test]
fn what_cannot_be() {
    let _company = in_company();
    for (fields, field) in [
        (json!({ "token_store": "disk" }), "token_store"),
        (json!({ "token_store": 7 }), "token_store"),
        (json!({ "token_store": { "file": "a", "redis": "redis://b" } }), "token_store"),
        (json!({ "token_store": { "file": "" } }), "token_store.file"),
        (json!({ "token_store": { "redis": "http://a" } }), "token_store.redis"),
        (json!({ "token_store": { "redis": "redis://u:geheim-geheim@h:x" } }), "token_store.redis"),
        (json!({ "correct_clock": "no" }), "correct_clock"),
        (json!({ "token_ttl_ms": 0 }), "token_ttl_ms"),
        (json!({ "token_ttl_ms": "1h" }), "token_ttl_ms"),
        (json!({ "token_refused": { "code": 401 } }), "token_refused.code"),
        (json!({ "token_refused": { "msg": [""] } }), "token_refused.msg"),
        (json!({ "token_refused": { "status": [401] } }), "token_refused.status"),
    ] {
        let (told, detail) = refused(fields.clone());
        assert_eq!(told, field, "{fields}: {detail}");
    }
}
