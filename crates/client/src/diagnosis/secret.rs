//! What must not be shown, and what may be shown of it.

use crate::proxy::environment::Environment;
use crate::proxy::route::proxy_secrets;
use crate::request::{CallRequest, Readable};
use rpa_signing::Secret;

/// Fields whose value nobody may see.
const SECRETS: [&str; 7] =
    ["accesskey", "secretkey", "accesstoken", "refreshtoken", "refleshtoken", "appkey", "password"];

pub(super) fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRETS.iter().any(|secret| name.contains(secret))
}

/// What must not be shown: keys, tokens, gateways' headers, passwords, values of parameters.
pub(super) fn all(readable: &Readable<'_>, request: &CallRequest<'_>) -> Vec<Secret> {
    let mut secrets = Vec::new();
    for field in readable.given() {
        let is_secret = is_secret(&field.name);
        let texts: Vec<String> = match serde_json::from_str::<serde_json::Value>(&field.json) {
            Ok(serde_json::Value::String(text)) if is_secret => vec![text],
            Ok(serde_json::Value::Object(map)) if field.name == "headers" => {
                map.into_iter().filter_map(|(_, value)| value.as_str().map(str::to_owned)).collect()
            }
            Ok(data) if field.name == "data_json" => values(data),
            _ => Vec::new(),
        };
        secrets.extend(texts.into_iter().map(Secret::new));
    }
    secrets.extend(proxy_secrets(&request.options.proxy, &request.address));
    let passwords = Environment::of_process().addresses().map(Secret::expose);
    let store = readable.given().iter().filter(|field| ["token_store", "proxy", "host"].contains(&&*field.name));
    let addresses = passwords.map(str::to_owned).chain(store.map(|field| field.json.clone()));
    secrets.extend(addresses.filter_map(|address| password(&address)).map(Secret::new));
    secrets
}

/// The texts among the parameters, which stand in a query.
fn values(data: serde_json::Value) -> Vec<String> {
    let data = match data {
        serde_json::Value::String(text) => serde_json::from_str(&text).unwrap_or_default(),
        data => data,
    };
    let serde_json::Value::Object(data) = data else { return Vec::new() };
    let texts = data.into_iter().map(|(_, value)| match value {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    });
    texts.filter(|text| text.len() >= 8).take(200).collect()
}

/// What stands between the colon and the `@` of an address, or all before the `@`.
fn password(address: &str) -> Option<String> {
    let (user, _) = address.rsplit_once('@')?;
    let user = user.split_once("://").map_or(user, |(_, user)| user);
    let password = user.split_once(':').map_or(user, |(_, password)| password);
    Some(password.to_owned()).filter(|password| !password.is_empty())
}

/// The length, and the last four characters where at least twelve others stand before them.
pub(super) fn masked(text: &str) -> String {
    let length = text.chars().count();
    match length {
        16.. => format!("{length} characters, …{}", text.chars().skip(length - 4).collect::<String>()),
        _ => format!("{length} characters"),
    }
}

/// An address without user name, password and query.
pub(super) fn without_secrets(url: &str) -> String {
    let url = url.split(['?']).next().unwrap_or_default();
    let (scheme, rest) = url.split_once("://").map_or(("", url), |(scheme, rest)| (scheme, rest));
    let separator = if scheme.is_empty() { "" } else { "://" };
    let (hidden, rest) = rest.rsplit_once('@').map_or(("", rest), |(_, rest)| ("***@", rest));
    [scheme, separator, hidden, rest].concat()
}
