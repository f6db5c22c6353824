//! A signed call, as it arrived.

use std::collections::HashSet;

use axum::body::Bytes;
use axum::http::{HeaderMap, Method, Uri};
use serde_json::{Map, Value, json};

use crate::envelope::Refusal;
use crate::params::Params;
use crate::percent::{self, Broken, Pairs, Plus};

#[derive(Debug)]
pub struct Call {
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
    /// The query's pairs, decoded, in the order received.
    pub query: Pairs,
    pub body: Bytes,
    /// Whether the parameters are the query's; else they are the body's.
    pub by_query: bool,
}

impl Call {
    pub fn params(&self) -> Result<Params, Refusal> {
        if self.by_query {
            let values = self.query.iter().cloned();
            return Ok(Params::new(values.map(|(key, value)| (key, value.into())).collect()));
        }
        match self.body_object() {
            Some(values) => Ok(Params::new(values)),
            None => Err(Refusal::parameter("请求体应为JSON对象", "the body is not a JSON object")),
        }
    }

    pub fn raw_query(&self) -> &str {
        self.uri.query().unwrap_or_default()
    }

    /// A header's value as text, however it is written.
    pub fn header(&self, name: &str) -> Option<String> {
        self.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
    }

    /// What would go unsigned.
    pub fn has_no_body(&self) -> Result<(), Refusal> {
        match self.body.is_empty() {
            true => Ok(()),
            false => Err(Refusal::parameter(
                format!("{}请求不应有请求体", self.method),
                format!("a {} takes no body", self.method),
            )),
        }
    }

    /// What would go unsigned.
    pub fn has_no_query(&self) -> Result<(), Refusal> {
        match self.query.is_empty() {
            true => Ok(()),
            false => Err(Refusal::parameter("PUT和DELETE请求不应有URL参数", "PUT and DELETE take no query")),
        }
    }

    /// A post sends its parameters twice, and only the body is signed: the query must say the same.
    ///
    /// A value that is not text has no one text form, so there the key alone is compared. A client may leave the query out.
    pub fn query_agrees_with_body(&self) -> Result<(), Refusal> {
        if self.query.is_empty() {
            return Ok(());
        }
        let Some(values) = self.body_object() else {
            return Ok(());
        };
        let differs = |key: &str, reason: &'static str| {
            let facts = json!({"detail": reason, "key": key});
            Refusal::parameter("URL参数与请求体不一致", reason).facts(&facts)
        };
        let mut seen = HashSet::new();
        for (key, value) in &self.query {
            if !seen.insert(key) {
                return Err(differs(key, "the query has a key twice"));
            }
            match values.get(key) {
                None => return Err(differs(key, "the query has a key that the body has not")),
                Some(Value::String(text)) if text != value => {
                    return Err(differs(key, "the query has another value than the body"));
                }
                Some(_) => {}
            }
        }
        if let Some(key) = values.keys().find(|key| !seen.contains(key)) {
            return Err(differs(key, "the body has a key that the query has not"));
        }
        Ok(())
    }

    fn body_object(&self) -> Option<Map<String, Value>> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// The decoded pairs of a request's query.
pub fn pairs(query: Option<&str>) -> Result<Pairs, Refusal> {
    percent::pairs(query.unwrap_or_default(), Plus::Stays).map_err(|broken| match broken {
        Broken::Percent => Refusal::parameter(
            "URL参数的百分号编码不正确",
            "the query has a % that two hex digits do not follow (send it as %25)",
        ),
        Broken::Utf8 => Refusal::parameter("URL参数不是UTF-8", "the query does not decode to UTF-8"),
    })
}
