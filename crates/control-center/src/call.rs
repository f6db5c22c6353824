//! A signed call: everything that is checked before a handler sees it, in the order it is checked.

use std::collections::HashSet;
use std::sync::Arc;

use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use serde_json::{Map, Value, json};

use crate::Center;
use crate::content_type;
use crate::envelope::Refusal;
use crate::params::Params;
use crate::percent::{self, Broken, Pairs, Plus};
use crate::signature;
use crate::source::{Content, Received};
use crate::tokens::Refused;

/// The protocol's window: a timestamp further off than ten minutes is refused.
const WINDOW_MS: u64 = 10 * 60 * 1000;

/// A call that has passed.
#[derive(Debug)]
pub struct Call {
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
    /// The query's pairs, decoded, in the order received.
    pub query: Pairs,
    pub body: Bytes,
}

impl FromRequest<Arc<Center>> for Call {
    type Rejection = Refusal;

    async fn from_request(request: Request, center: &Arc<Center>) -> Result<Self, Refusal> {
        let (parts, body) = request.into_parts();
        // The front has read the body whole already, and has limited it.
        let body = to_bytes(body, usize::MAX)
            .await
            .map_err(|_| Refusal::http(StatusCode::BAD_REQUEST, "请求体不完整", "the body is incomplete"))?;
        let call = Self {
            query: pairs(parts.uri.query())?,
            method: parts.method,
            uri: parts.uri,
            headers: parts.headers,
            body,
        };
        let now_ms = center.clock.now_ms();
        let token = call.check_token(center, now_ms)?;
        let timestamp = call.check_timestamp(now_ms)?;
        content_type::check(&call.method, &call.headers)?;
        call.check_signature(center, token, timestamp)?;
        call.check_nothing_unsigned()?;
        call.check_query_against_body()?;
        Ok(call)
    }
}

impl Call {
    pub fn params(&self) -> Result<Params, Refusal> {
        if self.method == Method::GET {
            let values = self.query.iter().cloned();
            return Ok(Params::new(values.map(|(key, value)| (key, value.into())).collect()));
        }
        match self.body_object() {
            Some(values) => Ok(Params::new(values)),
            None => Err(Refusal::parameter("请求体应为JSON对象", "the body is not a JSON object")),
        }
    }

    fn check_token(&self, center: &Center, now_ms: i64) -> Result<&str, Refusal> {
        let Some(token) = self.headers.get("accesstoken") else {
            return Err(Refusal::unauthorised("缺少token(请求头accesstoken)", "no accesstoken header"));
        };
        let token = token.to_str().map_err(|_| token_refusal("token", Refused::Unknown))?;
        center.tokens.check(token, now_ms).map_err(|refused| token_refusal("token", refused))?;
        Ok(token)
    }

    fn check_timestamp(&self, now_ms: i64) -> Result<&str, Refusal> {
        let header = self.headers.get("timestamp");
        let text = header.and_then(|value| value.to_str().ok());
        let digits = text.filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        let received: Option<i64> = digits.and_then(|text| text.parse().ok());
        let difference = received.map(|ms| ms.saturating_sub(now_ms));
        let (msg, reason) = match (text, difference) {
            (Some(text), Some(ms)) if ms.unsigned_abs() <= WINDOW_MS => return Ok(text),
            _ if header.is_none() => ("缺少timestamp请求头", "no timestamp header"),
            (_, None) => ("timestamp应为毫秒整数", "timestamp is not milliseconds in digits"),
            (_, Some(ms)) if ms < 0 => ("timestamp与服务器时间相差超过10分钟", "timestamp more than 10 minutes behind"),
            (_, Some(_)) => ("timestamp与服务器时间相差超过10分钟", "timestamp more than 10 minutes ahead"),
        };
        let facts = json!({
            "detail": reason,
            "serverTime": now_ms,
            "received": received.map_or_else(|| json!(text), |ms| json!(ms)),
            "differenceMillis": difference,
            "windowMillis": WINDOW_MS,
        });
        Err(Refusal::forbidden(msg, reason, &facts))
    }

    fn check_signature(&self, center: &Center, token: &str, timestamp: &str) -> Result<(), Refusal> {
        let query = self.uri.query().unwrap_or_default();
        let body = &self.body[..];
        let signature = self.headers.get("signature").map(|value| String::from_utf8_lossy(value.as_bytes()));
        let received = Received {
            content: match self.method == Method::GET {
                true => Content::Query(query),
                false => Content::Body { body, query },
            },
            token,
            timestamp,
            signature: signature.as_deref(),
        };
        signature::check(center.encoding, &received).map_err(|mismatch| {
            let reason = match received.signature {
                Some(_) => "signature does not match",
                None => "no signature header",
            };
            Refusal::forbidden("签名错误", reason, &mismatch)
        })
    }

    /// A get's body, and the query of a put or delete, would go unsigned: the protocol has neither.
    fn check_nothing_unsigned(&self) -> Result<(), Refusal> {
        let has_query = !self.query.is_empty();
        match self.method {
            Method::GET if !self.body.is_empty() => {
                Err(Refusal::parameter("GET请求不应有请求体", "a GET takes no body"))
            }
            Method::PUT | Method::DELETE if has_query => {
                Err(Refusal::parameter("PUT和DELETE请求不应有URL参数", "PUT and DELETE take no query"))
            }
            _ => Ok(()),
        }
    }

    /// A post sends its parameters twice, and only the body is signed: the query must say the same.
    ///
    /// A value that is not text has no one text form, so there the key alone is compared. A client may leave the query out.
    fn check_query_against_body(&self) -> Result<(), Refusal> {
        if self.method != Method::POST || self.query.is_empty() {
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

/// Says which of the three it was. `token` names the kind.
pub fn token_refusal(token: &str, refused: Refused) -> Refusal {
    let (cause, reason) = match refused {
        Refused::Unknown => ("不存在", "unknown token"),
        Refused::Expired => ("已过期", "expired token"),
        Refused::Superseded => ("已失效,已被新token取代", "superseded token"),
    };
    Refusal::unauthorised(&format!("{token}{cause}"), reason)
}
