//! The tables of the pages hold what the library, the header and the files say.

use std::collections::BTreeSet;
use std::fs;

use rpa_test_support::harness::{ControlCenter, Library};
use rpa_test_support::requests::with_all;
use rpa_test_support::tools::in_tree;
use serde_json::{Value, json};

use crate::page::{Page, docs};

/// The kinds of errors and the code of each, as `rpa_call` gives it.
const KINDS: [(&str, &str); 12] = [
    ("`argument`", "41"),
    ("`mode`", "42"),
    ("`dns`", "40"),
    ("`connect`", "40"),
    ("`proxy`", "40"),
    ("`tls`", "40"),
    ("`timeout`", "40"),
    ("`disconnected`", "40"),
    ("`redirect`", "40"),
    ("`response`", "40"),
    ("`too_large`", "40"),
    ("`internal`", "40"),
];

#[test]
fn every_kind_of_error_has_its_row() {
    for page in docs("reference.md") {
        let kinds: Vec<_> = page.table("errors").iter().map(|row| (row[0].trim_start_matches("| "), row[1])).collect();
        assert_eq!(kinds, KINDS, "{}", page.name);
    }
}

/// Fails if a name is not between backticks in the page's prose.
fn assert_named<'n>(page: &Page, names: impl IntoIterator<Item = &'n String>) {
    let prose = page.prose();
    let missing: Vec<_> = names.into_iter().filter(|name| !prose.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "{} does not name {missing:?}", page.name);
}

/// The fields that a function takes, by its own words: it lists them when it meets one that it does not know.
fn fields_of(reply: &Value) -> Vec<String> {
    let diagnosed = &reply["result"]["checks"][0]["en"];
    let detail = reply["error"]["detail"].as_str().or(diagnosed.as_str()).expect("an unknown field is refused");
    let (_, list) = detail.split_once("the fields here are ").unwrap_or_else(|| panic!("no list of fields: {detail}"));
    list.split(", ").map(str::to_owned).collect()
}

#[test]
fn every_field_of_a_request_is_named() {
    let library = Library::load();
    let functions = ["rpa_get_token", "rpa_refresh_token", "rpa_call", "rpa_sign", "rpa_diagnose"];
    let outer = functions.map(|function| {
        let request = json!({ "host": "http://127.0.0.1:1", "proxy": null, "timeout_ms": 1000, "zzzzzzzz": 0 });
        library.json(function, &request)
    });
    let within = |field: &str| {
        let request = json!({
            "host": "https://a", "rest_type": "/a", "mode": "get", "accesskey": "a", "secretkey": "a",
            field: { "zzzzzzzz": 0 },
        });
        fields_of(&library.json("rpa_call", &request))
    };
    let by_keys = ["accesskey", "secretkey", "token_store", "token_ttl_ms", "token_refused", "correct_clock"];
    let by_keys = by_keys.map(str::to_owned);
    let fields: BTreeSet<String> = outer.iter().flat_map(fields_of).chain(within("tls")).collect();
    assert!(fields.len() >= 25, "{fields:?}");
    for page in docs("reference.md") {
        assert_named(&page, &fields);
    }
    // Whoever has nothing but the header finds all of them there, too.
    let header = fs::read_to_string(in_tree("include/rpa_openapi.h")).unwrap();
    let words: BTreeSet<&str> = header.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
    let missing: Vec<_> = fields.iter().filter(|field| !words.contains(field.as_str())).collect();
    assert!(missing.is_empty(), "the header does not name {missing:?}");
    let words_of = |page: &Page| -> BTreeSet<String> {
        page.text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').map(str::to_owned).collect()
    };
    for (name, field) in [
        ("reference.md", "log"),
        ("reference.md", "signature_refused"),
        ("long-work.md", "wait"),
        ("long-work.md", "pages"),
        ("long-work.md", "save_to"),
    ] {
        for page in docs(name) {
            let words = words_of(&page);
            let missing: Vec<_> = within(field).into_iter().filter(|inner| !words.contains(inner)).collect();
            assert!(missing.is_empty(), "{} does not name {missing:?} of {field}", page.name);
        }
    }
    for page in docs("tokens.md") {
        assert_named(&page, &by_keys);
        for name in ["token_store", "token_refused"].into_iter().flat_map(within) {
            assert!(page.text.contains(&format!("\"{name}\": ")), "{} does not name {name}", page.name);
        }
    }
}

fn names(object: &Value) -> Vec<String> {
    object.as_object().unwrap_or_else(|| panic!("no object: {object}")).keys().cloned().collect()
}

#[test]
fn every_field_of_a_reply_is_named() {
    let (library, center) = (Library::load(), ControlCenter::start(&[]));
    let by_keys = |host: &str| {
        json!({
            "host": host, "proxy": null, "retry": 1, "rest_type": "/oapi/v1/job/list", "mode": "get",
            "accesskey": center.text("accesskey"), "secretkey": center.text("secretkey"),
        })
    };
    let failed = library.json("rpa_call", &by_keys("http://127.0.0.1:1"));
    let shown = library.json("rpa_sign", &by_keys(center.text("base")));
    let mut fields = names(&failed["error"]);
    fields.extend(names(&failed["error"]["token"]));
    fields.extend(names(&shown["result"]));
    fields.extend(names(&failed));
    let noted = library.json("rpa_call", &with_all(by_keys(center.text("base")), json!({ "meta": true })));
    fields.extend(["meta", "reply"].map(str::to_owned));
    for part in ["", "/target", "/ms"] {
        fields.extend(names(noted["meta"].pointer(part).expect("each part is there")));
    }
    let diagnosis = &library.json("rpa_diagnose", &by_keys("http://127.0.0.1:1"))["result"];
    fields.extend(names(diagnosis));
    for part in ["/verdict", "/library", "/machine", "/settings/0", "/checks/0"] {
        fields.extend(names(diagnosis.pointer(part).expect("each part is there")));
    }
    let checks = diagnosis["checks"].as_array().expect("the checks are a list");
    fields.extend(checks.iter().map(|check| check["name"].as_str().expect("a check has a name").to_owned()));
    assert!(fields.len() >= 90, "{fields:?}");
    for page in docs("reference.md") {
        assert_named(&page, &fields);
    }
}

#[test]
fn every_test_has_its_row() {
    let entries = fs::read_dir(in_tree("tests")).expect("a folder can be read");
    let names = entries.filter_map(|entry| {
        let name = entry.expect("a folder can be read").file_name().into_string().expect("names are UTF-8");
        let name = if name.ends_with(".rs") { format!("tests/{name}") } else { format!("tests/{name}/main.rs") };
        in_tree(&name).is_file().then_some(name)
    });
    let names: Vec<String> = names.collect();
    assert!(names.len() > 20, "{names:?}");
    assert_named(&Page::read("CONTRIBUTING.md"), &names);
}

#[test]
fn every_function_is_named() {
    let header = fs::read_to_string(in_tree("include/rpa_openapi.h")).unwrap();
    let prototypes: Vec<String> = header
        .lines()
        .filter(|line| line.ends_with(");") && line.contains(" *rpa_") || line.starts_with("void rpa_"))
        .map(|line| line.trim_end_matches(';').to_owned())
        .collect();
    assert_eq!(prototypes.len(), 7, "{prototypes:?}");
    for page in docs("reference.md") {
        assert_named(&page, &prototypes);
    }
}

/// The signatures that a page prints are those that the library makes.
#[test]
fn the_known_answers_are_right() {
    let library = Library::load();
    for page in docs("signature.md") {
        let (token, timestamp) = ("9f2c4b7e1d5a48c0b3e6a7d812f45c90", 1_606_694_400_000_u64);
        assert!(page.prose().contains(&format!("`{token}`")) && page.prose().contains(&format!("`{timestamp}`")));
        let sign = |mode: &str, data: &str| {
            let request = json!({
                "host": "https://a", "rest_type": "/a", "mode": mode, "data_json": data.trim_matches('`'),
                "accesstoken": token, "timestamp": timestamp,
            });
            library.json("rpa_sign", &request)["result"].clone()
        };
        let rows = page.table("known answers");
        assert!(rows.len() >= 5, "{}", page.name);
        for row in &rows {
            let [mode, data, signature] = row[..] else { panic!("{}: {row:?}", page.name) };
            let mode = mode.trim_start_matches("| ");
            assert_eq!(sign(mode, data)["signature"], signature.trim_matches('`'), "{}: {mode} {data}", page.name);
        }
        let first = sign("get", rows[0][1]);
        let stages: Vec<&str> = page.block("stages", "text").lines().collect();
        assert_eq!((&first["source"], &first["encoded"]), (&json!(stages[0]), &json!(stages[1])), "{}", page.name);
        use base64::Engine;
        let signature = base64::prelude::BASE64_STANDARD.encode(stages[2]);
        assert_eq!(first["signature"], signature, "{}: the digits", page.name);
    }
}

/// The texts of a Python value that are no names of a dict.
fn values(python: &str) -> impl Iterator<Item = &str> {
    let mut parts = python.split('\'').skip(1);
    std::iter::from_fn(move || Some((parts.next()?, parts.next()?)))
        .filter(|(_, after)| !after.starts_with(':'))
        .map(|(text, _)| text)
}

/// Each setting at the top of `GlobalFun.py` stands in the table, with its default; a long one may be put in words that
/// name each value.
#[test]
fn every_setting_of_a_robot_has_its_row() {
    let file = fs::read_to_string(in_tree("examples/robot/GlobalFun.py")).unwrap();
    let settings: Vec<(&str, &str)> =
        file.lines().filter(|line| line.starts_with("RPA_")).filter_map(|line| line.split_once(" = ")).collect();
    assert!(settings.len() >= 14, "{settings:?}");
    for page in docs("robot.md") {
        for (name, default) in &settings {
            let row = page.text.lines().find(|line| line.starts_with('|') && line.contains(&format!("`{name}`")));
            let row = row.unwrap_or_else(|| panic!("{} has no row for {name}", page.name));
            let printed = row.contains(&format!("| `{default}` |")) || *default == "''" && row.contains("| | ");
            let printed = printed || default.len() > 100 && values(default).all(|value| row.contains(value));
            assert!(printed, "{}: the default of {name} is {default}: {row}", page.name);
        }
    }
}

/// Who looks for something by the architecture's table finds it there.
#[test]
fn what_the_architecture_points_to_is_there() {
    for page in docs("architecture.md") {
        let rows = page.table("where");
        assert!(rows.len() >= 10, "{}", page.name);
        for row in rows {
            let [_, file, function] = row[..] else { panic!("{}: {row:?}", page.name) };
            let (file, function) = (file.trim_matches('`'), function.trim_end_matches(" |").trim_matches('`'));
            let code =
                fs::read_to_string(in_tree(file)).unwrap_or_else(|error| panic!("{}: {file}: {error}", page.name));
            let begins = ["(", "<"].iter().any(|next| code.contains(&format!("fn {function}{next}")));
            assert!(begins, "{}: {file} has no function {function}", page.name);
        }
    }
}
