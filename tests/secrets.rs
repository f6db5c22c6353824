//! What leaves the library when something goes wrong: no key, token, signature, password, header of a gateway or query,
//! in whatever form a server or a proxy quotes it.

use std::fs;

use rpa_test_support::folder::Folder;
use rpa_test_support::forms::forms;
use rpa_test_support::harness::ControlCenter;
use rpa_test_support::quotes::quoted;
use rpa_test_support::secrets::ALL;
use rpa_test_support::{programs, tools};
use serde_json::Value;

/// A text less its tags, with the characters that escapes stand for.
fn put_together(text: &str) -> String {
    let text = text.replace("<i>", "");
    let mut parts = text.split("&#");
    let mut plain = parts.next().unwrap().to_owned();
    for part in parts {
        let digits = part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, after) = part.split_at(digits);
        match number.parse().ok().and_then(char::from_u32) {
            Some(c) => plain.extend([c.to_string().as_str(), after.strip_prefix(';').unwrap_or(after)]),
            None => plain.push_str(part),
        }
    }
    percent_encoding::percent_decode_str(&plain).decode_utf8_lossy().into_owned()
}

/// All texts of a JSON value, each on a line.
fn read_texts(json: &Value, texts: &mut String) {
    match json {
        Value::String(text) => texts.push_str(&format!("{text}\n")),
        Value::Array(values) => values.iter().for_each(|value| read_texts(value, texts)),
        Value::Object(fields) => fields.values().for_each(|value| read_texts(value, texts)),
        _ => {}
    }
}

fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

#[test]
fn no_secret_leaves_the_library() {
    let center = ControlCenter::start(&["--tls"]);
    let mut child = programs::helper("calls_that_fail");
    child.arg(center.text("base")).envs([("RUST_BACKTRACE", "full"), ("RUST_LOG", "trace")]);
    let log = Folder::new("log-of-secrets");
    child.env("RPA_OPENAPI_LOG", &*log).env("RPA_OPENAPI_LOG_LEVEL", "debug");
    let mut output = tools::said(&tools::succeed(&mut child, "calls that fail"));
    let logged: String =
        fs::read_dir(&*log).unwrap().map(|file| fs::read_to_string(file.unwrap().path()).unwrap()).collect();
    for event in ["call", "attempt"] {
        assert!(logged.matches(&format!("\"event\":\"{event}\"")).count() > 200, "{event}");
    }
    assert!(output.matches("meta: ").count() > 40);
    output.push_str(&logged);
    let kinds = output.lines().find_map(|line| line.split_once("kinds: ")).expect("a line with the kinds").1;
    let kinds: Vec<String> = serde_json::from_str(kinds).unwrap();
    let all = [
        "argument",
        "connect",
        "disconnected",
        "dns",
        "mode",
        "proxy",
        "redirect",
        "response",
        "timeout",
        "tls",
        "too_large",
    ];
    for kind in all {
        assert!(kinds.iter().any(|seen| seen == kind), "{kind} is not among {kinds:?}");
    }
    assert!(output.matches("reply: ").count() > 800);
    let diagnoses: Vec<Value> = output
        .lines()
        .filter_map(|line| line.strip_prefix("diagnosis: "))
        .map(|told| serde_json::from_str(told).unwrap_or_else(|error| panic!("{error}: {told}")))
        .collect();
    assert!(diagnoses.len() > 400, "{} diagnoses", diagnoses.len());
    let mut diagnosed = String::new();
    diagnoses.iter().for_each(|told| read_texts(told, &mut diagnosed));
    // JSON's own escapes hide nothing from who reads it.
    let read: String = output
        .lines()
        .filter_map(|line| line.strip_prefix("reply: "))
        .map(|reply| {
            let reply: Value = serde_json::from_str(reply).unwrap_or_else(|error| panic!("{error}: {reply}"));
            format!(
                "{}\n{}\n{}\n",
                reply["msg"].as_str().unwrap(),
                reply["error"]["detail"].as_str().unwrap(),
                reply["error"]["field"]
            )
        })
        .collect();
    for secret in ALL {
        for form in forms(secret) {
            for text in [&output, &read, &diagnosed] {
                let found = text.lines().find(|line| line.contains(&form));
                assert!(found.is_none(), "{form} of {secret} stands in {}", found.unwrap_or_default());
            }
        }
    }
    let apart = letters(&put_together(&read));
    for secret in ALL {
        for run in letters(secret).chars().collect::<Vec<_>>().windows(8) {
            let run: String = run.iter().collect();
            assert!(!apart.contains(&run), "{run} of {secret} can be put together from the replies");
        }
    }
    // A signature is Base64 of 64 hexadecimal digits.
    let base64 = |c: char| c.is_ascii_alphanumeric() || "+/".contains(c);
    let longest = read.split(|c| !base64(c)).max_by_key(|run| run.len()).unwrap();
    assert!(longest.len() < 60, "{longest}");
}

#[test]
fn the_search_finds_what_is_there() {
    for secret in ALL {
        for form in forms(secret) {
            assert!(form.len() >= 8, "{form} of {secret} would be found anywhere");
        }
        let pages = (0..).map_while(|number| quoted(&format!("GET /a?b={secret} HTTP/1.1\r\n"), number));
        let found = pages.filter(|page| forms(secret).iter().any(|form| page.contains(form.as_str()))).count();
        assert!(found > 4, "{found} pages");
        for number in [12, 14, 16] {
            let page = quoted(&format!("GET /a?b={secret} HTTP/1.1\r\n"), number).unwrap();
            assert!(letters(&put_together(&page)).contains(&letters(secret)), "{page}");
        }
    }
}
