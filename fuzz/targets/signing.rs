//! The signature of every kind of parameters, beside Python's own: its json, its str(), its quote(), its hmac.

#![no_main]

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, OnceLock};

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

/// A JSON text in any spelling.
#[derive(Arbitrary, Debug)]
enum Json {
    Null,
    Bool(bool),
    Integer(i64),
    /// Digits beyond what any machine's number holds.
    Digits(bool, Vec<u8>),
    Float(f64),
    /// Digits before the point, behind it, and an exponent.
    Decimal(u32, u32, i16),
    Constant(u8),
    Text(String),
    /// UTF-16 code units, each escaped.
    Escaped(Vec<u16>),
    List(Vec<Json>),
    Dict(Vec<(String, Json)>),
}

#[derive(Arbitrary, Debug)]
struct Case {
    mode: u8,
    java: bool,
    parameters: Vec<(String, Json)>,
    timestamp: u32,
}

fuzz_target!(|case: Case| {
    let data = format!("{{{}}}", members(&case.parameters));
    let mode = ["get", "post", "put", "delete"][usize::from(case.mode % 4)];
    let token = "9f2c4b7e1d5a48c0b3e6a7d812f45c90";
    let request = json!({
        "host": "http://rpa.example", "mode": mode, "rest_type": "/a", "accesstoken": token, "data_json": data, "proxy": null,
        "timestamp": case.timestamp, "encoding": if case.java { "java" } else { "python" },
    });
    let told: Value = serde_json::from_str(&rpa_openapi_fuzz::reply(rpa_client::Function::Sign, &request.to_string())).expect("a reply is JSON");
    let asked = json!({ "mode": mode, "data": data, "token": token, "timestamp": case.timestamp, "java": case.java });
    let python = Python::ask(&asked);
    if python["error"].is_string() {
        // What Python cannot sign either is refused, and for no other reason.
        assert_eq!(told["error"]["field"], "data_json", "{python}, {told}");
        return;
    }
    for stage in ["source", "encoded", "signature", "body"] {
        assert_eq!(told["result"][stage], python[stage], "{stage} of {data}: {told}");
    }
});

fn members(members: &[(String, Json)]) -> String {
    let member = |(key, value): &(String, Json)| format!("{}: {}", json!(key), text(value));
    members.iter().map(member).collect::<Vec<_>>().join(",")
}

fn text(value: &Json) -> String {
    match value {
        Json::Null => "null".to_owned(),
        Json::Bool(value) => value.to_string(),
        Json::Integer(value) => value.to_string(),
        Json::Digits(negative, digits) => {
            let digits: String = digits.iter().map(|digit| char::from(b'0' + digit % 10)).collect();
            let digits = digits.trim_start_matches('0');
            format!("{}{}", if *negative { "-" } else { "" }, if digits.is_empty() { "0" } else { digits })
        }
        Json::Float(value) if value.is_finite() => format!("{value:e}"),
        Json::Float(_) => "0.5".to_owned(),
        Json::Decimal(whole, part, exponent) => format!("{whole}.{part}E{}", exponent % 400),
        Json::Constant(which) => ["NaN", "Infinity", "-Infinity", "-0", "-0.0", "1e400"][usize::from(which % 6)].to_owned(),
        Json::Text(value) => json!(value).to_string(),
        Json::Escaped(units) => {
            format!("\"{}\"", units.iter().map(|unit| format!("\\u{unit:04X}")).collect::<String>())
        }
        Json::List(values) => format!("[{}]", values.iter().map(text).collect::<Vec<_>>().join(" , ")),
        Json::Dict(entries) => format!("{{{}}}", members(entries)),
    }
}

/// A Python that answers until this process ends.
struct Python {
    _child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Python {
    fn start() -> Python {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/sign.py");
        let mut command = Command::new("python3");
        // Preloaded for the fuzzer, a sanitizer has no business there.
        let command = command.arg(script).env_remove("LD_PRELOAD").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("Python 3 is needed");
        let stdin = child.stdin.take().expect("a pipe");
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        Python { _child: child, stdin, stdout }
    }

    fn ask(question: &Value) -> Value {
        static PYTHON: OnceLock<Mutex<Python>> = OnceLock::new();
        let mut python = PYTHON.get_or_init(|| Mutex::new(Python::start())).lock().expect("a lock");
        writeln!(python.stdin, "{question}").expect("Python reads");
        let mut line = String::new();
        python.stdout.read_line(&mut line).expect("Python answers");
        serde_json::from_str(&line).expect("JSON")
    }
}
