//! Every call in `tests/vectors` is signed as the vendor's Python client signs it, stage by stage.
//!
//! The files and their format are `tests/vectors/generate.py`'s.

use rpa_test_support::difference::{self, excerpt};
use rpa_test_support::harness::Library;
use rpa_test_support::python;

use serde_json::Value;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

const HOST: &str = "https://control-center.example";
const FEWEST_CASES: usize = 1800;
const FAILURES_SHOWN_PER_FILE: usize = 3;

/// In the order in which one comes from the other, so that the first that differs is where it broke.
const STAGES: [&str; 6] = ["source", "encoded", "signature", "query", "body", "content_type"];

struct Case {
    name: String,
    fields: HashMap<String, Value>,
}

impl Case {
    fn field(&self, key: &str) -> &Value {
        self.fields.get(key).unwrap_or_else(|| panic!("case {} has no line {key}", self.name))
    }

    fn text(&self, key: &str) -> &str {
        self.field(key).as_str().unwrap_or_else(|| panic!("{key} of case {} is no text", self.name))
    }

    /// The request text. The raw parameters are pasted in: a parser between would lose their spelling.
    fn request(&self) -> String {
        let data_json = match self.text("data_as") {
            "object" => self.text("data_json").to_owned(),
            "text" => self.field("data_json").to_string(),
            other => panic!("data_as of case {} is {other}", self.name),
        };
        let pass = match self.generation() {
            "10.3" => "appkey",
            "9" => "token",
            _ => "accesstoken",
        };
        let mut request = format!(r#"{{"host":"{HOST}","data_json":{data_json}"#);
        for name in ["generation", "action", "rest_type", "mode", "values", "encoding", "timestamp"] {
            if let Some(value) = self.fields.get(name).filter(|value| !value.is_null()) {
                request += &format!(",\"{name}\":{value}");
            }
        }
        if self.field("token") != "" {
            request += &format!(",\"{pass}\":{}", self.field("token"));
        }
        request + "}"
    }

    fn generation(&self) -> &str {
        self.fields.get("generation").map_or("2020.4", |generation| generation.as_str().unwrap())
    }

    /// What is wrong with the reply, if anything.
    fn judge(&self, reply: &str) -> Result<(), String> {
        let reply: Value =
            serde_json::from_str(reply).map_err(|error| format!("the reply is not JSON: {error}: {reply}"))?;
        if self.fields.contains_key("refused") {
            equal("error.kind", self.field("refused"), &reply["error"]["kind"])?;
            return equal("error.field", &Value::from("data_json"), &reply["error"]["field"]);
        }
        if reply["code"] != 0 {
            return Err(format!("the call was refused: {reply}"));
        }

        let result = &reply["result"];
        let url = result["url"].as_str().ok_or_else(|| format!("no url in {result}"))?;
        let (address, query) = match url.split_once('?') {
            Some((address, query)) => (address, Value::from(query)),
            None => (url, Value::Null),
        };
        for stage in STAGES {
            let got = match stage {
                "query" => &query,
                "content_type" => header(&result["headers"], "content-type"),
                _ => &result[stage],
            };
            equal(stage, self.field(stage), got)?;
        }
        if self.generation() == "9" {
            equal("method", &"POST".into(), &result["method"])?;
            return equal("address", &format!("{HOST}:10080/rapi/rcall.action").into(), &address.into());
        }
        equal("signature header", self.field("signature"), header(&result["headers"], "signature"))?;
        equal(
            "timestamp header",
            &self.field("timestamp").to_string().into(),
            header(&result["headers"], "timestamp"),
        )?;
        equal("method", &self.text("mode").to_uppercase().into(), &result["method"])?;
        equal("address", &format!("{HOST}{}", self.text("rest_type")).into(), &address.into())
    }
}

fn header<'a>(headers: &'a Value, name: &str) -> &'a Value {
    let found = headers.as_object().and_then(|all| all.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)));
    found.map_or(&Value::Null, |(_, value)| value)
}

fn equal(what: &str, expected: &Value, got: &Value) -> Result<(), String> {
    difference::equal(what, ("expected", expected), ("got", got))
}

fn read_cases(file: &str, text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (key, value) = line.split_once(": ").unwrap_or_else(|| panic!("{file}: not a line of a case: {line}"));
        if key == "case" {
            cases.push(Case { name: value.to_owned(), fields: HashMap::new() });
            continue;
        }
        let case = cases.last_mut().unwrap_or_else(|| panic!("{file}: a line before the first case: {line}"));
        let value = serde_json::from_str(value)
            .unwrap_or_else(|error| panic!("{file}: {key} of case {} is no JSON literal: {error}", case.name));
        case.fields.insert(key.to_owned(), value);
    }
    cases
}

fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors")
}

#[test]
fn every_vector_is_signed_as_python_signs_it() {
    let mut files: Vec<PathBuf> = fs::read_dir(vectors())
        .expect("tests/vectors is a folder")
        .map(|entry| entry.expect("tests/vectors can be listed").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    files.sort();

    let library = Library::load();
    let mut ran = 0;
    let mut report = String::new();
    for path in files {
        let text = fs::read_to_string(&path).expect("a file of vectors is UTF-8");
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        let cases = read_cases(&file, &text);
        let failures: Vec<String> = cases
            .iter()
            .filter_map(|case| {
                let broken = case.judge(&library.call("rpa_sign", &case.request())).err()?;
                Some(format!(
                    "  {file}, case {}: {broken}\n    data_json: {}\n",
                    case.name,
                    excerpt(case.text("data_json"), 0)
                ))
            })
            .collect();
        ran += cases.len();
        if !failures.is_empty() {
            report += &format!("{file}: {} of {} cases failed\n", failures.len(), cases.len());
            report += &failures[..failures.len().min(FAILURES_SHOWN_PER_FILE)].concat();
        }
    }

    assert!(report.is_empty(), "\n{report}");
    assert!(ran >= FEWEST_CASES, "only {ran} cases ran, of at least {FEWEST_CASES}");
}

#[test]
fn generator_reproduces_the_vectors() {
    let Some(mut python) = python::python("tests/vectors/generate.py") else { return };
    let output = python.arg("--check").output().expect("python3 starts");
    assert!(output.status.success(), "generate.py --check: {}", String::from_utf8_lossy(&output.stderr));
}
