//! From ureq's errors to the kinds of the contract. What an error means depends on the phase it came in, which is
//! known; its text decides nothing but a hint.

use std::io::ErrorKind;

use rustls::{AlertDescription, InvalidMessage};
use ureq::Error as UreqError;

use super::wire::{self, Phase};
use crate::error::{Error, Kind, system};
use crate::tls::verifier::Untrusted;

/// The error that the present attempt ended with.
pub(crate) fn explain(error: &UreqError) -> Error {
    let phase = wire::phase();
    if !is_timeout(error) && refused_for_a_certificate(error) {
        return Error::new(Kind::Tls, "服务器要求客户端证书", super::CERTIFICATE_WANTED);
    }
    let mut explained = match (error, phase) {
        _ if is_timeout(error) => timeout(phase),
        (_, Phase::Lookup) => {
            Error::new(Kind::Dns, "域名无法解析", format!("the name of the host does not resolve: {}", io_text(error)))
        }
        (_, Phase::Connect) => {
            Error::new(Kind::Connect, "无法连接服务器", format!("the server cannot be reached: {}", io_text(error)))
        }
        (_, Phase::Proxy) => proxy(error),
        (_, Phase::Tls) => tls(error),
        (UreqError::BodyExceedsLimit(limit), _) => Error::new(
            Kind::TooLarge,
            "返回内容过大",
            format!("the reply is longer than `max_response_bytes`, {limit} bytes after decompression"),
        ),
        (UreqError::LargeResponseHeader(..), _) => Error::new(
            Kind::Response,
            "返回的头部过大",
            "the head of the reply is longer than 32 KiB, or has more headers than anyone reads",
        ),
        (UreqError::Decompress(..), _) => {
            Error::new(Kind::Response, "返回内容无法解压", "the reply says that it is gzip, and cannot be unpacked")
        }
        (UreqError::Io(_) | UreqError::BodyStalled, _) => {
            let detail = format!("the connection broke while {}: {}", phase.in_words(), io_text(error));
            Error::new(Kind::Disconnected, "连接中断", detail)
        }
        _ => {
            let detail = "the reply is not well-formed HTTP; is this the right port, and `http://` or `https://` as it should be?";
            Error::new(Kind::Response, "返回内容不是HTTP", detail)
        }
    };
    explained.delivered = wire::delivered();
    explained
}

fn timeout(phase: Phase) -> Error {
    let cause = match phase {
        Phase::Lookup => "解析域名超时",
        Phase::Connect => "连接超时",
        Phase::Proxy => "代理服务器超时",
        Phase::Tls => "TLS握手超时",
        Phase::Send => "发送请求超时",
        Phase::Wait => "等待返回超时",
        Phase::Read => "读取返回内容超时",
    };
    let limit = match phase {
        Phase::Lookup | Phase::Connect | Phase::Proxy | Phase::Tls => "`connect_timeout_ms` or `timeout_ms`",
        Phase::Send | Phase::Wait | Phase::Read => "`timeout_ms`",
    };
    Error::new(Kind::Timeout, cause, format!("timed out while {} ({limit})", phase.in_words()))
}

/// In TLS 1.3 the server says so after the handshake, when the request is on its way; it has not read that. Who did not ask
/// for a certificate on this connection says nothing that could be believed.
fn refused_for_a_certificate(error: &UreqError) -> bool {
    let says_so = match (error, rustls_error(error)) {
        (_, Some(rustls::Error::AlertReceived(AlertDescription::CertificateRequired))) => true,
        // Before that any alert may say so, or just the end of the connection.
        (_, Some(rustls::Error::AlertReceived(_))) | (UreqError::Io(_), None) => wire::phase() == Phase::Tls,
        _ => false,
    };
    says_so && wire::is_certificate_wanted()
}

fn rustls_error(error: &UreqError) -> Option<&rustls::Error> {
    match error {
        UreqError::Io(error) => error.get_ref().and_then(|inner| inner.downcast_ref()),
        _ => None,
    }
}

fn is_timeout(error: &UreqError) -> bool {
    let UreqError::Io(error) = error else { return matches!(error, UreqError::Timeout(_)) };
    let wrapped = error.get_ref().and_then(|inner| inner.downcast_ref::<UreqError>());
    matches!(wrapped, Some(UreqError::Timeout(_))) || error.kind() == ErrorKind::TimedOut
}

/// What happened, without the wrapping.
fn io_text(error: &UreqError) -> String {
    match error {
        UreqError::Io(error) if error.kind() == ErrorKind::UnexpectedEof => "the other side closed it".to_owned(),
        UreqError::Io(error) => system::in_english(error),
        other => other.to_string(),
    }
}

fn proxy(error: &UreqError) -> Error {
    let why = io_text(error);
    // ureq tells the status of a refused CONNECT in words alone; they decide over a hint and nothing else.
    let hint = if why.contains(" 407") {
        "; it wants a user name and a password: write `http://user:password@host:port`"
    } else {
        ""
    };
    Error::new(Kind::Proxy, "代理服务器失败", format!("the proxy cannot be reached, refused or failed: {why}{hint}"))
}

fn tls(error: &UreqError) -> Error {
    let rustls = rustls_error(error);
    if let Some(rustls::Error::InvalidCertificate(rustls::CertificateError::Other(other))) = rustls
        && let Some(untrusted) = other.0.downcast_ref::<Untrusted>()
    {
        return Error::new(Kind::Tls, untrusted.cause, untrusted.detail.clone());
    }
    let why = match rustls {
        Some(rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType)) => {
            "the server does not speak TLS on this port; perhaps `host` should begin with `http://`, or the port is another".to_owned()
        }
        Some(
            rustls::Error::AlertReceived(AlertDescription::ProtocolVersion | AlertDescription::HandshakeFailure)
            | rustls::Error::PeerIncompatible(_),
        ) => {
            "the server and this library have no TLS version, cipher or kind of key in common; it must offer TLS 1.2 or 1.3".to_owned()
        }
        Some(other) => other.to_string(),
        None => io_text(error),
    };
    Error::new(Kind::Tls, "TLS握手失败", format!("the TLS handshake failed: {why}"))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::super::idle::Idle;
    use super::super::wire::Outgoing;
    use super::*;
    use crate::error::Delivered;
    use rpa_signing::Secret;

    /// Else a server that has read a post could make it be sent again.
    #[test]
    fn an_alert_for_want_of_a_certificate_counts_where_one_was_asked_for() {
        for (wanted, expected) in
            [(true, (Kind::Tls, Delivered::No)), (false, (Kind::Disconnected, Delivered::Unknown))]
        {
            let outgoing = Outgoing { target: Secret::new("/".to_owned()), body: Some(0), forward: false };
            wire::begin(Instant::now() + Duration::from_secs(9), Duration::from_secs(9), outgoing);
            if wanted {
                wire::certificate_wanted();
            }
            wire::request_begins(Idle::new().limit());
            wire::sent();
            let alert = rustls::Error::AlertReceived(AlertDescription::CertificateRequired);
            let error = explain(&std::io::Error::new(ErrorKind::InvalidData, alert).into());
            assert_eq!((error.kind, error.delivered), expected, "asked for: {wanted}");
            wire::forget();
        }
    }
}
