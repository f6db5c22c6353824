//! Which generation of the control center answers, by what it shows to gets that change nothing and name no account.
//!
//! A gateway or a portal may answer any path with a page, an envelope, or a status of its own. So each path is judged by what
//! it shows, beside one that cannot exist: where both say the same, nothing is known. What is not recognised is told nowhere.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::background;
use super::check::{Check, Facts, Turn, Words};
use super::probe::{self, Probe, TOKEN_PATH};
use crate::request::{Address, Options};
use rpa_signing::scheme::{ALL, Pass, Scheme};

pub(super) const SETTING: &str = "generation";

/// A page that is longer is none of a control center's own.
const LONGEST_PAGE: u64 = 1 << 20;

/// A path, what it shows in a control center that has it, and one beside it that cannot exist.
struct Sign {
    path: &'static str,
    beside: &'static str,
    shows: fn(&Probe) -> bool,
}

static TOKEN: Sign = Sign { path: TOKEN_PATH, beside: "/oapi/v1/rpa-openapi-no-such-path", shows: gives_tokens };
static LIST: Sign = Sign { path: "/doc.html", beside: "/rpa-openapi-no-such-page.html", shows: lists_interfaces };
/// No path of 10.3 is published. It proves who calls before it looks what is called, or has this one, or the caller's own.
static APPKEY: Sign = Sign { path: "/oapi/v1/job/list", beside: "/rpa-openapi-no-such-path", shows: wants_appkey };
/// Without a form there is no action to be done.
static ACTIONS: Sign =
    Sign { path: "/rapi/rcall.action", beside: "/rapi/rpa-openapi-no-such-path.action", shows: takes_actions };

/// The generations that fit what was shown, and the paths that showed it; empty where nothing was recognised.
#[derive(Default)]
pub(super) struct Shown {
    names: Vec<&'static str>,
    paths: Vec<String>,
}

/// Looks at all paths at once, within a limit. `get`: a path that the caller gets.
pub(super) fn recognise(address: &Address, options: &Options, get: Option<&str>, limit: Duration) -> Shown {
    let until = Instant::now().checked_add(limit).unwrap_or_else(Instant::now);
    let wants_appkey = get.unwrap_or(APPKEY.path);
    let signs = [&TOKEN, &LIST, &APPKEY, &ACTIONS].map(|sign| {
        let path = if std::ptr::eq(sign, &APPKEY) { wants_appkey } else { sign.path }.to_owned();
        let mut options = options.clone();
        options.max_response_bytes = options.max_response_bytes.min(LONGEST_PAGE);
        let address = address.clone();
        background::run(move || sign.is_shown(&path, &address, &options, until))
    });
    let [token, list, appkey, actions] =
        signs.map(|sign| sign.take(until.saturating_duration_since(Instant::now())).unwrap_or(false));
    let mut shown = Shown::default();
    let mut add = |path: &str, names: &[&'static str]| {
        shown.paths.push(path.to_owned());
        shown.names.extend_from_slice(names);
    };
    match (token, list) {
        (true, true) => add(LIST.path, &["2020.5"]),
        // The list may be switched off.
        (true, false) => add(TOKEN.path, &["2020.4", "2020.5"]),
        // Many a server has such a page, for another program.
        (false, _) => {}
    }
    if appkey {
        add(wants_appkey, &["10.3"]);
    }
    if actions {
        add(ACTIONS.path, &["9"]);
    }
    shown
}

impl Sign {
    fn is_shown(&self, path: &str, address: &Address, options: &Options, until: Instant) -> bool {
        let ask = |path| probe::send(address, options, path, until);
        let here = ask(path);
        if !(self.shows)(&here) {
            return false;
        }
        let there = ask(self.beside);
        there.status.is_some() && !((self.shows)(&there) && said(&here, path) == said(&there, self.beside))
    }
}

/// What an answer says, apart from the path that was asked for, and from numbers, which differ each time.
fn said(probe: &Probe, path: &str) -> (Option<u16>, Option<i64>, Vec<String>) {
    let text = probe.msg().replace(path, " ");
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.contains(|c: char| c.is_ascii_digit()));
    (probe.status, probe.code(), words.map(str::to_owned).collect())
}

/// Whether something stands at the path, and is no failure.
fn is_there(probe: &Probe) -> bool {
    let is_some = |number: i64| (100..500).contains(&number) && number != 404;
    probe.status.is_some_and(|status| is_some(status.into()))
        && probe.code().is_none_or(|code| code != 404 && !(500..600).contains(&code))
}

fn gives_tokens(probe: &Probe) -> bool {
    let is_of_spring = probe.is_of_spring() && probe.status == Some(400);
    is_there(probe) && (probe.is_control_center() || is_of_spring) && !wants_appkey(probe)
}

/// The list is a page of knife4j, which was swagger-bootstrap-ui before.
fn lists_interfaces(probe: &Probe) -> bool {
    let page = String::from_utf8_lossy(&probe.page).to_ascii_lowercase();
    let words = ["knife4j", "swagger", "bycdao", "api-docs", "/oapi/", "接口文档"];
    probe.status == Some(200) && probe.answer.is_err() && words.iter().any(|word| page.contains(word))
}

fn wants_appkey(probe: &Probe) -> bool {
    let msg: String = probe.msg().chars().filter(|c| c.is_ascii_alphabetic()).collect();
    is_there(probe)
        && probe.is_control_center()
        && probe.code() != Some(0)
        && msg.to_ascii_lowercase().contains("appkey")
}

/// A form alone is taken there, which a get has none of.
fn takes_actions(probe: &Probe) -> bool {
    probe.status == Some(405) || (is_there(probe) && probe.is_control_center())
}

impl Shown {
    pub(super) fn tell(&self, facts: &mut Facts) {
        if !self.names.is_empty() {
            facts.put("generation", Value::from(self.names.clone()));
            facts.put("generation_from", Value::from(self.paths.clone()));
        }
    }

    /// Whether it is the generation of the request.
    pub(super) fn fits(&self, asked: &dyn Scheme) -> bool {
        self.names.contains(&asked.name())
    }

    /// Where the request's generation is another one.
    pub(super) fn contradicts(&self, asked: &dyn Scheme) -> Option<Check> {
        let [right, further @ ..] = &self.names[..] else { return None };
        let scheme = ALL.into_iter().find(|scheme| scheme.name() == *right).filter(|_| !self.fits(asked))?;
        let paths = self.paths.join(", ");
        let (name, also) = (asked.name(), *right == "2020.4" && further.contains(&"2020.5"));
        let (also_zh, also_en) =
            if also { ("(2020.5和2021.1填\"2020.5\")", " (\"2020.5\" for 2020.5 and 2021.1)") } else { ("", "") };
        // What lets a call in is another field then.
        let (fields_zh, fields_en) = match scheme.pass() {
            pass if pass == asked.pass() => ("", ""),
            Pass::Token => (",并给出accesskey和secretkey", ", with `accesskey` and `secretkey`"),
            Pass::AppKey => (",并给出appkey", ", with `appkey`"),
            Pass::Nothing => (",并用action代替rest_type", ", with `action` in place of `rest_type`"),
        };
        let words = Words::told(
            format_args!(
                "控制中心不是请求所写的{name}版:从{paths}看是{right}版,请设置\"generation\":\"{right}\"{also_zh}{fields_zh}"
            ),
            format_args!(
                "the control center is not of generation {name}, as the request has it, but of {right}, by what it shows at {paths}: give \"generation\": \"{right}\"{also_en}{fields_en}"
            ),
        );
        // 2020.4 and 2020.5 differ in what is tried first.
        let cry = if fields_zh.is_empty() { Check::warning } else { Check::fail };
        Some(cry("http", words, SETTING, Turn::You))
    }
}
