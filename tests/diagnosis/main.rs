//! `rpa_diagnose`: a table of situations. In each the verdict names the true cause first, in both languages, with the
//! setting to change and whose turn it is, and no other check cries wolf.
#![cfg(target_os = "linux")]

mod answers;
mod calls;
mod certificates;
mod clocks;
mod generations;
mod healthy;
mod network;
mod proxies;
mod servers;
mod settings;
mod stores;
mod tokens;

use std::any::Any;

use rpa_test_support::{c, folder, harness, programs, redis, requests, server, tools};
use serde_json::{Value, json};

/// A situation.
pub struct Row {
    name: &'static str,
    request: Value,
    environment: Vec<(String, String)>,
    /// Whether calls work all the same.
    ok: bool,
    check: &'static str,
    /// In the verdict.
    zh: &'static str,
    en: &'static str,
    setting: Option<&'static str>,
    turn: &'static str,
    /// What must live as long as the diagnosis takes.
    _keep: Box<dyn Any>,
}

impl Row {
    /// A request that fails for a cause that shows in a check.
    pub fn fails(name: &'static str, request: Value, check: &'static str, words: [&'static str; 2]) -> Row {
        let [zh, en] = words;
        let (environment, setting, turn) = (Vec::new(), None, "you");
        Row { name, request, environment, ok: false, check, zh, en, setting, turn, _keep: Box::new(()) }
    }

    /// One that works, with something to be told.
    pub fn warns(name: &'static str, request: Value, check: &'static str, words: [&'static str; 2]) -> Row {
        Row { ok: true, ..Row::fails(name, request, check, words) }
    }

    /// The setting that has to be changed.
    pub fn setting(self, setting: &'static str) -> Row {
        Row { setting: Some(setting), ..self }
    }

    /// Whose turn it is.
    pub fn turn(self, turn: &'static str) -> Row {
        Row { turn, ..self }
    }

    /// What has to live on.
    pub fn keep(self, keep: impl Any) -> Row {
        Row { _keep: Box::new(keep), ..self }
    }

    /// A variable of the process.
    pub fn env(mut self, name: &str, value: &str) -> Row {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    fn diagnose(&self) -> Value {
        let request = match &self.request {
            Value::String(text) if !text.starts_with("http") => text.clone(),
            request => request.to_string(),
        };
        diagnose(&request, &self.environment)
    }
}

const CHECKS: [&str; 11] =
    ["settings", "dns", "route", "tcp", "proxy", "tls", "http", "clock", "store", "token", "signature"];

/// A diagnosis in a process of its own, with these variables and no others that name a proxy.
pub fn diagnose(request: &str, environment: &[(String, String)]) -> Value {
    let mut command = programs::helper("one_call");
    for name in ["http_proxy", "https_proxy", "all_proxy", "no_proxy"] {
        command.env_remove(name).env_remove(name.to_uppercase());
    }
    command.args([request, "rpa_diagnose"]).envs(environment.iter().map(|(name, value)| (name, value)));
    let output = tools::succeed(&mut command, "a diagnosis");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Each row holds.
pub fn hold(rows: &[Row], at_least: usize) {
    assert!(rows.len() >= at_least, "{} rows", rows.len());
    let wrong: Vec<_> = rows
        .iter()
        .filter_map(|row| fault(row, &row.diagnose()).map(|fault| format!("{}: {fault}", row.name)))
        .collect();
    assert!(wrong.is_empty(), "{} of {} rows\n{}", wrong.len(), rows.len(), wrong.join("\n\n"));
}

fn fault(row: &Row, told: &Value) -> Option<String> {
    let result = &told["result"];
    let verdict = &result["verdict"];
    let says = |language: &str, words: &str| verdict[language].as_str().is_some_and(|text| text.contains(words));
    let expected = (row.ok, row.check, row.setting, row.turn);
    let found = (verdict["ok"] == true, &verdict["check"], &verdict["setting"], &verdict["turn"]);
    let setting = row.setting.map_or(Value::Null, Value::from);
    if found != (row.ok, &row.check.into(), &setting, &row.turn.into()) {
        return Some(format!("expected {expected:?}\n{verdict}\n{}", result["checks"]));
    }
    if !says("zh", row.zh) || !says("en", row.en) {
        return Some(format!("expected {:?} and {:?}\n{verdict}", row.zh, row.en));
    }
    shape(result).or_else(|| {
        // No other check cries wolf.
        let checks = result["checks"].as_array().unwrap();
        let others = checks.iter().filter(|check| check["name"] != row.check);
        let wolves: Vec<_> =
            others.filter(|check| ["fail", "warning"].iter().any(|cry| check["status"] == *cry)).collect();
        (!wolves.is_empty()).then(|| format!("{} cry wolf: {}", wolves.len(), json!(wolves)))
    })
}

/// All checks are there, in order, each with its texts; what was skipped says why.
fn shape(result: &Value) -> Option<String> {
    let checks = result["checks"].as_array().unwrap();
    let names: Vec<_> = checks.iter().map(|check| check["name"].as_str().unwrap()).collect();
    if names != CHECKS {
        return Some(format!("checks {names:?}"));
    }
    let is_text = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
    let has_both = |value: &Value| is_text(&value["zh"]) && is_text(&value["en"]);
    let is_whole = |check: &&Value| {
        let status = check["status"].as_str().unwrap();
        let because = (status == "skipped") == has_both(&check["because"]);
        ["ok", "warning", "fail", "skipped"].contains(&status)
            && because
            && has_both(check)
            && check["ms"].is_u64()
            && check["facts"].is_object()
    };
    let broken: Vec<_> = checks.iter().filter(|check| !is_whole(check)).collect();
    if !broken.is_empty() || !has_both(&result["verdict"]) {
        return Some(format!("not whole: {}", json!(broken)));
    }
    let chinese = |text: &str| text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
    let mixed = checks.iter().find(|check| !chinese(check["zh"].as_str().unwrap()));
    mixed.map(|check| format!("no Chinese: {check}"))
}

/// The check of a name.
pub fn check<'v>(told: &'v Value, name: &str) -> &'v Value {
    told["result"]["checks"].as_array().unwrap().iter().find(|check| check["name"] == name).unwrap()
}
