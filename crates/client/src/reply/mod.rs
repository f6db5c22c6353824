//! From an HTTP reply to the text that the caller gets: the server's JSON as it came, or an error.

mod letters;
mod of_proxy;
pub(crate) mod redact;

use std::time::{Duration, SystemTime};

use ::http::Uri;
use ::http::header::{CONTENT_TYPE, DATE, LOCATION, RETRY_AFTER};
use encoding_rs::{Encoding, UTF_8};
use serde::de::IgnoredAny;
use zeroize::Zeroizing;

use crate::error::{Error, Kind};
use crate::http::{CERTIFICATE_WANTED, Reply};
use crate::reply::redact::Redactor;

/// At most this much of a reply that is not JSON is quoted.
const EXCERPT: usize = 200;

/// The server's JSON, byte for byte, but for a byte-order mark, white space around it, and a charset other than UTF-8.
/// `redactor` is asked for only when something of the reply must be quoted.
pub(crate) fn json_text(reply: &mut Reply, redactor: impl FnOnce() -> Redactor) -> Result<Vec<u8>, Error> {
    let body = std::mem::take(&mut reply.body);
    let mut decoded = decode(reply, body);
    let text = if decoded.problem.is_none() { simdutf8::basic::from_utf8(&decoded.bytes).ok().map(trim) } else { None };
    let json = text.filter(|text| serde_json::from_str::<IgnoredAny>(text).is_ok());
    if json.is_none()
        && let Some(mark) = of_proxy::mark(reply)
    {
        let error = of_proxy::explain(&mark, reply, &decoded.bytes, &redactor());
        return Err(Error { retry_after: retry_after(reply), ..error });
    }
    // All JSON but a number shows by itself that it is whole.
    if reply.may_be_cut && !json.is_some_and(|json| json.ends_with(['}', ']', '"', 'e', 'l'])) {
        return Err(reply.error(Kind::Disconnected, "连接中断", "the connection broke before the reply was whole"));
    }
    if let Some(json) = json {
        let whole = json.len() == decoded.bytes.len();
        return Ok(if whole { std::mem::take(&mut *decoded.bytes) } else { json.as_bytes().to_vec() });
    }
    let redactor = redactor();
    let error = redirection(reply, &redactor).unwrap_or_else(|| not_json(reply, &decoded, &redactor));
    let error = of_proxy::doubt(error, reply);
    Err(Error { retry_after: retry_after(reply), ..error })
}

/// White space as JSON has it.
fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\r', '\n'])
}

/// A body in UTF-8, if nothing is wrong with it.
struct Decoded {
    bytes: Zeroizing<Vec<u8>>,
    problem: Option<Problem>,
}

enum Problem {
    Malformed(&'static Encoding),
    /// Not UTF-8, and the Content-Type names a charset that nobody knows.
    UnknownCharset(String),
}

/// Reads the body in the charset that a byte-order mark or the Content-Type names.
fn decode(reply: &Reply, body: Vec<u8>) -> Decoded {
    let mut bytes = Zeroizing::new(body);
    let (charset, mark) = match (Encoding::for_bom(&bytes), charset(reply)) {
        (Some((charset, length)), _) => (charset, length),
        (None, Ok(charset)) => (charset, 0),
        // A label that nobody knows ("utf8mb4") is mostly a slip of who meant UTF-8.
        (None, Err(label)) => {
            let problem = (!is_utf8(&bytes)).then_some(Problem::UnknownCharset(label));
            return Decoded { bytes, problem };
        }
    };
    bytes.drain(..mark);
    if charset == UTF_8 {
        let problem = (!is_utf8(&bytes)).then_some(Problem::Malformed(charset));
        return Decoded { bytes, problem };
    }
    let (text, malformed) = charset.decode_without_bom_handling(&bytes);
    let text = Zeroizing::new(text.into_owned().into_bytes());
    Decoded { bytes: text, problem: malformed.then_some(Problem::Malformed(charset)) }
}

/// The standard library's check takes longer over Chinese text than all else that is done with a reply.
fn is_utf8(bytes: &[u8]) -> bool {
    simdutf8::basic::from_utf8(bytes).is_ok()
}

/// The charset of the Content-Type, UTF-8 where it names none; or the label that nobody knows.
fn charset(reply: &Reply) -> Result<&'static Encoding, String> {
    let content_type = reply.header(CONTENT_TYPE).unwrap_or_default();
    let named = content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches(['"', '\'']))
    });
    let Some(label) = named else { return Ok(UTF_8) };
    Encoding::for_label(label.as_bytes()).ok_or_else(|| label.chars().take(40).collect())
}

fn not_json(reply: &Reply, decoded: &Decoded, redactor: &Redactor) -> Error {
    let status = reply.status.as_u16();
    let text = Zeroizing::new(String::from_utf8_lossy(&decoded.bytes).into_owned());
    if trim(&text).is_empty() {
        return reply.error(Kind::Response, "返回内容为空", format!("the reply is empty, with HTTP status {status}"));
    }
    // Secrets go before the cut: half of one would no longer be found.
    let clean = redactor.clean(beginning(&text));
    let words = clean.split_whitespace().collect::<Vec<_>>().join(" ");
    let excerpt: String = words.chars().take(EXCERPT).collect();
    let (cause, problem) = match &decoded.problem {
        None => ("返回内容不是JSON", "is not JSON".to_owned()),
        Some(Problem::Malformed(charset)) => ("返回内容编码错误", format!("is not well-formed {}", charset.name())),
        // What the server names is the server's text, too.
        Some(Problem::UnknownCharset(label)) => {
            ("返回内容编码错误", format!("is not UTF-8, and names the unknown charset \"{}\"", *redactor.clean(label)))
        }
    };
    // Some servers ask for a certificate, let anyone in, and answer with a page.
    let hint = if reply.certificate_wanted { [" (", CERTIFICATE_WANTED, ")"].concat() } else { String::new() };
    reply.error(Kind::Response, cause, format!("the reply {problem}, with HTTP status {status}{hint}: {excerpt}"))
}

/// As much of a page as an excerpt is made from: what is hidden makes it shorter, and much white space says nothing.
fn beginning(page: &str) -> &str {
    const ENOUGH: usize = 8 * EXCERPT;
    const LONGEST: usize = 200 * EXCERPT;
    let (mut counted, mut after_space) = (0_usize, true);
    for (at, c) in page.char_indices() {
        let counts = !(c.is_whitespace() && after_space);
        after_space = c.is_whitespace();
        counted = counted.saturating_add(counts.into());
        if counted > ENOUGH || at > LONGEST {
            return page.get(..at).unwrap_or_default();
        }
    }
    page
}

/// The error over a redirection, which is never followed: the headers carry the token.
fn redirection(reply: &Reply, redactor: &Redactor) -> Option<Error> {
    let location = reply.header(LOCATION).filter(|_| matches!(reply.status.as_u16(), 301 | 302 | 303 | 307 | 308))?;
    let target = location
        .parse::<Uri>()
        .ok()
        .and_then(|uri| Some(format!("{}://{}", uri.scheme_str()?, uri.authority()?.host())));
    let target = match target {
        None => "another path of the same host".to_owned(),
        // The name, too, is the server's text.
        Some(target) if redactor.is_shown_in(&target) => "a host whose name holds what this call sent".to_owned(),
        Some(target) => target,
    };
    let detail = format!(
        "the server redirects with HTTP status {} to {target}; redirects are not followed, since the headers carry the token: give the right `host`",
        reply.status.as_u16()
    );
    Some(reply.error(Kind::Redirect, "服务器要求重定向", detail))
}

/// Retry-After, in seconds or as a date.
fn retry_after(reply: &Reply) -> Option<Duration> {
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
    use ::http::{HeaderMap, HeaderName, StatusCode};

    fn reply(status: u16, content_type: &str, body: &[u8]) -> Reply {
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

    fn text(content_type: &str, body: &[u8]) -> Result<String, Error> {
        let text = json_text(&mut reply(200, content_type, body), Redactor::default);
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
    fn what_is_not_json_is_quoted_without_secrets() {
        let page = format!("<html>\n  cannot fetch http://a/b?secretKey=hunter2 for hunter2 {}", "中".repeat(300));
        let error = json_text(&mut reply(502, "", page.as_bytes()), || {
            let mut redactor = Redactor::default();
            redactor.hide(["hunter2"]);
            redactor
        })
        .unwrap_err();
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
        set(&mut moved, LOCATION, "https://user:hunter2@sso.example:8443/login?token=hunter2");
        let error = json_text(&mut moved, Redactor::default).unwrap_err();
        assert_eq!(error.kind, Kind::Redirect);
        assert!(
            error.detail.contains(" to https://sso.example; ") && !error.detail.contains("hunter2"),
            "{}",
            error.detail
        );
        let mut echoing = reply(302, "", b"");
        set(&mut echoing, LOCATION, "https://9f2c4b7e1d5a48c0.evil.example/");
        let error = json_text(&mut echoing, || {
            let mut redactor = Redactor::default();
            redactor.hide(["9f2c4b7e1d5a48c0"]);
            redactor
        });
        assert!(error.unwrap_err().detail.contains(" to a host whose name holds what this call sent; "));
        let mut json = reply(302, "", b"{}");
        set(&mut json, LOCATION, "/x");
        assert_eq!(json_text(&mut json, Redactor::default).unwrap(), b"{}");
    }

    #[test]
    fn what_may_be_cut_counts_only_if_it_shows_its_end() {
        for (body, whole) in
            [("{\"a\":1}", true), ("[1]", true), ("true", true), ("12", false), ("{\"a\":1", false), ("", false)]
        {
            let mut cut = Reply { may_be_cut: true, ..reply(200, "", body.as_bytes()) };
            let kind = json_text(&mut cut, Redactor::default).map_err(|error| error.kind).err();
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
