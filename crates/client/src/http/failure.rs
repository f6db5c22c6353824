//! From what went wrong to the kinds of the contract. What a broken connection means depends on the phase it broke in,
//! which is known; an error's text decides nothing.

use std::io::{self, ErrorKind};

use http::StatusCode;
use rustls::{AlertDescription, InvalidMessage};

use super::body;
use super::content_coding;
use super::framing::Unframed;
use crate::error::{Error, Kind, system};
use crate::http_head::{self, Unreadable};
use crate::network::attempt::{Attempt, Phase};
use crate::proxy::explain::{self as proxy_error, Step};
use crate::proxy::in_use::ProxyInUse;
use crate::tls::failure::{self as tls_failure, Way};

/// What an error is told with.
pub(super) struct Context<'a> {
    pub(super) attempt: &'a Attempt,
    /// The proxy on the way.
    pub(super) proxy: Option<&'a ProxyInUse>,
    /// The control center, `host:port`.
    pub(super) target: &'a str,
}

/// The error over a connection that could not be made, or that broke.
pub(super) fn explain(error: &io::Error, context: &Context<'_>) -> Error {
    if !is_timeout(error) && refuses_for_a_certificate(error, context.attempt) {
        return Error::new(Kind::Tls, "服务器要求客户端证书", super::CERTIFICATE_WANTED);
    }
    told(of_phase(error, context), context)
}

/// Says what was delivered, and through which proxy: it may be the reason, as one that opens TLS, closes, or waits.
fn told(error: Error, context: &Context<'_>) -> Error {
    let detail = match context.proxy.map(ProxyInUse::en) {
        Some(proxy) if !matches!(error.kind, Kind::Proxy | Kind::TooLarge) && !error.detail.contains(&proxy) => {
            format!("{} (through {proxy})", error.detail)
        }
        _ => error.detail,
    };
    Error { delivered: context.attempt.delivered(), detail, ..error }
}

fn of_phase(error: &io::Error, context: &Context<'_>) -> Error {
    let phase = context.attempt.phase();
    if is_timeout(error) {
        return timeout(phase, context);
    }
    match phase {
        Phase::Lookup => {
            Error::new(Kind::Dns, "域名无法解析", format!("the name of the host does not resolve: {}", in_words(error)))
        }
        Phase::Connect => {
            let tried = context.attempt.addresses_in_words();
            let detail = format!("the server cannot be reached at {tried}: {}", in_words(error));
            Error::new(Kind::Connect, "无法连接服务器", detail)
        }
        Phase::ProxyLookup | Phase::ProxyConnect | Phase::ProxyAnswer => {
            proxy_error::failed(error, step(phase), proxy(context), context.target)
        }
        Phase::Tls => tls(error, context),
        _ if tls_failure::is_second_handshake(error) => tls(error, context),
        Phase::Send | Phase::Wait | Phase::Read => {
            let detail = format!("the connection broke while {}: {}", phase.in_words(), in_words(error));
            Error::new(Kind::Disconnected, super::BROKEN_OFF, detail)
        }
    }
}

fn proxy<'a>(context: &Context<'a>) -> &'a ProxyInUse {
    context.proxy.expect("only a call through a proxy enters its phases")
}

fn step(phase: Phase) -> Step {
    match phase {
        Phase::ProxyLookup => Step::Lookup,
        Phase::ProxyConnect => Step::Connect,
        _ => Step::Ask,
    }
}

fn response(cause: &str, detail: impl Into<String>, status: Option<StatusCode>, context: &Context<'_>) -> Error {
    let http_status = status.map(|status| status.as_u16());
    told(Error { http_status, ..Error::new(Kind::Response, cause, detail) }, context)
}

/// A TLS alert (RFC 8446, 5.1): the version behind its type has not changed since SSL 3.0.
fn is_alert(came: &[u8]) -> bool {
    matches!(came, [0x15] | [0x15, 3, ..])
}

/// What came does not even begin like HTTP.
pub(super) fn not_http(came: &[u8], context: &Context<'_>) -> Error {
    // Of a proxy's reply there is no telling whose TLS it is.
    if context.proxy.is_none() && is_alert(came) {
        let cause = [NOT_HTTP, ",", super::TLS_WANTED].concat();
        return response(
            &cause,
            "the server speaks TLS here: write `https://` in `host`, not `http://`",
            None,
            context,
        );
    }
    let detail = match context.proxy {
        None => {
            "the reply is not well-formed HTTP; is this the right port, and `http://` or `https://` as it should be?"
        }
        // Who takes TLS away sends the keys to the proxy in the clear.
        Some(_) => "the reply is not well-formed HTTP; is this the right port, and is the proxy an HTTP proxy?",
    };
    response(&not_http_cause(context), detail, None, context)
}

const NOT_HTTP: &str = "返回内容不是HTTP";

fn not_http_cause(context: &Context<'_>) -> String {
    let step = match context.proxy {
        None => "请检查host的端口和开头(http://或https://)",
        // Who takes TLS away sends the keys to the proxy in the clear.
        Some(_) => "请检查host的端口和代理的设置",
    };
    [NOT_HTTP, ",", step].concat()
}

pub(super) fn head_too_large(status: Option<StatusCode>, context: &Context<'_>) -> Error {
    let detail = "the head of the reply is longer than 32 KiB: the server, or a gateway before it, sends too many or too long headers";
    response("返回的头部过大,请联系控制中心或网关的管理员", detail, status, context)
}

const HEAD_IS_WRONG: &str = "返回的头部有误,请联系控制中心或网关的管理员";

pub(super) fn of_head(unreadable: &Unreadable, context: &Context<'_>) -> Error {
    let Unreadable { line, why, status } = unreadable;
    if *line == 1 {
        let detail = format!("the reply is not well-formed HTTP: its first line {why}; is this the right port?");
        return response(&not_http_cause(context), detail, *status, context);
    }
    let detail = format!("line {line} of the reply's head {why}; the server, or a gateway before it, must be mended");
    response(HEAD_IS_WRONG, detail, *status, context)
}

/// `head` is what the framing was read from.
pub(super) fn of_framing(unframed: &Unframed, status: StatusCode, head: &[u8], context: &Context<'_>) -> Error {
    match unframed {
        Unframed::Header(name, why) => {
            let line = http_head::line_of(head, name).map_or_else(String::new, |line| format!("line {line}: "));
            let detail = format!(
                "the reply's head does not say how long the reply is ({line}`{name}` {why}); the server, or a gateway before it, must be mended"
            );
            response(HEAD_IS_WRONG, detail, Some(status), context)
        }
        Unframed::Coding(content_coding::Unknown(name)) => {
            let detail = format!(
                "the reply is packed as \"{name}\", which was not asked for and cannot be unpacked: the server, or a gateway before it, must send gzip, deflate or plain replies"
            );
            response("返回内容的压缩方式不支持,请联系控制中心或网关的管理员", detail, Some(status), context)
        }
    }
}

/// `limit` is the caller's.
pub(super) fn of_body(failure: body::Failure, limit: u64, context: &Context<'_>) -> Error {
    match failure {
        body::Failure::Io(error) => explain(&error, context),
        body::Failure::TooLarge => too_large(limit, context),
        body::Failure::Sink(error) => told(*error, context),
        body::Failure::Chunks(why) => {
            let detail = format!("the reply comes in chunks, and they are not well-formed: {why}");
            response("返回内容的分块格式有误,请联系控制中心或网关的管理员", detail, None, context)
        }
    }
}

pub(super) fn of_coding(
    failure: &content_coding::Failure,
    may_be_cut: bool,
    limit: u64,
    context: &Context<'_>,
) -> Error {
    match failure {
        content_coding::Failure::TooLarge => too_large(limit, context),
        content_coding::Failure::Malformed(_) if may_be_cut => {
            explain(&io::Error::from(ErrorKind::UnexpectedEof), context)
        }
        content_coding::Failure::Malformed(coding) => {
            let detail = format!("the reply says that it is {}, and cannot be unpacked", coding.name());
            response("返回内容无法解压,请联系控制中心或网关的管理员", detail, None, context)
        }
    }
}

fn too_large(limit: u64, context: &Context<'_>) -> Error {
    let detail = format!("the reply is longer than `max_response_bytes`, {limit} bytes after decompression");
    told(Error::new(Kind::TooLarge, "返回内容过大", detail), context)
}

fn timeout(phase: Phase, context: &Context<'_>) -> Error {
    const OF_CONNECTION: &str = "`connect_timeout_ms` or `timeout_ms`";
    const OF_CALL: &str = "`timeout_ms`";
    let (cause, limit) = match phase {
        Phase::Lookup => ("解析域名超时", OF_CONNECTION),
        Phase::Connect => ("连接超时", OF_CONNECTION),
        Phase::ProxyLookup | Phase::ProxyConnect | Phase::ProxyAnswer => {
            return proxy_error::timed_out(step(phase), OF_CONNECTION, proxy(context));
        }
        Phase::Tls => ("TLS握手超时", OF_CONNECTION),
        Phase::Send => ("发送请求超时", OF_CALL),
        Phase::Wait => ("等待返回超时", OF_CALL),
        Phase::Read => ("读取返回内容超时", OF_CALL),
    };
    let detail = format!("timed out while {} ({limit})", phase.in_words());
    if phase == Phase::Connect {
        let tried = context.attempt.addresses_in_words();
        let cause = format!("{cause},请检查地址、端口、防火墙和VPN({tried})");
        return Error::new(Kind::Timeout, cause, format!("{detail}; tried {tried}"));
    }
    Error::new(Kind::Timeout, cause, detail)
}

fn is_timeout(error: &io::Error) -> bool {
    error.kind() == ErrorKind::TimedOut
}

/// In TLS 1.3 the server says so after the handshake, when the request is on its way; it has not read that. A server that
/// did not ask for a certificate on this connection is not believed: it may have read the request.
fn refuses_for_a_certificate(error: &io::Error, attempt: &Attempt) -> bool {
    let says_so = match tls_failure::rustls_error(error) {
        Some(rustls::Error::AlertReceived(AlertDescription::CertificateRequired)) => true,
        // Before that any alert may say so, or just the end of the connection.
        Some(rustls::Error::AlertReceived(_)) | None => attempt.phase() == Phase::Tls,
        Some(_) => false,
    };
    says_so && attempt.is_certificate_wanted()
}

/// What happened, without the wrapping.
fn in_words(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::UnexpectedEof => "the other side closed it".to_owned(),
        _ => system::in_english(error),
    }
}

fn tls(error: &io::Error, context: &Context<'_>) -> Error {
    let not_tls = matches!(
        tls_failure::rustls_error(error),
        Some(rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType))
    );
    match context.proxy {
        Some(proxy) if not_tls => proxy_error::not_tls(proxy, context.target),
        Some(_) => tls_failure::of_control_center(error, Way::ThroughProxy),
        None => tls_failure::of_control_center(error, Way::Direct),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Delivered;

    /// Else a server that has read a post could make it be sent again.
    #[test]
    fn an_alert_for_want_of_a_certificate_counts_where_one_was_asked_for() {
        for (wanted, expected) in
            [(true, (Kind::Tls, Delivered::No)), (false, (Kind::Disconnected, Delivered::Unknown))]
        {
            let attempt = Attempt::of_test();
            if wanted {
                attempt.wants_certificate();
            }
            attempt.enter(Phase::Send);
            attempt.has_sent();
            let alert = rustls::Error::AlertReceived(AlertDescription::CertificateRequired);
            let context = Context { attempt: &attempt, proxy: None, target: "" };
            let error = explain(&io::Error::new(ErrorKind::InvalidData, alert), &context);
            assert_eq!((error.kind, error.delivered), expected, "asked for: {wanted}");
        }
    }
}
