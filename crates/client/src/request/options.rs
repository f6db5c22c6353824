//! The fields that say how a request travels: limits, retries, proxy, trust, further headers.

use std::path::PathBuf;
use std::time::Duration;

use ::http::{HeaderName, HeaderValue};

use super::fields::Fields;
use super::proxy::ProxyServer;
use super::telling::Telling;
use super::trust::{Tls, Trust};
use super::unseen;
use crate::error::Error;
use rpa_signing::Secret;

/// How a request travels; the same for all functions.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// Attempts in all.
    pub(crate) retry: u32,
    /// For the whole call.
    pub(crate) timeout: Duration,
    /// For one connection: lookup, connect, proxy and TLS handshake.
    pub(crate) connect_timeout: Duration,
    /// How long an idle connection may wait; zero closes it after each call.
    pub(crate) keep_alive: Duration,
    pub(crate) proxy: Proxy,
    pub(crate) trust: Trust,
    /// `tls.ca_file`, for Redis too: a pin is the control center's alone.
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) max_response_bytes: u64,
    /// Whether each request says by which call it was sent.
    pub(crate) request_id: bool,
}

/// The field `proxy`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Proxy {
    /// Not given: what the environment says, then what Windows says.
    System,
    None,
    Server(ProxyServer),
}

pub(super) const NAMES: [&str; 12] = [
    "retry",
    "timeout_ms",
    "connect_timeout_ms",
    "keep_alive_ms",
    "proxy",
    "tls",
    "headers",
    "max_response_bytes",
    "port",
    "meta",
    "log",
    "request_id",
];

/// Headers that this library sets, or that govern the connection. Setting them from outside would break either.
const RESERVED_HEADERS: [&str; 20] = [
    "accept",
    "accept-encoding",
    "accesstoken",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "signature",
    "te",
    "timestamp",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];

const LONGEST_MS: u64 = 600_000;
const LARGEST_RESPONSE: u64 = 1 << 30;
/// What every server takes; more would not fit the buffer that a request is written into.
pub(super) const LONGEST_HEADER: usize = 8192;
const LONGEST_HEADER_NAME: usize = 256;
/// What most servers take; and they are compared with each other.
const MOST_HEADERS: usize = 100;

impl Options {
    /// Whether a request with these options goes the same way, and so fails for the same reasons. What a call allows itself in
    /// time and in attempts is left aside.
    pub(crate) fn travels_like(&self, other: &Options) -> bool {
        self.proxy == other.proxy
            && self.trust == other.trust
            && self.headers == other.headers
            && self.connect_timeout == other.connect_timeout
            && self.max_response_bytes == other.max_response_bytes
    }

    pub(super) fn read(fields: &Fields<'_>) -> Result<Options, Error> {
        let retry = fields.number("retry", 1..=10)?.unwrap_or(2);
        let Tls { trust, ca_file } = Tls::read(fields)?;
        Telling::check(fields)?;
        let (headers, request_id) = (headers(fields)?, fields.flag("request_id")?.unwrap_or(false));
        if let Some((name, _)) = headers.iter().find(|(name, _)| request_id && *name == "x-request-id") {
            return Err(fields.refuse(
                &format!("headers.{name}"),
                "与request_id冲突:本库会设置此请求头,二者只能给一个",
                "is set by this library where `request_id` is true; give one of the two",
            ));
        }
        Ok(Options {
            retry: u32::try_from(retry).expect("ten fit"),
            timeout: Duration::from_millis(fields.number("timeout_ms", 1..=LONGEST_MS)?.unwrap_or(30_000)),
            connect_timeout: Duration::from_millis(
                fields.number("connect_timeout_ms", 1..=LONGEST_MS)?.unwrap_or(10_000),
            ),
            keep_alive: Duration::from_millis(fields.number("keep_alive_ms", 0..=LONGEST_MS)?.unwrap_or(5_000)),
            proxy: proxy(fields)?,
            trust,
            ca_file,
            headers,
            request_id,
            max_response_bytes: fields.number("max_response_bytes", 1..=LARGEST_RESPONSE)?.unwrap_or(1 << 24),
        })
    }
}

#[cfg(test)]
impl Options {
    /// The options of a request text.
    pub(crate) fn of_test(json: &str) -> Options {
        Options::read(&Fields::of_request(json).unwrap()).unwrap()
    }
}

fn proxy(fields: &Fields<'_>) -> Result<Proxy, Error> {
    let Some(raw) = fields.raw("proxy") else { return Ok(Proxy::System) };
    match serde_json::from_str::<Option<String>>(raw.get()) {
        Ok(None) => Ok(Proxy::None),
        Ok(Some(url)) if url.is_empty() => Ok(Proxy::None),
        Ok(Some(url)) => {
            let url = Secret::new(url);
            // A blank at an end is no part of an address, and has always been let pass.
            fields.without_stray("proxy", url.expose().trim(), unseen::in_key)?;
            let server = ProxyServer::parse(url.expose()).map(Proxy::Server);
            server.map_err(|not| fields.refuse("proxy", &not.cause, &not.detail))
        }
        Err(_) => Err(fields.wrong_type("proxy", "text or null", "文本或null", raw)),
    }
}

fn headers(fields: &Fields<'_>) -> Result<Vec<(HeaderName, HeaderValue)>, Error> {
    let Some(given) = fields.object("headers", "headers.")? else { return Ok(Vec::new()) };
    if given.count() > MOST_HEADERS {
        return Err(fields.refuse("headers", "过多", "must not hold more than 100 headers"));
    }
    let mut headers = Vec::new();
    for (name, value) in given.into_texts()? {
        let field = format!("headers.{name}");
        if let Some(stray) = unseen::in_word(&name) {
            let (cause, detail) =
                (format!("中有名称{}", stray.cause()), format!("holds a name that {}", stray.detail()));
            return Err(fields.refuse("headers", &cause, &detail));
        }
        let Ok(header) = HeaderName::from_bytes(name.as_bytes()) else {
            return Err(fields.refuse(
                "headers",
                "含有无效的请求头名称",
                "holds a name that is not an HTTP header name",
            ));
        };
        if RESERVED_HEADERS.contains(&header.as_str()) {
            return Err(fields.refuse(&field, "由本库设置", "is set by this library; take it out"));
        }
        // Blanks around a header's value are no part of it (RFC 9110, 5.5).
        fields.without_stray(&field, value.trim_matches(' '), unseen::in_key)?;
        // HTTP lets a tab through; nobody means one.
        let visible = Some(value).filter(|value| value.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
        let Some(mut value) = visible.and_then(|value| HeaderValue::from_str(&value).ok()) else {
            return Err(fields.refuse(
                &field,
                "含有无效字符",
                "must be visible ASCII text: no line breaks, no tabs, no Chinese",
            ));
        };
        if name.len() > LONGEST_HEADER_NAME {
            return Err(fields.refuse("headers", "含有过长的请求头名称", "holds a name of more than 256 characters"));
        }
        if value.len() > LONGEST_HEADER {
            return Err(fields.refuse(&field, "过长", "must not be longer than 8192 characters"));
        }
        if headers.iter().any(|(other, _)| *other == header) {
            return Err(fields.refuse(&field, "重复", "is given twice: upper and lower case make no difference"));
        }
        // A gateway's header is often a key.
        value.set_sensitive(true);
        headers.push((header, value));
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Options, Error> {
        Options::read(&Fields::of_request(json).unwrap())
    }

    #[test]
    fn defaults_are_those_of_the_contract() {
        let options = read("{}").unwrap();
        assert_eq!((options.retry, options.max_response_bytes), (2, 16_777_216));
        let limits = (options.timeout, options.connect_timeout, options.keep_alive);
        assert_eq!(limits, (Duration::from_secs(30), Duration::from_secs(10), Duration::from_secs(5)));
        assert!(matches!(options.proxy, Proxy::System));
        assert_eq!(options.trust, Trust::System { ca_file: None });
        assert!(matches!(read(r#"{"proxy":null}"#).unwrap().proxy, Proxy::None));
        assert!(matches!(read(r#"{"proxy":""}"#).unwrap().proxy, Proxy::None));
    }

    #[test]
    fn a_request_id_is_given_by_one_alone() {
        let given = r#""headers":{"X-Request-ID":"7"}"#;
        assert!(!read(&format!("{{{given}}}")).unwrap().request_id);
        let error = read(&format!("{{{given},\"request_id\":true}}")).unwrap_err();
        assert_eq!(error.field.as_deref(), Some("headers.x-request-id"));
        assert!(read(r#"{"request_id":true}"#).unwrap().request_id);
    }

    #[test]
    fn headers_that_are_refused() {
        for (headers, field) in [
            (r#"{"Signature":"x"}"#, "headers.Signature"),
            (r#"{"X-A":"a\r\nX-B: b"}"#, "headers.X-A"),
            (r#"{"X-A":"中"}"#, "headers.X-A"),
            (r#"{"X-A":1}"#, "headers.X-A"),
            (r#"{"X-A":"1","x-a":"2"}"#, "headers.x-a"),
            (r#"{"X A":"a"}"#, "headers"),
            (r#"{"":"a"}"#, "headers"),
            (&format!("{{\"{}\":\"a\"}}", "n".repeat(257)), "headers"),
            (r#"[]"#, "headers"),
            (&format!("{{{}\"a\":\"\"}}", "\"X-A\":\"1\",".repeat(100)), "headers"),
        ] {
            let error = read(&format!("{{\"headers\":{headers}}}")).expect_err(headers);
            assert_eq!(error.field.as_deref(), Some(field), "{headers}");
        }
    }
}
