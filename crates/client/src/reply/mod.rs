//! From an HTTP reply to the text that the caller gets: the server's JSON as it came, or an error.

mod charset;
mod flaw;
mod next_step;
mod numbers;
mod of_proxy;
mod pairs;
mod reading;
pub(crate) mod redact;
mod redirect;
mod runs;

use std::time::{Duration, SystemTime};

use ::http::HeaderMap;
use ::http::header::{CONTENT_TYPE, DATE, RETRY_AFTER};
use serde::de::IgnoredAny;

use crate::error::{Error, Kind};
use crate::http::{BROKEN_OFF, CERTIFICATE_WANTED, HttpRequest, Reply};
use crate::reply::redact::Redactor;
use charset::{Decoded, Problem};

/// The server's JSON, byte for byte, but for a byte-order mark, white space around it, and a charset other than UTF-8.
/// `redactor` is asked for only when something of the reply must be quoted.
pub(crate) fn json_text(
    reply: &mut Reply,
    request: &HttpRequest<'_>,
    redactor: impl FnOnce() -> Redactor,
) -> Result<Vec<u8>, Error> {
    let body = std::mem::take(&mut reply.body);
    let content_types = reply.headers.get_all(CONTENT_TYPE).iter().map(|value| value.as_bytes());
    let mut decoded = charset::decode(content_types, body);
    let json = json_in(&decoded);
    if json.is_none()
        && let Some(mark) = of_proxy::mark(reply)
    {
        let error = of_proxy::explain(&mark, reply, &decoded.text, &redactor());
        return Err(Error { retry_after: retry_after(reply).map(Box::new), ..error });
    }
    // All JSON but a number shows by itself that it is whole.
    if reply.may_be_cut && !json.is_some_and(|json| json.ends_with(['}', ']', '"', 'e', 'l'])) {
        return Err(reply.error(Kind::Disconnected, BROKEN_OFF, "the connection broke before the reply was whole"));
    }
    if let Some(json) = json.filter(|_| decoded.problem.is_none()) {
        let whole = json.len() == decoded.text.len();
        return Ok(if whole { std::mem::take(&mut *decoded.text) } else { json.as_bytes().to_vec() });
    }
    let redactor = redactor();
    let redirection = redirect::explain(reply, request, &redactor);
    let error = redirection.unwrap_or_else(|| not_json(reply, request, &decoded, &redactor));
    let error = of_proxy::doubt(error, reply);
    Err(Error { retry_after: retry_after(reply).map(Box::new), ..error })
}

/// Whether a body with these headers is to be read as JSON: it is some, or said to be.
pub(crate) fn is_json(headers: &HeaderMap, body: &[u8]) -> bool {
    let content_types = || headers.get_all(CONTENT_TYPE).iter().map(|value| value.as_bytes());
    let is_said = content_types().any(|said| said.to_ascii_lowercase().windows(4).any(|word| word == b"json"));
    is_said || json_in(&charset::decode(content_types(), body.to_owned())).is_some()
}

/// The text without white space around it, if it is JSON.
fn json_in(decoded: &Decoded) -> Option<&str> {
    let text = trim(simdutf8::basic::from_utf8(&decoded.text).ok()?);
    serde_json::from_str::<IgnoredAny>(text).is_ok().then_some(text)
}

/// White space as JSON has it.
fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\r', '\n'])
}

fn not_json(reply: &Reply, request: &HttpRequest<'_>, decoded: &Decoded, redactor: &Redactor) -> Error {
    let status = reply.status.as_u16();
    let text = str::from_utf8(&decoded.text).expect("what was decoded is UTF-8");
    if trim(text).is_empty() {
        let cause = next_step::with_status("返回内容为空", status, "");
        return reply.error(Kind::Response, cause, format!("the reply is empty, with HTTP status {status}"));
    }
    // What a Content-Type says is the server's text, too.
    let said = |labels: &[String]| match labels {
        [] => "its Content-Type names no charset".to_owned(),
        labels => format!("its Content-Type says charset={}", redactor.quote(&labels.join(", charset="))),
    };
    let remedy = "let whoever runs the control center, or the gateway before it, send UTF-8, or say charset=GBK";
    let not_json = || match !request.address.https && next_step::wants_tls(status, text) {
        true => format!("返回内容不是JSON(HTTP {status}),{}", crate::http::TLS_WANTED),
        false => next_step::with_status("返回内容不是JSON", status, text),
    };
    const WRONG_CODING: &str = "返回内容编码错误,请控制中心管理员改为UTF-8";
    let (cause, problem) = match &decoded.problem {
        None => (not_json(), "is not JSON".to_owned()),
        Some(Problem::ReadsAsGb18030 { labels }) if json_in(decoded).is_some() => (
            "返回内容是GBK编码,但服务器没有这样声明,请控制中心管理员改为UTF-8".to_owned(),
            format!("is JSON in GB18030 (GBK), but not said to be: {}; {remedy}", said(labels)),
        ),
        Some(Problem::ReadsAsGb18030 { labels }) => {
            (not_json(), format!("is not JSON; it is not UTF-8, and quoted here as GB18030 (GBK): {}", said(labels)))
        }
        Some(Problem::BrokenUtf8(flaw)) => (
            WRONG_CODING.to_owned(),
            format!("is UTF-8, but {flaw}; let whoever runs the control center, or the gateway before it, mend that"),
        ),
        Some(Problem::Malformed { labels, flaw }) => {
            let said = said(labels);
            let detail = format!(
                "is not well-formed UTF-8 ({flaw}), nor GB18030 (GBK), nor what it is said to be: {said}; {remedy}"
            );
            (WRONG_CODING.to_owned(), detail)
        }
        Some(Problem::MalformedUnicode { name }) => (WRONG_CODING.to_owned(), format!("is not well-formed {name}")),
    };
    // Some servers ask for a certificate, let anyone in, and answer with a page.
    let hint = if reply.certificate_wanted { [" (", CERTIFICATE_WANTED, ")"].concat() } else { String::new() };
    let excerpt = redactor.quote(text);
    reply.error(Kind::Response, cause, format!("the reply {problem}, with HTTP status {status}{hint}: {excerpt}"))
}

/// Retry-After, in seconds or as a date.
pub(crate) fn retry_after(reply: &Reply) -> Option<Duration> {
    let value = reply.header(RETRY_AFTER)?;
    let value = value.trim();
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    match value.parse::<u64>() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        // Longer than anyone waits.
        Err(_) if digits => Some(Duration::MAX),
        Err(_) => {
            // By the server's own clock where it tells it: this machine's may be off.
            let date = |text: &str| httpdate::parse_http_date(text.trim()).ok();
            let now = reply.header(DATE).as_deref().and_then(date).unwrap_or_else(SystemTime::now);
            Some(date(value)?.duration_since(now).unwrap_or_default())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Address;
    use ::http::header::LOCATION;
    use ::http::{HeaderName, Method, StatusCode};
    use rpa_signing::Secret;

    pub(super) fn reply(status: u16, content_type: &str, body: &[u8]) -> Reply {
        Reply {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::from_iter([(CONTENT_TYPE, content_type.parse().unwrap())]),
            body: body.to_owned(),
            may_be_cut: false,
            certificate_wanted: false,
            forwarded: None,
        }
    }

    fn set(reply: &mut Reply, name: HeaderName, value: &str) {
        reply.headers.insert(name, value.parse().unwrap());
    }

    /// What the request of these tests, to `http://rpa.example/center/oapi/v1/a`, gets.
    pub(super) fn asked(reply: &mut Reply, redactor: impl FnOnce() -> Redactor) -> Result<Vec<u8>, Error> {
        let address = Address::of_test("http://rpa.example/center");
        let url = Secret::new(address.url("/oapi/v1/a") + "?b=c");
        let request = HttpRequest {
            method: Method::GET,
            address: &address,
            url: &url,
            headers: Vec::new(),
            body: None,
            may_repeat: true,
        };
        json_text(reply, &request, redactor)
    }

    fn text(content_type: &str, body: &[u8]) -> Result<String, Error> {
        let text = asked(&mut reply(200, content_type, body), Redactor::default);
        text.map(|text| String::from_utf8(text).unwrap())
    }

    #[test]
    fn json_is_handed_on_as_it_came() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        for json in
            ["{\"b\": 1.10, \"a\":\"\\u4e2d\\/\\ud800\", \"a\" : 1E400 }", "0", "\"x\"", "null", "[1 ,2]", &deep]
        {
            assert_eq!(text("", json.as_bytes()).unwrap(), json);
        }
        assert_eq!(text("", b"\xef\xbb\xbf \r\n{ }\n\t").unwrap(), "{ }");
    }

    #[test]
    fn charsets_become_utf8() {
        let json = "{\"名\":\"中文😀\"}";
        let (gb18030, _, _) = encoding_rs::GB18030.encode(json);
        assert_eq!(text("application/json; Charset=\"gb18030\"", &gb18030).unwrap(), json);
        let (gbk, _, _) = encoding_rs::GBK.encode("\"中文\"");
        assert_eq!(text("text/plain;charset=GBK", &gbk).unwrap(), "\"中文\"");
        let utf16: Vec<u8> = "\u{feff}\"中文\"".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(text("application/json;charset=utf-8", &utf16).unwrap(), "\"中文\"");
        for (content_type, body) in
            [("", &b"\"\xff\""[..]), ("a/b;charset=gbk", b"\"\xff\""), ("a/b;charset=klingon", b"\"\xff\"")]
        {
            assert_eq!(text(content_type, body).unwrap_err().kind, Kind::Response);
        }
    }

    #[test]
    fn chinese_in_gbk_that_is_not_said_to_be_is_told_readably() {
        let (json, _, _) = encoding_rs::GB18030.encode("{\"msg\":\"操作成功\"}");
        for (content_type, said) in [("", "names no charset"), ("a/b; charset=ISO-8859-1", "says charset=ISO-8859-1")] {
            let error = text(content_type, &json).unwrap_err();
            assert!(error.cause.contains("GBK") && error.cause.contains("管理员"), "{error:?}");
            assert!(error.detail.contains(said), "{error:?}");
            assert!(error.detail.ends_with(", with HTTP status 200: {\"msg\":\"操作成功\"}"), "{error:?}");
        }
        let (page, _, _) = encoding_rs::GB18030.encode("<html>网关超时");
        let error = text("text/html", &page).unwrap_err();
        assert_eq!(error.cause, "返回内容不是JSON(HTTP 200),可能是登录页或上网认证,请检查host");
        assert!(error.detail.ends_with("<html>网关超时"), "{error:?}");
        let error = text("a/b;charset=klingon", b"\"\xff\"").unwrap_err();
        assert!(error.detail.contains("says charset=klingon"), "{error:?}");
    }

    #[test]
    fn utf_8_with_a_flaw_is_an_error_that_says_where() {
        for content_type in ["", "a/b;charset=ISO-8859-1", "a/b;charset=big5", "a/b;charset=gbk"] {
            for (body, flaw) in [
                (&b"{\"msg\":\"\xe6\x88\x90\xe5\"}"[..], "byte 12 (0xe5) begins a character that is cut short"),
                (b"{\"msg\":\"\xe6\x88\x90\xff\"}", "byte 12 (0xff)"),
            ] {
                let error = text(content_type, body).unwrap_err();
                assert!(error.cause.starts_with("返回内容编码错误,请"), "{error:?}");
                assert!(error.detail.contains(flaw), "{content_type}: {error:?}");
            }
        }
    }

    #[test]
    fn a_page_is_told_with_its_status_and_the_next_step() {
        for (status, body, cause) in [
            (404, "<html>404 Not Found", "返回内容不是JSON(HTTP 404),请检查rest_type和host的路径"),
            (503, "busy", "返回内容不是JSON(HTTP 503),网关或控制中心暂时不可用,请稍后再试或联系管理员"),
            (429, "", "返回内容为空(HTTP 429),请求过多,请稍后再试"),
            (200, "<html>login", "返回内容不是JSON(HTTP 200),可能是登录页或上网认证,请检查host"),
        ] {
            let error = asked(&mut reply(status, "", body.as_bytes()), Redactor::default).unwrap_err();
            assert_eq!(error.cause, cause);
        }
    }

    #[test]
    fn a_server_that_wants_tls_is_told_with_the_scheme_to_write() {
        for body in [
            "<html><head><title>400 The plain HTTP request was sent to HTTPS port</title>",
            "Bad Request\r\nThis combination of host and port requires TLS.\r\n",
            "Client sent an HTTP request to an HTTPS server.\n",
        ] {
            let error = asked(&mut reply(400, "", body.as_bytes()), Redactor::default).unwrap_err();
            assert_eq!(error.cause, "返回内容不是JSON(HTTP 400),请把host的http://改为https://");
        }
    }

    #[test]
    fn what_is_not_json_is_quoted_without_secrets() {
        let hiding = || {
            let mut redactor = Redactor::default();
            redactor.hide(["hunter2"]);
            redactor
        };
        let page = format!("<html>\n  cannot fetch http://a/b?secretKey=hunter2 {}", "中".repeat(300));
        let error = asked(&mut reply(502, "", page.as_bytes()), hiding).unwrap_err();
        let quoted = "<html> cannot fetch http://a/b?*** ";
        let expected =
            format!("the reply is not JSON, with HTTP status 502: {quoted}{}", "中".repeat(200 - quoted.len()));
        assert_eq!(error.detail, expected);
        let error = asked(&mut reply(502, "", b"<html>\n  no key hunter2 here"), hiding).unwrap_err();
        assert!(
            error.detail.ends_with(": <html> no key (the rest is not quoted: it holds what this call sent)"),
            "{error:?}"
        );
        for body in [&b""[..], b" \n", b"{", b"{}{}", b"{'a':1}", b"\0", b"NaN"] {
            assert_eq!(text("", body).unwrap_err().kind, Kind::Response);
        }
    }

    #[test]
    fn json_is_an_answer_also_where_the_status_redirects() {
        let mut json = reply(302, "", b"{}");
        set(&mut json, LOCATION, "/x");
        assert_eq!(asked(&mut json, Redactor::default).unwrap(), b"{}");
        set(&mut json, LOCATION, "/y");
        json.body = b"<p>".to_vec();
        assert_eq!(asked(&mut json, Redactor::default).unwrap_err().kind, Kind::Redirect);
    }

    #[test]
    fn what_may_be_cut_counts_only_if_it_shows_its_end() {
        for (body, whole) in
            [("{\"a\":1}", true), ("[1]", true), ("true", true), ("12", false), ("{\"a\":1", false), ("", false)]
        {
            let mut cut = Reply { may_be_cut: true, ..reply(200, "", body.as_bytes()) };
            let kind = asked(&mut cut, Redactor::default).map_err(|error| error.kind).err();
            assert_eq!(kind, (!whole).then_some(Kind::Disconnected), "{body}");
        }
    }

    #[test]
    fn retry_after_in_both_forms() {
        let mut busy = reply(503, "", b"");
        set(&mut busy, RETRY_AFTER, "3");
        assert_eq!(retry_after(&busy), Some(Duration::from_secs(3)));
        set(&mut busy, RETRY_AFTER, "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(retry_after(&busy), Some(Duration::ZERO));
        set(&mut busy, RETRY_AFTER, &"9".repeat(30));
        assert_eq!(retry_after(&busy), Some(Duration::MAX));
        set(&mut busy, RETRY_AFTER, "soon");
        assert_eq!(retry_after(&busy), None);
    }
}
