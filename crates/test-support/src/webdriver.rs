//! A browser without a window, driven by the WebDriver protocol: <https://www.w3.org/TR/webdriver2/>.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::folder::Folder;
use crate::{plain_http, tools};

const PATIENCE: Duration = Duration::from_secs(60);

/// What keeps a browser to the page that it is shown.
const ARGUMENTS: [&str; 11] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,900",
];

/// One browser with a folder of its own. It ends when this is dropped.
pub struct Browser {
    driver: Child,
    session: String,
    _folder: Folder,
}

impl Browser {
    /// A browser that speaks these languages. Without Chromium and its driver the test is to be skipped, which is said here.
    pub fn start(languages: &str, what: &str) -> Option<Browser> {
        if !tools::all_run(&["chromium", "chromedriver"], what) {
            return None;
        }
        let folder = Folder::new("browser");
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").env("HOME", &*folder);
        let mut driver =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
        let lines = BufReader::new(driver.stdout.take().expect("its stdout is a pipe")).lines();
        let said = lines.map_while(Result::ok).find_map(|line| {
            let port = line.split("started successfully on port ").nth(1)?;
            port.trim_end_matches('.').parse::<u16>().ok()
        });
        let port = said.expect("chromedriver tells its port");
        let mut arguments: Vec<String> = ARGUMENTS.iter().map(|&argument| argument.to_owned()).collect();
        arguments.push(format!("--user-data-dir={}", folder.join("profile").display()));
        let options = json!({ "args": arguments, "prefs": { "intl.accept_languages": languages } });
        let always =
            json!({ "acceptInsecureCerts": true, "goog:chromeOptions": options, "pageLoadStrategy": "normal" });
        let driver_url = format!("http://127.0.0.1:{port}/session");
        let answer = plain_http::json("POST", &driver_url, &json!({ "capabilities": { "alwaysMatch": always } }));
        let answer: Value = serde_json::from_str(&answer.text()).expect("chromedriver answers JSON");
        let id = answer["value"]["sessionId"].as_str().unwrap_or_else(|| panic!("no browser: {answer}"));
        Some(Browser { session: format!("{driver_url}/{id}"), driver, _folder: folder })
    }

    pub fn open(&self, url: &str) {
        self.ask("url", json!({ "url": url }));
    }

    /// The value of a script, which begins after `return`.
    pub fn value(&self, script: &str) -> Value {
        self.ask("execute/sync", json!({ "script": format!("return {script}"), "args": [] }))
    }

    /// The visible text of the first element of a selector; empty if there is none.
    pub fn text(&self, selector: &str) -> String {
        let script = format!("document.querySelector({})?.innerText ?? ''", json!(selector));
        self.value(&script).as_str().unwrap_or_default().to_owned()
    }

    /// Waits until the first element of a selector shows all these texts.
    #[track_caller]
    pub fn shows(&self, selector: &str, texts: &[&str]) {
        let started = Instant::now();
        loop {
            let shown = self.text(selector);
            if texts.iter().all(|text| shown.contains(text)) {
                return;
            }
            assert!(started.elapsed() < PATIENCE, "{selector} does not show {texts:?}, but:\n{shown}");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until a script is true.
    #[track_caller]
    pub fn until(&self, script: &str) {
        let started = Instant::now();
        while self.value(script) != json!(true) {
            assert!(started.elapsed() < PATIENCE, "it never comes true: {script}");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Clicks, as a person does: what is hidden or covered cannot be clicked.
    pub fn click(&self, selector: &str) {
        // The page may have drawn the element anew between the two.
        for _ in 0..20 {
            let command = format!("{}/element/{}/click", self.session, self.element(selector));
            let answer = plain_http::json("POST", &command, &json!({}));
            if answer.status == 200 {
                return;
            }
            assert!(answer.text().contains("stale element"), "{selector}: {}", answer.text());
        }
        panic!("{selector} is drawn anew all the time");
    }

    pub fn fill(&self, selector: &str, text: &str) {
        let element = self.element(selector);
        self.ask(&format!("element/{element}/clear"), json!({}));
        self.ask(&format!("element/{element}/value"), json!({ "text": text }));
    }

    /// Keys to the element that has the focus; special ones by their code points of WebDriver.
    pub fn press(&self, keys: &str) {
        let actions: Vec<Value> = keys
            .chars()
            .flat_map(|key| [json!({ "type": "keyDown", "value": key }), json!({ "type": "keyUp", "value": key })])
            .collect();
        self.ask("actions", json!({ "actions": [{ "type": "key", "id": "keys", "actions": actions }] }));
    }

    /// A command of Chromium's own protocol.
    pub fn chromium(&self, command: &str, parameters: Value) -> Value {
        self.ask("goog/cdp/execute", json!({ "cmd": command, "params": parameters }))
    }

    fn element(&self, selector: &str) -> String {
        let found = self.ask("element", json!({ "using": "css selector", "value": selector }));
        let id = found.as_object().and_then(|found| found.values().next()).and_then(Value::as_str);
        id.unwrap_or_else(|| panic!("{selector}: {found}")).to_owned()
    }

    fn ask(&self, command: &str, body: Value) -> Value {
        let answer = plain_http::json("POST", &format!("{}/{command}", self.session), &body);
        let value: Value = serde_json::from_str(&answer.text()).expect("chromedriver answers JSON");
        assert_eq!(answer.status, 200, "{command} {body}: {value}");
        value["value"].clone()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The browser ends with its session, the driver has to be told.
        if !thread::panicking() {
            plain_http::json("DELETE", &self.session, &Value::Null);
        } else {
            let _ = std::panic::catch_unwind(|| plain_http::json("DELETE", &self.session, &Value::Null));
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
