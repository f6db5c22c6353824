//! A harmless request: what answers at the address, and what its clock says.
//!
//! It asks the token's path without any parameter, or that of all calls where there is but one. That path is there in each
//! control center of the generation, and a request that names no account is no failed login of anybody. Its answer is an
//! envelope of the control center's; a web server, a gateway or a portal answers in its own way.

use std::time::{Duration, Instant, SystemTime};

use ::http::Method;
use ::http::header::{CONTENT_TYPE, DATE, LOCATION, SERVER};
use serde_json::Value;

use crate::call::advice;
use crate::call::exchange::{redactor, url};
use crate::error::Error;
use crate::http::{self, HttpRequest, Reply};
use crate::network::attempt::{Call, Progress};
use crate::reply;
use crate::request::{Address, Options};

/// What came of it.
pub(super) struct Probe {
    pub(super) took: Duration,
    pub(super) status: Option<u16>,
    pub(super) server: Option<String>,
    pub(super) content_type: Option<String>,
    pub(super) location: Option<String>,
    /// The `Date` of an answer that no cache kept, and this machine's time before and after.
    pub(super) date: Option<(SystemTime, SystemTime, SystemTime)>,
    pub(super) is_cached: bool,
    /// The JSON that came, or why there is none.
    pub(super) answer: Result<Value, Error>,
    /// What came, if that is no JSON.
    pub(super) page: Vec<u8>,
}

pub(super) const TOKEN_PATH: &str = "/oapi/v1/token";

/// Sends it, over a connection of its own.
pub(super) fn send(address: &Address, options: &Options, path: &str, until: Instant) -> Probe {
    let options = Options { keep_alive: Duration::ZERO, ..options.clone() };
    let url = url(&address.url(path), None);
    let request =
        HttpRequest { method: Method::GET, address, url: &url, headers: Vec::new(), body: None, may_repeat: true };
    let call = Call { deadline: until, progress: Progress::default() };
    let (begun, before) = (Instant::now(), SystemTime::now());
    let sent = http::send(&request, &options, &call);
    let (took, after) = (begun.elapsed(), SystemTime::now());
    match sent {
        Err(error) => Probe::failed(took, advice::about_host(error, address)),
        Ok(mut reply) => {
            let date = date(&reply).map(|date| (before, date, after));
            let header = |name| reply.header(name).map(std::borrow::Cow::into_owned);
            let (server, content_type, location) = (header(SERVER), header(CONTENT_TYPE), header(LOCATION));
            let (status, is_cached) = (Some(reply.status.as_u16()), reply.is_cached());
            let body = reply.body.clone();
            let text = reply::json_text(&mut reply, &request, || redactor(&request, &options, []));
            let answer = text.map(|text| serde_json::from_slice(&text).unwrap_or(Value::Null));
            let page = if answer.is_err() { body } else { Vec::new() };
            Probe { took, status, server, content_type, location, date, is_cached, answer, page }
        }
    }
}

fn date(reply: &Reply) -> Option<SystemTime> {
    let date = reply.header(DATE).filter(|_| !reply.is_cached())?;
    httpdate::parse_http_date(date.trim()).ok()
}

impl Probe {
    fn failed(took: Duration, error: Error) -> Probe {
        let status = error.http_status;
        Probe {
            took,
            status,
            server: None,
            content_type: None,
            location: None,
            date: None,
            is_cached: false,
            answer: Err(error),
            page: Vec::new(),
        }
    }

    /// The `code` of an envelope.
    pub(super) fn code(&self) -> Option<i64> {
        let code = self.answer.as_ref().ok()?.get("code")?;
        code.as_i64().or_else(|| code.as_str()?.parse().ok())
    }

    /// The message of an envelope.
    pub(super) fn msg(&self) -> &str {
        let Ok(answer) = &self.answer else { return "" };
        ["msg", "message"].iter().find_map(|name| answer.get(name)?.as_str()).unwrap_or_default()
    }

    /// Whether it is an envelope as a control center writes it.
    pub(super) fn is_control_center(&self) -> bool {
        let Ok(Value::Object(envelope)) = &self.answer else { return false };
        let has_code = envelope.get("code").is_some_and(|code| code.is_number() || code.is_string());
        has_code && ["msg", "result", "message", "data"].iter().any(|name| envelope.contains_key(*name))
    }

    /// Whether it comes from a control center, or from one that did not come to answer by itself.
    pub(super) fn is_of_its_kind(&self) -> bool {
        self.is_control_center() || self.is_of_spring()
    }

    /// Whether it is what Spring, on which the control center runs, says by itself of a request that lacks a parameter.
    pub(super) fn is_of_spring(&self) -> bool {
        let Ok(Value::Object(answer)) = &self.answer else { return false };
        ["timestamp", "status", "path"].iter().all(|name| answer.contains_key(*name)) && self.status != Some(404)
    }
}
