//! Tells each call of the demo: the JSON that goes in and the JSON that comes out, secrets hidden.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::Library;

/// Fields whose values are not shown.
const SECRET: [&str; 7] =
    ["accesskey", "secretkey", "accesstoken", "acesstoken", "refreshtoken", "accessToken", "refreshToken"];

pub struct Story {
    library: Library,
    steps: u32,
}

impl Story {
    pub fn new(library: Library) -> Story {
        Story { library, steps: 0 }
    }

    pub fn steps(&self) -> u32 {
        self.steps
    }

    /// A call that must succeed; returns the reply.
    pub fn step(&mut self, title: &str, function: &str, request: &Value) -> Result<Value, String> {
        self.title(title);
        let reply = self.call(function, request);
        succeeded(&reply).map(|()| reply)
    }

    /// A call that is made again until `done`, within a few seconds. Shows the first and the last.
    pub fn until(
        &mut self,
        title: &str,
        function: &str,
        request: &Value,
        done: impl Fn(&Value) -> bool,
    ) -> Result<Value, String> {
        self.title(title);
        let started = Instant::now();
        let mut reply = self.call(function, request);
        let mut more = 0;
        while !done(&reply) {
            succeeded(&reply)?;
            if started.elapsed() > Duration::from_secs(20) {
                return Err("it does not come to an end".to_owned());
            }
            thread::sleep(Duration::from_millis(100));
            reply = self.library.json(function, request);
            more += 1;
        }
        if more > 0 {
            println!("  ... asked {more} more times ...");
            show("<-", "", &reply);
        }
        Ok(reply)
    }

    /// A call that must fail in a certain way.
    pub fn failure(&mut self, title: &str, function: &str, request: &Value, kind: &str) -> Result<(), String> {
        self.title(title);
        let reply = self.call(function, request);
        match reply.pointer("/error/kind").and_then(Value::as_str) {
            Some(found) if found == kind => Ok(()),
            found => Err(format!("the error should be of the kind {kind}, and is {found:?}")),
        }
    }

    /// A diagnosis, of which the verdict is shown and each check in a line.
    pub fn diagnosis(&mut self, title: &str, request: &Value, check: Option<&str>) -> Result<(), String> {
        self.title(title);
        show("->", "rpa_diagnose", request);
        let reply = self.library.json("rpa_diagnose", request);
        let told = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let result = reply.get("result").cloned().unwrap_or_default();
        let verdict = result.get("verdict").cloned().unwrap_or_default();
        show("<-", "", &verdict);
        for check in result.get("checks").and_then(Value::as_array).into_iter().flatten() {
            println!("      {:9} {:8} {}", told(check, "name"), told(check, "status"), told(check, "zh"));
        }
        match verdict.get("check").and_then(Value::as_str) {
            found if found == check => Ok(()),
            found => Err(format!("the cause should show in {check:?}, and shows in {found:?}")),
        }
    }

    fn title(&mut self, title: &str) {
        self.steps += 1;
        println!("\n{}. {title}", self.steps);
    }

    fn call(&self, function: &str, request: &Value) -> Value {
        show("->", function, request);
        let reply = self.library.json(function, request);
        show("<-", "", &reply);
        reply
    }
}

fn succeeded(reply: &Value) -> Result<(), String> {
    match reply.get("code").and_then(Value::as_i64) {
        Some(0) => Ok(()),
        code => Err(format!("the reply's code is {code:?}")),
    }
}

fn show(arrow: &str, function: &str, json: &Value) {
    let mut json = json.clone();
    hide(&mut json);
    println!("   {arrow} {function}{}{json}", if function.is_empty() { "" } else { " " });
}

fn hide(json: &mut Value) {
    match json {
        Value::Object(fields) => {
            for (name, value) in fields {
                match (name.as_str(), value.as_str()) {
                    (name, Some(_)) if SECRET.contains(&name) => *value = Value::from("(hidden)"),
                    // The beginning of a fingerprint is enough to know it again.
                    ("pin_sha256", Some(pin)) => *value = Value::from(format!("{}...", pin.get(..11).unwrap_or(pin))),
                    _ => hide(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(hide),
        _ => {}
    }
}
