//! Replies that a forward proxy wrote itself. It passes the control center's on, so what is whose shows in marks alone.

use ::http::HeaderName;
use ::http::header::{LOCATION, PROXY_AUTHENTICATE, SERVER};

use crate::error::{Delivered, Error};
use crate::http::{Forwarded, Reply};
use crate::proxy::explain::{ProxyReply, answered};
use crate::proxy::page::title_in;
use crate::reply::redact::Redactor;

/// Why squid answers in the server's place.
const X_SQUID_ERROR: HeaderName = HeaderName::from_static("x-squid-error");
/// How a proxy came by its reply (RFC 9209).
const PROXY_STATUS: HeaderName = HeaderName::from_static("proxy-status");

/// What `Server` says where a proxy wrote the reply. A control center runs behind none of these.
const PROXIES: [&str; 8] =
    ["squid", "tinyproxy", "privoxy", "bluecoat", "proxysg", "mcafee web gateway", "zscaler", "ccproxy"];

/// The error over a reply that is no JSON and that the proxy wrote, as its mark shows.
pub(super) fn explain(mark: &Mark, reply: &Reply, body: &[u8], redactor: &Redactor) -> Error {
    let Forwarded { by: proxy, target } = reply.forwarded.as_ref().expect("a mark is that of a proxy");
    let title = title_in(body).filter(|title| !redactor.is_shown_in(title)).map(|title| redactor.quote(&title));
    let location = reply.header(LOCATION).filter(|location| {
        let target = location.split('?').next().unwrap_or("");
        !redactor.is_shown_in(target)
    });
    let challenges = reply.headers.get_all(PROXY_AUTHENTICATE).iter();
    let challenges: Vec<_> = challenges.map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    let answer = ProxyReply {
        status: reply.status.as_u16(),
        reason: reply.status.canonical_reason().unwrap_or(""),
        tunnel: false,
        title: title.as_deref(),
        location: location.as_deref(),
        challenges: challenges.iter().map(AsRef::as_ref).collect(),
    };
    let error = answered(&answer, proxy, target);
    Error { delivered: mark.delivered(), ..error }
}

/// Where nothing shows whose the page is, the proxy is named beside it.
pub(super) fn doubt(error: Error, reply: &Reply) -> Error {
    let Some(Forwarded { by: proxy, .. }) = &reply.forwarded else { return error };
    let cause = format!("{}(也可能来自{})", error.cause, proxy.zh());
    let detail = format!("{}; it came through {}, which may have written it itself", error.detail, proxy.en());
    Error { cause, detail, ..error }
}

/// What shows that the proxy wrote the reply.
pub(super) enum Mark {
    /// It did not let the request pass.
    Refused,
    /// It could not reach the server.
    Unreached,
    /// Its name alone.
    Name,
}

impl Mark {
    /// Whether the server can have seen the request.
    fn delivered(&self) -> Delivered {
        match self {
            Mark::Refused | Mark::Unreached => Delivered::No,
            // A proxy may refuse or fail over the reply as well, and then the request has run.
            Mark::Name => Delivered::Unknown,
        }
    }
}

/// The mark of a proxy in a reply that came through one.
pub(super) fn mark(reply: &Reply) -> Option<Mark> {
    reply.forwarded.as_ref()?;
    let status = reply.status.as_u16();
    if status == 407 || reply.headers.contains_key(PROXY_AUTHENTICATE) {
        return Some(Mark::Refused);
    }
    if let Some(error) = reply.header(X_SQUID_ERROR) {
        // Not ERR_ACCESS_DENIED: rules for replies end in it, too.
        let before = ["ERR_CONNECT_FAIL", "ERR_DNS_FAIL", "ERR_CANNOT_FORWARD"];
        let is_before = before.iter().any(|word| error.starts_with(word));
        return Some(if is_before { Mark::Unreached } else { Mark::Name });
    }
    let says_error = reply.header(PROXY_STATUS).is_some_and(|text| text.contains("error="));
    let server = reply.header(SERVER).unwrap_or_default().to_ascii_lowercase();
    // This one looks at requests alone.
    if server.starts_with("tinyproxy") && matches!(status, 401 | 403) {
        return Some(Mark::Refused);
    }
    let is_known = PROXIES.iter().any(|name| server.starts_with(name));
    (says_error || is_known).then_some(Mark::Name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use crate::proxy::in_use::{ProxyInUse, Source};
    use crate::request::ProxyServer;
    use ::http::{HeaderMap, StatusCode};

    const PAGE: &[u8] = b"<html><title>The URL could not be retrieved</title>";

    fn reply(status: u16, headers: &[(&'static str, &str)]) -> Reply {
        let headers = headers.iter().map(|&(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
        let server = ProxyServer::parse("http://robot:hunter2@10.0.0.1:8080").unwrap();
        let by = ProxyInUse { server, source: Source::Variable("http_proxy") };
        Reply {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::from_iter(headers),
            body: Vec::new(),
            may_be_cut: false,
            certificate_wanted: false,
            forwarded: Some(Forwarded { by, target: "rpa.example:80".to_owned() }),
        }
    }

    #[test]
    fn a_page_that_bears_a_proxys_mark_is_told_as_the_proxys() {
        use Delivered::{No, Unknown};
        for (status, headers, delivered) in [
            (407, &[][..], No),
            (407, &[("proxy-authenticate", "NTLM")], No),
            (503, &[("x-squid-error", "ERR_CONNECT_FAIL 111"), ("server", "squid/5.7")], No),
            (503, &[("x-squid-error", "ERR_DNS_FAIL 0")], No),
            (403, &[("x-squid-error", "ERR_ACCESS_DENIED 0")], Unknown),
            (403, &[("x-squid-error", "ERR_TOO_BIG 0")], Unknown),
            (403, &[("proxy-status", "p; error=http_response_body_size")], Unknown),
            (504, &[("x-squid-error", "ERR_READ_TIMEOUT 0")], Unknown),
            (500, &[("server", "tinyproxy/1.11.1")], Unknown),
            (403, &[("server", "tinyproxy/1.11.1")], No),
            (401, &[("server", "tinyproxy/1.11.1")], No),
            (502, &[("proxy-status", "p; error=connection_refused")], Unknown),
            (302, &[("server", "squid"), ("location", "https://portal.example/a")], Unknown),
        ] {
            let reply = reply(status, headers);
            let error = explain(&mark(&reply).unwrap(), &reply, PAGE, &Redactor::default());
            assert_eq!((error.kind, error.http_status), (Kind::Proxy, Some(status)), "{headers:?}");
            assert_eq!(error.delivered, delivered, "{status} {headers:?}");
            for text in [&error.cause, &error.detail] {
                assert!(text.contains("http://10.0.0.1:8080") && text.contains("http_proxy"), "{text}");
            }
            assert!(error.detail.contains("titled \"The URL could not be retrieved\""), "{}", error.detail);
        }
        let mut redactor = Redactor::default();
        redactor.hide(["could not be retrieved"]);
        let error = explain(&Mark::Refused, &reply(407, &[]), PAGE, &redactor);
        assert!(!error.detail.contains("retrieved"), "{}", error.detail);
    }

    #[test]
    fn a_page_that_may_be_either_ones_names_the_proxy_beside_it() {
        for headers in [&[][..], &[("server", "nginx")], &[("via", "1.1 p")], &[("proxy-status", "p; next-hop=a")]] {
            let reply = reply(503, headers);
            assert!(mark(&reply).is_none(), "{headers:?}");
            let error = doubt(reply.error(Kind::Response, "返回内容不是JSON", "the reply is not JSON"), &reply);
            assert_eq!((error.kind, error.delivered), (Kind::Response, Delivered::Yes));
            assert!(error.cause.contains("也可能来自代理http://10.0.0.1:8080"), "{}", error.cause);
            assert!(error.detail.ends_with("which may have written it itself"), "{}", error.detail);
        }
        let straight = Reply { forwarded: None, ..reply(407, &[("server", "squid")]) };
        assert!(mark(&straight).is_none());
        assert_eq!(doubt(Error::new(Kind::Response, "a", "b"), &straight).detail, "b");
    }
}
