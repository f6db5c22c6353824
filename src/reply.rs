//! From an HTTP reply to the text that the caller gets: the server's JSON as it came, or an error.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use encoding_rs::{Encoding, UTF_8};
use serde::de::IgnoredAny;
use ureq::http::Uri;

use crate::error::{Error, Kind};
use crate::redact::Redactor;
use crate::sender::Reply;

/// At most this much of a reply that is not JSON is quoted.
const EXCERPT: usize = 200;

/// The server's JSON, byte for byte, but for a byte-order mark, white space around it, and a charset other than UTF-8.
/// `redactor` is asked for only when something of the reply must be quoted.
pub(crate) fn json_text(mut reply: Reply, redactor: impl FnOnce() -> Redactor) -> Result<String, Error> {
    let body = std::mem::take(&mut reply.body);
    let text = match utf8(&reply, body) {
        Ok(text) if serde_json::from_str::<IgnoredAny>(trim(&text)).is_ok() => Ok(text),
        Ok(text) => Err(not_json(&reply, &text, &redactor())),
        Err(error) => Err(error),
    };
    match (text, redirection(&reply)) {
        (Ok(text), _) if trim(&text).len() == text.len() => Ok(text),
        (Ok(text), _) => Ok(trim(&text).to_owned()),
        (Err(_), Some(redirect)) => Err(redirect),
        (Err(error), None) => Err(Error { retry_after: retry_after(&reply), ..error }),
    }
}

/// White space as JSON has it.
fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\r', '\n'])
}

/// The body as UTF-8, from the charset that a byte-order mark or the Content-Type names.
fn utf8(reply: &Reply, mut body: Vec<u8>) -> Result<String, Error> {
    let (charset, mark) = match Encoding::for_bom(&body) {
        Some((charset, length)) => (charset, length),
        None => (charset(reply)?, 0),
    };
    if charset == UTF_8 {
        body.drain(..mark);
        return String::from_utf8(body).map_err(|_| malformed(reply, charset));
    }
    let body = body.get(mark..).unwrap_or_default();
    let decoded = charset.decode_without_bom_handling_and_without_replacement(body);
    decoded.map(Cow::into_owned).ok_or_else(|| malformed(reply, charset))
}

fn malformed(reply: &Reply, charset: &'static Encoding) -> Error {
    let detail = format!("the reply is not well-formed {}", charset.name());
    reply.error(Kind::Response, "返回内容编码错误", detail)
}

fn charset(reply: &Reply) -> Result<&'static Encoding, Error> {
    let content_type = reply.content_type.as_deref().unwrap_or_default();
    let named = content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches(['"', '\'']))
    });
    let Some(label) = named else { return Ok(UTF_8) };
    Encoding::for_label(label.as_bytes()).ok_or_else(|| {
        let shown: String = label.chars().take(40).collect();
        reply.error(Kind::Response, "返回内容编码未知", format!("the reply names the unknown charset \"{shown}\""))
    })
}

fn not_json(reply: &Reply, text: &str, redactor: &Redactor) -> Error {
    if trim(text).is_empty() {
        let detail = format!("the reply is empty, with HTTP status {}", reply.status.as_u16());
        return reply.error(Kind::Response, "返回内容为空", detail);
    }
    // Secrets go before the cut: half of one would no longer be found. No query is longer than the margin matters.
    let beginning: String = text.chars().take(EXCERPT.saturating_mul(200)).collect();
    let clean = redactor.clean(&beginning);
    let words = clean.split_whitespace().collect::<Vec<_>>().join(" ");
    let excerpt: String = words.chars().take(EXCERPT).collect();
    let detail = format!("the reply is not JSON, with HTTP status {}: {excerpt}", reply.status.as_u16());
    reply.error(Kind::Response, "返回内容不是JSON", detail)
}

/// The error over a redirection, which is never followed: the headers carry the token.
fn redirection(reply: &Reply) -> Option<Error> {
    let location =
        reply.location.as_deref().filter(|_| matches!(reply.status.as_u16(), 301 | 302 | 303 | 307 | 308))?;
    let target = location
        .parse::<Uri>()
        .ok()
        .and_then(|uri| Some(format!("{}://{}", uri.scheme_str()?, uri.authority()?.host())));
    let target = target.unwrap_or_else(|| "another path of the same host".to_owned());
    let detail = format!(
        "the server redirects with HTTP status {} to {target}; redirects are not followed, since the headers carry the token: give the right `host`",
        reply.status.as_u16()
    );
    Some(reply.error(Kind::Redirect, "服务器要求重定向", detail))
}

/// Retry-After, in seconds or as a date.
fn retry_after(reply: &Reply) -> Option<Duration> {
    let value = reply.retry_after.as_deref()?.trim();
    match value.parse::<u64>() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => Some(httpdate::parse_http_date(value).ok()?.duration_since(SystemTime::now()).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ureq::http::StatusCode;

    fn reply(status: u16, content_type: &str, body: &[u8]) -> Reply {
        Reply {
            status: StatusCode::from_u16(status).unwrap(),
            content_type: Some(content_type.to_owned()),
            location: None,
            retry_after: None,
            body: body.to_owned(),
        }
    }

    fn text(content_type: &str, body: &[u8]) -> Result<String, Error> {
        json_text(reply(200, content_type, body), Redactor::default)
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
            [("", &b"\"\xff\""[..]), ("a/b;charset=gbk", b"\"\xff\""), ("a/b;charset=klingon", b"1")]
        {
            assert_eq!(text(content_type, body).unwrap_err().kind, Kind::Response);
        }
    }

    #[test]
    fn what_is_not_json_is_quoted_without_secrets() {
        let page = format!("<html>\n  cannot fetch http://a/b?secretKey=hunter2 for hunter2 {}", "中".repeat(300));
        let error = json_text(reply(502, "", page.as_bytes()), || Redactor::new(["hunter2"])).unwrap_err();
        assert!(
            error.detail.starts_with(
                "the reply is not JSON, with HTTP status 502: <html> cannot fetch http://a/b?*** for *** 中"
            )
        );
        assert_eq!(
            error.detail.chars().filter(|&c| c == '中').count(),
            200 - "<html> cannot fetch http://a/b?*** for *** ".len()
        );
        for body in [&b""[..], b" \n", b"{", b"{}{}", b"{'a':1}", b"\0", b"NaN"] {
            assert_eq!(text("", body).unwrap_err().kind, Kind::Response);
        }
    }

    #[test]
    fn redirections_name_scheme_and_host_alone() {
        let mut moved = reply(302, "", b"<a href='/login?token=hunter2'>");
        moved.location = Some("https://user:hunter2@sso.example:8443/login?token=hunter2".to_owned());
        let error = json_text(moved, Redactor::default).unwrap_err();
        assert_eq!(error.kind, Kind::Redirect);
        assert!(
            error.detail.contains(" to https://sso.example; ") && !error.detail.contains("hunter2"),
            "{}",
            error.detail
        );
        let mut json = reply(302, "", b"{}");
        json.location = Some("/x".to_owned());
        assert_eq!(json_text(json, Redactor::default).unwrap(), "{}");
    }

    #[test]
    fn retry_after_in_both_forms() {
        let mut busy = reply(503, "", b"");
        busy.retry_after = Some("3".to_owned());
        assert_eq!(retry_after(&busy), Some(Duration::from_secs(3)));
        busy.retry_after = Some("Thu, 01 Jan 1970 00:00:00 GMT".to_owned());
        assert_eq!(retry_after(&busy), Some(Duration::ZERO));
        busy.retry_after = Some("soon".to_owned());
        assert_eq!(retry_after(&busy), None);
    }
}
