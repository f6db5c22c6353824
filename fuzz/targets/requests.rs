//! Any text as the request of each function. What comes back is JSON of the right code, and no error holds a secret.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rpa_client::Function;
use rpa_openapi_fuzz::reply;
use serde_json::{Value, json};

const FUNCTIONS: [(Function, u64); 4] =
    [(Function::Sign, 41), (Function::Call, 41), (Function::GetToken, 44), (Function::RefreshToken, 44)];

fuzz_target!(|data: &[u8]| {
    let Some((&first, text)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let index = usize::from(first) % FUNCTIONS.len();
    let (function, argument) = FUNCTIONS[index];
    // All but rpa_sign may send: what they are given leads to a closed port of this machine.
    let text = if index == 0 { text.to_owned() } else { without_way_out(text) };
    let told: Value = serde_json::from_str(&reply(function, &text)).expect("a reply is JSON");
    let error = &told["error"];
    if !error.is_object() {
        assert_eq!((index, &told["code"]), (0, &json!(0)), "nobody answers: {told}");
        return;
    }
    let kind = error["kind"].as_str().expect("a kind");
    let code = match (kind, index) {
        ("argument", _) => argument,
        ("mode", _) => 42,
        (_, 2 | 3) => 44,
        _ => 40,
    };
    assert_eq!(told["code"], code, "{told}");
    assert_ne!(kind, "internal", "{told}");
    assert_eq!(error["delivered"], "no", "{told}");
    let Ok(Value::Object(fields)) = serde_json::from_str::<Value>(&text) else { return };
    let other: Value = serde_json::from_str(&reply(function, &with_other_secrets(fields.clone()))).expect("a reply is JSON");
    for name in SECRETS {
        let secret = fields.get(name).and_then(Value::as_str).unwrap_or_default();
        let quotes = |told: &Value| told["error"]["detail"].as_str().is_some_and(|detail| detail.contains(secret));
        // A shorter one may be a word of the message; a longer one, too, where it is so without the secret.
        assert!(secret.len() < 12 || !quotes(&told) || quotes(&other), "{told}");
    }
});

const SECRETS: [&str; 5] = ["accesskey", "secretkey", "accesstoken", "refreshtoken", "refleshtoken"];

fn with_other_secrets(mut fields: serde_json::Map<String, Value>) -> String {
    for name in SECRETS {
        if let Some(Value::String(secret)) = fields.get_mut(name) {
            *secret = "0".repeat(secret.len());
        }
    }
    Value::Object(fields).to_string()
}

/// The same request, to a closed port of this machine, with short limits where it has any.
fn without_way_out(text: &str) -> String {
    let Ok(Value::Object(mut fields)) = serde_json::from_str(text) else { return text.to_owned() };
    for (name, value) in [
        ("host", json!("http://127.0.0.1:1")),
        ("port", Value::Null),
        ("proxy", Value::Null),
        ("retry", json!(1)),
        ("timeout_ms", json!(200)),
    ] {
        if fields.contains_key(name) || matches!(name, "proxy" | "retry" | "timeout_ms") {
            fields.insert(name.to_owned(), value);
        }
    }
    Value::Object(fields).to_string()
}
