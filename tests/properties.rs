//! Properties that hold for any input.

use rpa_test_support::harness;

use std::sync::LazyLock;

use harness::{ControlCenter, Library};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::{Value, json};

static LIBRARY: LazyLock<Library> = LazyLock::new(Library::load);
static CENTER: LazyLock<ControlCenter> = LazyLock::new(|| ControlCenter::start(&[]));
static TOKEN: LazyLock<String> = LazyLock::new(|| {
    let tokens = LIBRARY.json("rpa_get_token", &CENTER.token_request());
    tokens["result"]["accessToken"].as_str().unwrap().to_owned()
});

fn echo(mode: &str, data: &Value) -> Value {
    let request = json!({ "rest_type": "/oapi/v1/echo", "mode": mode, "data_json": data, "accesstoken": *TOKEN });
    LIBRARY.json("rpa_call", &CENTER.request(request))
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        // serde_json's own reading of other doubles is off by a last digit.
        any::<i32>().prop_map(|eighths| Value::from(f64::from(eighths) / 8.0)),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            btree_map(any::<String>(), inner, 0..6).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// What the server decodes from the query is what was given, for any text.
    #[test]
    fn a_query_arrives_as_it_was_given(data in btree_map(any::<String>(), any::<String>(), 0..6)) {
        let expected: Vec<(String, String)> = data.clone().into_iter().collect();
        for mode in ["get", "post"] {
            let reply = echo(mode, &json!(data));
            prop_assert_eq!(&reply["result"]["query"], &json!(expected), "{}", reply);
        }
    }

    /// The body signed is the body sent: the control center proves the signature from the bytes that came.
    #[test]
    fn the_body_signed_is_the_body_sent(data in btree_map(any::<String>(), any_json(), 0..6), values in "python|json|native") {
        for (mode, query) in [("post", "params"), ("post", "none"), ("put", "none"), ("delete", "params")] {
            let mut request = CENTER.request(json!({ "rest_type": "/oapi/v1/echo", "mode": mode, "data_json": data, "accesstoken": *TOKEN }));
            request["values"] = values.clone().into();
            request["query"] = query.into();
            let signed = LIBRARY.json("rpa_sign", &request);
            let sent = LIBRARY.json("rpa_call", &request);
            prop_assert_eq!(&sent["result"]["body"], &signed["result"]["body"], "{}", sent);
            let source = signed["result"]["source"].as_str().unwrap();
            prop_assert!(source.starts_with(sent["result"]["body"].as_str().unwrap()));
        }
    }

    /// In native values the body reads back as the parameters.
    #[test]
    fn a_native_body_is_the_parameters(data in btree_map(any::<String>(), any_json(), 0..6)) {
        let request = json!({ "host": "http://a", "rest_type": "/a", "mode": "put", "data_json": data, "accesstoken": "t", "values": "native" });
        let signed = LIBRARY.json("rpa_sign", &request);
        let body: Value = serde_json::from_str(signed["result"]["body"].as_str().unwrap()).unwrap();
        prop_assert_eq!(body, json!(data));
    }

    /// Any bytes at all as a request give a JSON error and no crash.
    #[test]
    fn any_bytes_give_a_json_error(bytes in vec(1u8.., 0..300)) {
        for function in ["rpa_get_token", "rpa_refresh_token", "rpa_call", "rpa_sign"] {
            let reply: Value = serde_json::from_str(&LIBRARY.call_bytes(function, Some(&bytes))).unwrap();
            prop_assert_eq!(&reply["error"]["kind"], "argument");
        }
    }

    /// Nearly right requests, too: any JSON in any field.
    #[test]
    fn any_json_in_any_field_gives_a_reply(
        field in prop_oneof![
            Just("host"), Just("port"), Just("rest_type"), Just("mode"), Just("data_json"), Just("accesstoken"), Just("values"),
            Just("encoding"), Just("query"), Just("empty_ok"), Just("timestamp"), Just("retry"), Just("timeout_ms"), Just("tls"), Just("headers"), Just("proxy"),
        ],
        value in any_json(),
    ) {
        let mut request = json!({ "host": "http://a", "rest_type": "/a", "mode": "put", "accesstoken": "t" });
        request[field] = value;
        let reply = LIBRARY.json("rpa_sign", &request);
        prop_assert!(reply["code"] == 0 || reply["error"]["field"].as_str().is_some_and(|named| named.starts_with(field)), "{}", reply);
    }
}
