//! The emulator's page in a real browser: what a person sees of a request that was refused, and why.

use rpa_test_support::{harness, plain_http, requests, webdriver};

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use harness::{ControlCenter, Library};
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use requests::with_all;
use serde_json::{Value, json};
use webdriver::Browser;

const ENGLISH: &str = "en-US,en";
const CHINESE: &str = "zh-CN,zh,en";
/// What Python's quote leaves as it is.
const QUOTED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');
/// Keys by WebDriver's code points.
const ARROW_DOWN: &str = "\u{e015}";
const ARROW_RIGHT: &str = "\u{e014}";

/// A browser that looks at an emulator.
struct Visit {
    browser: Browser,
    center: ControlCenter,
    token: String,
    /// One browser at a time: this machine may be small.
    _turn: MutexGuard<'static, ()>,
}

impl Visit {
    fn start(options: &[&str], languages: &str) -> Option<Visit> {
        static TURN: Mutex<()> = Mutex::new(());
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let browser = Browser::start(languages, "the emulator's page")?;
        let center = ControlCenter::start(options);
        browser.open(center.text("base"));
        browser.until("document.querySelector('#connection').className === 'open'");
        let reply = Library::load().json("rpa_get_token", &center.token_request());
        let token = reply["result"]["accessToken"].as_str().unwrap_or_default().to_owned();
        Some(Visit { browser, center, token, _turn: turn })
    }

    /// A get whose query is sent as it is, with the signature of a source string.
    fn get(&self, query: &str, signed: &str, more: &[(&str, &str)]) -> u16 {
        let timestamp = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis().to_string();
        let source = format!("{signed}&token={}&timestamp={timestamp}", self.token);
        let encoded = utf8_percent_encode(&source, QUOTED).to_string();
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(self.token.as_bytes()).unwrap();
        mac.update(encoded.as_bytes());
        let hex: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let signature = BASE64.encode(hex);
        let mut headers = vec![("accesstoken", &*self.token), ("timestamp", &timestamp), ("signature", &signature)];
        headers.extend(more);
        let url = format!("{}/oapi/v1/echo?{query}", self.center.text("base"));
        plain_http::send("GET", &url, &headers, b"").status
    }

    fn call(&self, mode: &str, data: Value, more: Value) -> Value {
        let call = json!({ "rest_type": "/oapi/v1/echo", "mode": mode, "data_json": data, "accesstoken": self.token });
        Library::load().json("rpa_call", &self.center.request(with_all(call, more)))
    }

    /// Waits until the newest request is shown, and its verdict says this.
    #[track_caller]
    fn verdict(&self, texts: &[&str]) {
        self.browser.shows("#detail .verdict", texts);
    }

    /// What is marked in a pair of texts: the server's, the client's.
    fn marks(&self, pair: &str) -> Value {
        self.browser
            .value(&format!("[...document.querySelectorAll('[data-pair={pair}] mark')].map((m) => m.textContent)"))
    }
}

#[test]
fn a_refused_signature_shows_what_was_expected_and_compares_what_is_pasted() {
    let Some(visit) = Visit::start(&[], ENGLISH) else { return };
    assert_eq!(visit.get("note=1", "note=2", &[]), 403);
    visit.verdict(&["Refused · HTTP 403 · code 403", "signature does not match", "No usual mistake"]);
    visit.browser.shows("#detail", &["note=1&token=", "expected", "received"]);
    let pasted = format!("note=7&token={}", visit.token);
    visit.browser.fill("textarea.paste", &pasted);
    visit.browser.shows("#detail .difference", &["First difference at character 6", "“1”", "“7”"]);
    assert_eq!(visit.marks("source"), json!(["1", "7"]));
}

#[test]
fn an_ampersand_that_was_pasted_into_the_url_is_found() {
    let Some(visit) = Visit::start(&[], ENGLISH) else { return };
    assert_eq!(visit.get("note=a&b&page=1", "note=a&b&page=1", &[]), 403);
    visit.verdict(&["Likely mistake", "the query is signed undecoded and unsorted"]);
    assert_eq!(visit.get("note=%E6%9C%88&%E5%B9%B4&page=1", "note=月&年&page=1", &[]), 403);
    visit.verdict(&["Likely mistake", "a value with & = or % was pasted into the URL as it is"]);
    visit.browser.shows("[data-pair=source]", &["note=月&年&page=1", "note=月&page=1&年="]);
    assert_eq!(visit.marks("source"), json!(["p", "年"]));
    // Encoded, the same value is right.
    assert_eq!(visit.get("note=%E6%9C%88%26%E5%B9%B4&page=1", "note=月&年&page=1", &[]), 200);
    visit.verdict(&["Accepted · HTTP 200", "The signature is right, by the python rule."]);
}

#[test]
fn the_wrong_encoding_is_named_and_its_first_difference_marked() {
    let Some(visit) = Visit::start(&["--tls"], CHINESE) else { return };
    let reply = visit.call("post", json!({ "日期": "2020/11/30" }), json!({ "encoding": "java" }));
    assert_eq!(reply["code"], 403, "{reply}");
    visit.verdict(&["被拒绝 · HTTP 403", "签名错误", "源串按java规则做了百分号编码（这里按python规则"]);
    assert_eq!(visit.marks("encoded"), json!(["/", "%2F"]));
    visit.browser.shows("#detail", &["控制中心是“/”，客户端是“%2F”"]);
    assert_eq!(visit.browser.value("document.documentElement.lang"), "zh-CN");
}

#[test]
fn an_expired_token_says_since_when() {
    let Some(visit) = Visit::start(&["--token-ttl", "0.2"], ENGLISH) else { return };
    thread::sleep(Duration::from_millis(250));
    assert_eq!(visit.get("a=1", "a=1", &[]), 401);
    let ending = format!("Token ending in {}: expired at", &visit.token[28..]);
    visit.verdict(&["Refused · HTTP 401", "expired token", &ending, "before this request"]);
    visit.browser.click("#tab-state");
    visit.browser.shows("[data-table=tokens]", &[&visit.token, "expired"]);
}

#[test]
fn hostile_text_stays_text() {
    let Some(visit) = Visit::start(&[], ENGLISH) else { return };
    let hostile = "<script>window.hacked=1</script><img src=x onerror=window.hacked=2>\"'\u{202e}";
    let encoded = utf8_percent_encode(hostile, NON_ALPHANUMERIC).to_string();
    let status =
        visit.get(&format!("{encoded}={encoded}"), "other", &[("X-Odd", hostile.trim_end_matches('\u{202e}'))]);
    assert_eq!(status, 403);
    visit.verdict(&["signature does not match"]);
    visit.browser.shows("#detail", &["<script>window.hacked=1</script><img src=x onerror=window.hacked=2>", "U+202E"]);
    // In a body, and in a reply that repeats it.
    visit.call("post", json!({ "html": hostile }), json!({}));
    visit.verdict(&["Accepted"]);
    assert_eq!(visit.browser.value("window.hacked ?? null"), Value::Null);
    assert_eq!(visit.browser.value("document.querySelectorAll('main script, main img').length"), 0);
    // Even a mistake of the page's own would not run it.
    visit.browser.value("(() => { try { document.body.innerHTML = '<img src=x onerror=window.hacked=4>' } catch { window.held = 1 } })()");
    assert_eq!(visit.browser.value("window.held ?? null"), 1);
}

#[test]
fn the_form_signs_and_sends_by_the_library() {
    for options in [&[][..], &["--tls"]] {
        let Some(visit) = Visit::start(options, ENGLISH) else { return };
        let browser = &visit.browser;
        browser.click("#tab-form");
        browser.fill("#form [name=data_json]", r#"{"note": "2020/11/30 & <b>"}"#);
        browser.click("#form button[type=submit]");
        browser.shows("#form-result", &["Accepted · code 0", "note=2020/11/30 & <b>&token=", "Encoded text"]);
        let signed = browser.value("[...document.querySelectorAll('#form-result code')][0].textContent");
        browser.click("#see-request");
        visit.verdict(&["Accepted", "The signature is right"]);
        // What the library signed is to the letter what the emulator took.
        browser.until(&format!("document.querySelector('#detail details code').textContent === {signed}"));
        browser.click("#tab-form");
        browser.value("document.querySelector('#form [name=encoding]').value = 'java'");
        browser.click("#form button[type=submit]");
        browser.shows("#form-result", &["Refused · code 403"]);
        browser.click("#see-request");
        visit.verdict(&["Refused", "percent-encoded by the java rule"]);
        assert_eq!(visit.marks("encoded"), json!(["/", "%2F"]));
    }
}

#[test]
fn languages_keys_and_what_is_chosen() {
    let Some(visit) = Visit::start(&[], ENGLISH) else { return };
    let browser = &visit.browser;
    for n in 0..3 {
        visit.get(&format!("n={n}"), &format!("n={n}"), &[]);
    }
    browser.until("document.querySelectorAll('#requests button').length === 4");
    browser.shows("#detail", &["/oapi/v1/echo?n=2"]);
    browser.value("document.querySelector('#requests button').focus()");
    browser.press(ARROW_DOWN);
    browser.shows("#detail", &["/oapi/v1/echo?n=1"]);
    // Whoever has chosen one keeps it.
    visit.get("n=3", "n=3", &[]);
    browser.until("document.querySelectorAll('#requests button').length === 5");
    browser.shows("#detail", &["/oapi/v1/echo?n=1"]);
    browser.click("#language");
    browser.shows("#detail .verdict", &["已接受", "签名正确（按python规则）"]);
    browser.open(visit.center.text("base"));
    browser.shows("h1", &["模拟控制中心"]);
    browser.value("document.querySelector('#tab-requests').focus()");
    browser.press(ARROW_RIGHT);
    browser.shows("#panel-form", &["签名并发送"]);
}

#[test]
fn an_upload_and_its_generation_are_shown() {
    let Some(visit) = Visit::start(&["--generation", "2020.5", "--encoding", "python"], ENGLISH) else { return };
    visit.browser.shows("#facts", &["generation 2020.5", "python rule"]);
    visit.browser.click("#tab-state");
    visit.browser.click("#expire");
    visit.browser.shows("[data-table=tokens]", &["expired"]);
    visit.browser.value("(() => { const rule = document.querySelector('#rule'); rule.value = 'either'; rule.dispatchEvent(new Event('change')) })()");
    visit.browser.shows("#facts", &["either"]);
    assert_eq!(visit.center.emulator("GET", "state", &Value::Null)["encoding"], "either");
}
