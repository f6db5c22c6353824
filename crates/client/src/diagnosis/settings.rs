//! Each setting: its value, where that came from, and what is odd about it.

use serde_json::Value;

use super::case::Case;
use super::check::{Check, Facts, Status, Turn, Words};
use super::generation;
use super::secret::{is_secret, masked, without_secrets};
use crate::call::notes;
use crate::error::Error;
use crate::http::{Download, Upload};
use crate::proxy::environment::Environment;
use crate::proxy::exceptions::meant;
use crate::proxy::{route, script};
use crate::request::{Field, Pass, Proxy, Trust, is_foreign};

const NAME: &str = "settings";

/// What counts where a field is left out.
const DEFAULTS: [(&str, &str); 9] = [
    ("port", ""),
    ("retry", "2"),
    ("timeout_ms", "30000"),
    ("connect_timeout_ms", "10000"),
    ("keep_alive_ms", "5000"),
    ("proxy", ""),
    ("tls", "{\"verify\":true}"),
    ("max_response_bytes", "16777216"),
    ("token_store", "memory"),
];

/// Ends of paths that were copied from a browser.
const PAGES: [&str; 8] = ["/login", "/index", "/home", "/main", "/doc.html", ".html", ".jsp", "/oapi"];

/// Something odd about a setting.
struct Odd {
    field: String,
    words: Words,
    /// It is worth a warning.
    warns: bool,
}

/// The check, and the list of all settings.
pub(super) fn check(case: &Case<'_>) -> (Check, Vec<Value>) {
    let of_files = file_fault(case);
    let faults = || case.readable.faults.iter().chain(&of_files);
    let mut odd: Vec<Odd> = faults().map(of_fault).collect();
    odd.extend(of_host(case));
    odd.extend(of_trust(case));
    odd.extend(of_proxy(case));
    odd.extend(of_limits(case));
    odd.extend(of_call(case));
    let check = match (faults().next(), odd.iter().find(|odd| odd.warns)) {
        (Some(fault), _) => {
            let field = fault.field.as_deref().unwrap_or_default();
            Check::fail(NAME, Words::of(fault), field, Turn::You)
        }
        (None, Some(odd)) => Check::warning(NAME, odd.words.clone(), &odd.field, Turn::You),
        (None, None) => Check::ok(NAME, "各项设置可以读取", "all settings can be read"),
    };
    let mut facts = Facts::default();
    facts.number("given", i64::try_from(case.readable.given().len()).unwrap_or(0));
    facts.number("wrong", i64::try_from(faults().count()).unwrap_or(0));
    (check.with(facts, case.started().elapsed()), listed(case, &odd))
}

/// The control center answers at the address without the path in `host`.
pub(super) fn blame_path(case: &Case<'_>, checks: &mut [Check]) {
    let prefix = case.request.address.prefix();
    let words = Words::told(
        format_args!("host中的路径{prefix}有误:去掉它之后控制中心能正常应答,请在host中只写到主机和端口"),
        format_args!(
            "the path {prefix} in `host` is wrong: without it the control center answers; write scheme, host and port alone"
        ),
    );
    if let Some(check) = checks.iter_mut().find(|check| check.name == NAME && check.status != Status::Fail) {
        *check = Check::fail(NAME, words, "host", Turn::You).with(check.facts.clone(), check.took);
    }
}

/// Where the generation is another one, the fields that do not belong to the one that is named are those of the other.
pub(super) fn follow_generation(case: &Case<'_>, checks: &mut [Check]) {
    let is_cause =
        |check: &Check| check.status == Status::Fail && check.setting.as_deref() == Some(generation::SETTING);
    let follows = |fault: &crate::error::Error| {
        fault.field.as_deref().is_some_and(|field| is_foreign(field, case.request.scheme))
    };
    if checks.iter().any(is_cause)
        && case.readable.faults.iter().all(follows)
        && let Some(check) = checks.iter_mut().find(|check| check.name == NAME && check.status == Status::Fail)
    {
        check.follows_from(Words::new("先改正generation", "`generation` comes first"));
    }
}

fn listed(case: &Case<'_>, odd: &[Odd]) -> Vec<Value> {
    let given = case.readable.given();
    let mut listed = Vec::new();
    let mut list = |name: &str, value: Value, from: &str| {
        let mut facts = Facts::default();
        facts.text("field", &name.chars().take(60).collect::<String>());
        facts.put("value", value);
        facts.text("from", from);
        let same = |odd: &&Odd| odd.field == name || odd.field.starts_with(&format!("{name}."));
        facts.put("odd", Value::Array(odd.iter().filter(same).map(|odd| odd.words.json()).collect()));
        listed.push(facts.json());
    };
    for field in given {
        list(&field.name, value(case, field), case.readable.source(&field.name).unwrap_or("request"));
    }
    for (name, default) in DEFAULTS {
        if given.iter().any(|field| field.name == name) {
            continue;
        }
        match name {
            "proxy" => {
                let chosen = route::choose(&Proxy::System, &case.request.address).ok();
                let proxy = chosen.as_ref().and_then(|route| route.proxy());
                let shown = proxy.map_or(Value::Null, |proxy| Value::String(proxy.server.shown()));
                let from = proxy.map_or_else(|| "default".to_owned(), |proxy| proxy.source.word());
                list(name, shown, &from);
            }
            "port" => list(name, Value::from(case.request.address.port), "host"),
            _ => list(
                name,
                serde_json::from_str(default).unwrap_or_else(|_| Value::String(default.to_owned())),
                "default",
            ),
        }
    }
    if let Some((name, exceptions)) = Environment::of_process().exceptions() {
        list(name, Value::String(exceptions.chars().take(300).collect()), &format!("environment {name}"));
    }
    listed
}

/// A value as it may be shown: of a secret its length, and its end where that gives nothing away.
fn value(case: &Case<'_>, field: &Field) -> Value {
    let json: Value = serde_json::from_str(&field.json).unwrap_or(Value::Null);
    // What is wrong may stand in the wrong place, and be a secret of another field.
    let is_wrong = case.readable.faults.iter().any(|fault| names(fault, &field.name));
    if is_wrong && !(field.name == "host" && field.json.starts_with("\"http") && !field.json.contains('@')) {
        return Value::String(format!("({} bytes, not shown: it is wrong)", field.json.len()));
    }
    match (&*field.name, json) {
        (name, Value::String(text)) if is_secret(name) => Value::String(masked(&text)),
        (name, _) if is_secret(name) => Value::String("(not text)".to_owned()),
        ("proxy", Value::String(_)) => match &case.request.options.proxy {
            Proxy::Server(server) if !case.readable.is_aside("proxy") => Value::String(server.shown()),
            _ => Value::String("(not an address)".to_owned()),
        },
        ("host", Value::String(text)) => Value::String(without_secrets(&text)),
        ("headers", Value::Object(headers)) => {
            let mask = |value: Value| value.as_str().map_or(Value::Null, |text| Value::String(masked(text)));
            Value::Object(headers.into_iter().map(|(name, value)| (name, mask(value))).collect())
        }
        ("data_json", json) => {
            let object = match &json {
                Value::String(text) => serde_json::from_str(text).unwrap_or(Value::Null),
                other => other.clone(),
            };
            let count = object.as_object().map_or(0, serde_json::Map::len);
            Value::String(format!("({count} parameters, {} bytes)", field.json.len()))
        }
        ("token_store", Value::Object(mut store)) => {
            if let Some(Value::String(url)) = store.get_mut("redis") {
                *url = without_secrets(url);
            }
            Value::Object(store)
        }
        ("rest_type", Value::String(text)) => {
            Value::String(text.split(['?', '#']).next().unwrap_or_default().to_owned())
        }
        (_, json @ (Value::Number(_) | Value::Bool(_) | Value::Null)) => json,
        // They hold parameters.
        ("resume", _) => Value::String(format!("({} bytes)", field.json.len())),
        ("wait", Value::Object(mut wait)) => {
            if let Some(data) = wait.get_mut("data_json") {
                *data = Value::String(format!("({} bytes)", data.to_string().len()));
            }
            Value::Object(wait)
        }
        // Shown beside each field.
        ("settings_from", _) => Value::String("(shown as `from`)".to_owned()),
        // What is not known may be anything.
        (name, _) if !case.readable.has(name) && !case.readable.is_aside(name) => {
            Value::String("(not shown)".to_owned())
        }
        (_, json) => json,
    }
}

/// Whether an error is about a field, or about one within it.
fn names(fault: &Error, name: &str) -> bool {
    fault.field.as_deref().is_some_and(|field| field.split('.').next() == name.split('.').next())
}

fn of_fault(fault: &Error) -> Odd {
    Odd { field: fault.field.clone().unwrap_or_default().into_string(), words: Words::of(fault), warns: false }
}

/// A file that a call could not read, or not write. They are looked at, and no more.
fn file_fault(case: &Case<'_>) -> Option<Error> {
    let (files, save_to) = case.readable.files().ok()?;
    let opened = if files.is_empty() { Ok(()) } else { Upload::open(&files).map(drop) };
    opened.and_then(|()| save_to.as_ref().map_or(Ok(()), Download::check)).err()
}

fn odd(field: &str, warns: bool, words: Words) -> Odd {
    Odd { field: field.to_owned(), words, warns }
}

fn of_host(case: &Case<'_>) -> Vec<Odd> {
    let mut found = Vec::new();
    if case.readable.is_aside("host") {
        return found;
    }
    let address = &case.request.address;
    let prefix = address.prefix();
    if !prefix.is_empty() {
        let lower = prefix.to_ascii_lowercase();
        let is_page = PAGES.iter().any(|page| lower.contains(page));
        let words = Words::told(
            format_args!("host带有路径{prefix},会加在每个接口路径之前;若是从浏览器地址栏复制来的,请只保留到主机和端口"),
            format_args!(
                "`host` has the path {prefix}, which goes before the path of each API; if it was copied from a browser, leave scheme, host and port alone"
            ),
        );
        found.push(odd("host", is_page, words));
    }
    let loopback = address.host().starts_with("127.") || ["localhost", "[::1]"].contains(&address.host());
    if !address.https && !loopback {
        found.push(odd(
            "host",
            false,
            Words::new(
                "host以http://开头,密钥和token不加密传送",
                "`host` begins with `http://`: keys and tokens travel unencrypted",
            ),
        ));
    }
    found
}

fn of_trust(case: &Case<'_>) -> Option<Odd> {
    (case.request.options.trust == Trust::Anything && !case.readable.is_aside("tls")).then(|| {
        let words = Words::new(
            "\"verify\":false不核对证书,任何人都可以冒充控制中心并拿走密钥;请改用tls.pin_sha256填入证书指纹",
            "with \"verify\": false no certificate is checked, and anyone may pose as the control center and get the keys: give the certificate's fingerprint as `tls.pin_sha256` instead",
        );
        odd("tls.verify", case.request.address.https, words)
    })
}

fn of_proxy(case: &Case<'_>) -> Vec<Odd> {
    let mut found = Vec::new();
    let setting = &case.request.options.proxy;
    let address = &case.request.address;
    if case.readable.is_aside("host") {
        return found;
    }
    if let Some(script) = script::ignored(setting) {
        let words = Words::told(
            format_args!("Windows设置了自动代理脚本{script},本库不执行;如必须经代理,请在proxy中写出代理地址"),
            format_args!(
                "Windows is set to find its proxy by the script {script}, which is not run: if a proxy is needed, give its address as `proxy`"
            ),
        );
        found.push(odd("proxy", false, words));
    }
    let environment = Environment::of_process();
    let named = environment.named_for(address).ok().flatten();
    if let (Proxy::System, Some(_), Some((variable, list))) = (setting, named, environment.exceptions()) {
        let bare = crate::request::without_brackets(address.host());
        let addresses: Vec<std::net::IpAddr> = bare.parse().into_iter().collect();
        if let Some(entry) = meant(address.host(), address.port, list, &addresses) {
            let words = Words::told(
                format_args!(
                    "环境变量{variable}中的“{entry}”看似包含该主机,其实不匹配;请写成{bare},各项之间用英文逗号分隔"
                ),
                format_args!(
                    "the entry `{entry}` of {variable} looks as if it named this host, and does not: write {bare}, with commas between the entries"
                ),
            );
            found.push(odd(variable, true, words));
        }
    }
    found
}

fn of_limits(case: &Case<'_>) -> Vec<Odd> {
    let lifetime = match &case.request.pass {
        Pass::Keys(keys) => keys.lifetime,
        Pass::Given(_) => None,
    };
    let told = notes::of_limits(&case.request.options, lifetime);
    let field = |note: &str| note.split('`').nth(1).unwrap_or_default().to_owned();
    told.iter().map(|note| Odd { field: field(note), words: limit(note), warns: true }).collect()
}

/// The note's own words, less the parentheses around the Chinese.
fn limit(note: &str) -> Words {
    let (en, zh) = note.split_once(" (").unwrap_or((note, note));
    Words::new(zh.trim_end_matches(')'), en)
}

fn of_call(case: &Case<'_>) -> Vec<Odd> {
    if !case.readable.has("rest_type") || !case.readable.has("mode") || case.readable.is_aside("data_json") {
        return Vec::new();
    }
    let mut found: Vec<Odd> = notes::of_parameters(&case.request.parameters)
        .iter()
        .map(|note| Odd { field: "data_json".to_owned(), words: stripped(Words::two(note, "")), warns: true })
        .collect();
    let url = case.readable.request().and_then(crate::call::unstamped::UnstampedCall::new);
    match url {
        Ok(call) => found.extend(notes::of_url(call.request.mode, call.url.expose()).map(|note| Odd {
            field: "query".to_owned(),
            words: stripped(Words::two(&note, "")),
            warns: true,
        })),
        Err(error) => found.push(Odd { field: "data_json".to_owned(), words: Words::of(&error), warns: true }),
    }
    found
}

fn stripped(words: Words) -> Words {
    Words::new(words.zh.trim_start_matches(':'), &words.en)
}
