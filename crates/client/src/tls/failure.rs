//! Failures of TLS in words: each cause has its own sentence, with what to do about it.

use std::fmt;
use std::io::{self, ErrorKind};

use rustls::{AlertDescription, PeerIncompatible, PeerMisbehaved};

use super::alert;
use super::greeting::{Greeting, Version};
use super::handshake::HandshakeFailure;
use super::refused_certificate::RefusedCertificate;
use super::server::Server;
use super::words::Words;
use crate::error::{Error, Kind, system};

/// How the server was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Direct,
    /// What fails may be the proxy's doing, and plain HTTP would hand it the keys.
    ThroughProxy,
}

/// After the handshake the server asked for another one. rustls declines that, and the connection ended.
#[derive(Debug)]
pub(crate) struct SecondHandshake;

impl fmt::Display for SecondHandshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the server asked for a second TLS handshake")
    }
}

impl std::error::Error for SecondHandshake {}

/// The failed session with the control center. Whether the request was delivered is the caller's to say.
pub(crate) fn of_control_center(error: &io::Error, way: Way) -> Error {
    let Words { cause, detail } = explain(error, Server::ControlCenter, way);
    let is_final = rustls_error(error).is_some_and(|error| RefusedCertificate::of(error).is_some());
    Error { is_final, ..Error::new(Kind::Tls, cause, detail) }
}

/// The failed session with a Redis server, in Chinese and in English; `None` where it is not TLS that failed.
#[cfg(feature = "redis")]
pub(crate) fn of_redis(error: &io::Error) -> Option<(String, String)> {
    let is_of_tls = rustls_error(error).is_some() || find::<HandshakeFailure>(error).is_some();
    is_of_tls.then(|| {
        let Words { cause, detail } = explain(error, Server::Redis, Way::Direct);
        (cause, detail)
    })
}

/// What rustls says, wherever in the error it is.
pub(crate) fn rustls_error(error: &io::Error) -> Option<&rustls::Error> {
    let error = find::<HandshakeFailure>(error).map_or(error, |failure| &failure.error);
    find(error)
}

/// Whether the connection broke over a second handshake.
pub(crate) fn is_second_handshake(error: &io::Error) -> bool {
    find::<SecondHandshake>(error).is_some()
}

fn find<T: std::error::Error + 'static>(error: &io::Error) -> Option<&T> {
    error.get_ref()?.downcast_ref()
}

fn explain(error: &io::Error, server: Server, way: Way) -> Words {
    let rustls = rustls_error(error);
    if let Some(refused) = rustls.and_then(RefusedCertificate::of) {
        return Words::new(refused.cause.clone(), refused.detail.clone());
    }
    if is_second_handshake(error) {
        return second_handshake();
    }
    let failure = find::<HandshakeFailure>(error);
    let greeting = failure.map(|failure| Greeting::of(&failure.first));
    let mut words = match (greeting, rustls) {
        (Some(Greeting::Http), _) => plain_http(server, way),
        (Some(Greeting::Service(service)), _) => another_service(service, server),
        (Some(Greeting::Tlcp), _) => tlcp(server),
        (Some(Greeting::Unknown), Some(_)) => no_tls(server, failure),
        (_, Some(rustls)) => by_rustls(rustls, greeting, failure, server),
        (_, None) => broken(failure, error, server),
    };
    words.detail.insert_str(0, "the TLS handshake failed: ");
    if way == Way::ThroughProxy && !matches!(greeting, Some(Greeting::Http)) {
        words.detail.push_str("; the connection goes through a proxy, which may be the cause");
    }
    words
}

/// Behind a proxy `http://` is never advised: the proxy, or the portal that answered for it, would get the keys.
fn plain_http(server: Server, way: Way) -> Words {
    match way {
        Way::Direct if server == Server::ControlCenter => Words::new(
            "该端口不是HTTPS,请检查host中的协议和端口",
            "the server does not speak TLS on this port but plain HTTP: perhaps the port is another, or `host` should begin with `http://`, which sends keys and tokens unencrypted",
        ),
        Way::Direct => another_service("HTTP", server),
        Way::ThroughProxy => Words::new(
            "经代理收到的不是TLS,请检查代理设置和端口",
            "what came through the proxy is a page in plain HTTP, not TLS: the proxy or a sign-in portal has answered in the server's place, or the server does not speak TLS on this port; check the proxy and the port",
        ),
    }
}

fn another_service(service: &str, server: Server) -> Words {
    if server == Server::Redis && service == "Redis" {
        return Words::new(
            "该Redis端口没有启用TLS,请改用redis://或其TLS端口",
            "the Redis server does not speak TLS on this port: give its TLS port, or write `redis://`, which is unencrypted",
        );
    }
    Words::new(
        format!("该端口是{service}服务,请检查端口"),
        format!("{} does not speak TLS on this port: {service} answers there; is the port another?", server.name()),
    )
}

fn no_tls(server: Server, failure: Option<&HandshakeFailure>) -> Words {
    let first = failure.map_or(&[][..], |failure| &failure.first);
    let bytes: Vec<_> = first.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    Words::new(
        "该端口不是TLS服务,请检查端口",
        format!(
            "{} does not speak TLS on this port: what it sent, beginning with the bytes {}, is no TLS; is the port another?",
            server.name(),
            bytes.join(" ")
        ),
    )
}

fn tlcp(server: Server) -> Words {
    Words::new(
        "服务器使用国密TLCP协议,请改用标准TLS 1.2的端口或网关",
        format!(
            "{} speaks the Chinese TLCP (国密, GB/T 38636), not TLS: have standard TLS 1.2 or 1.3 enabled beside it, or call through a gateway or a port that speaks it",
            server.name()
        ),
    )
}

fn second_handshake() -> Words {
    Words::new(
        "服务器要求重新协商TLS,通常是要求客户端证书,请让管理员取消该要求",
        "after the request the server asked for a second TLS handshake (renegotiation), which this library does not make: mostly a TLS 1.2 server (IIS, Tomcat) that wants a client certificate for this path; its owner must let calls to the API in without one",
    )
}

fn by_rustls(
    error: &rustls::Error,
    greeting: Option<Greeting>,
    failure: Option<&HandshakeFailure>,
    server: Server,
) -> Words {
    let by_address = failure.is_some_and(|failure| failure.by_address);
    let is_old = matches!(greeting, Some(Greeting::Tls(version)) if version != Version::Tls12OrLater);
    match error {
        rustls::Error::AlertReceived(AlertDescription::ProtocolVersion)
        | rustls::Error::PeerIncompatible(PeerIncompatible::ServerDoesNotSupportTls12Or13) => {
            old_version(greeting, server)
        }
        // A server of TLS 1.0 chooses that, and then finds none of its cipher suites.
        rustls::Error::AlertReceived(AlertDescription::HandshakeFailure) if is_old => old_version(greeting, server),
        rustls::Error::AlertReceived(AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity)
        | rustls::Error::PeerIncompatible(_)
        | rustls::Error::PeerMisbehaved(
            PeerMisbehaved::SelectedUnofferedCipherSuite | PeerMisbehaved::SelectedUnofferedKxGroup,
        ) => nothing_in_common(by_address, server),
        rustls::Error::AlertReceived(alert) => alert::in_words(*alert, by_address, server),
        rustls::Error::NoCertificatesPresented => Words::new(
            "服务器没有出示证书,请检查服务器的证书配置",
            format!("{} shows no certificate; mend its settings", server.name()),
        ),
        other => Words::new(
            "收到的TLS数据有误,请检查服务器和中间的网关、防火墙",
            format!(
                "what {} sent is not well-formed TLS ({other}): its software, or a gateway or firewall between, is at fault",
                server.name()
            ),
        ),
    }
}

fn old_version(greeting: Option<Greeting>, server: Server) -> Words {
    let name = server.name();
    let (zh, en) = match greeting {
        Some(Greeting::Tls(version)) if version != Version::Tls12OrLater => {
            (format!("服务器只支持{}", version.name()), format!("{name} speaks {} at most", version.name()))
        }
        _ => (
            "服务器不支持TLS 1.2".to_owned(),
            format!(
                "{name} says that it has no TLS version in common (alert protocol_version), as those with TLS 1.0, TLS 1.1 or the Chinese TLCP (国密) alone do"
            ),
        ),
    };
    Words::new(
        format!("{zh},请在服务器或网关上启用TLS 1.2"),
        format!("{en}: it must offer TLS 1.2 or 1.3; have it enabled there, or call through a gateway that has it"),
    )
}

fn nothing_in_common(by_address: bool, server: Server) -> Words {
    let mut detail = format!(
        "{} accepts no cipher suite, key exchange or kind of certificate that this library offers: TLS 1.3, or TLS 1.2 with ECDHE (X25519, P-256, P-384) and AES-GCM or ChaCha20-Poly1305. \
         This is usual with old servers that offer CBC suites, RSA key exchange or DHE alone: enable TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 there (TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 for an ECDSA certificate), or call through a gateway that has it",
        server.name()
    );
    if by_address {
        detail.push_str(
            "; a server that chooses its certificate by name may refuse calls by its IP address in this way, too",
        );
    }
    if server == Server::Redis {
        detail.push_str("; or it wants a client certificate, which `tls-auth-clients no` in its settings switches off");
    }
    Words::new("服务器没有可用的加密套件,请在服务器上启用ECDHE加AES-GCM", detail)
}

/// The connection ended, or could not be used, and nobody said why.
fn broken(failure: Option<&HandshakeFailure>, error: &io::Error, server: Server) -> Words {
    let how = match error.kind() {
        ErrorKind::UnexpectedEof => "closed",
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => "reset",
        _ => return Words::new("TLS握手失败", system::in_english(error)),
    };
    if failure.is_some_and(|failure| !failure.first.is_empty()) {
        return Words::new(
            "TLS握手中途连接被断开,请查看服务器或网关的日志",
            format!(
                "the connection was {how} in the midst of it; the log of {}, or of a gateway between, may say why",
                server.name()
            ),
        );
    }
    Words::new(
        "TLS握手时连接被断开,请检查端口、防火墙和服务器的TLS设置",
        format!(
            "the connection was {how} upon the first message, and {} said nothing: is the port right? A firewall or gateway that filters by address or name does so, too, \
             and so do old servers without a cipher suite in common (ECDHE with AES-GCM is wanted) and those that speak the Chinese TLCP (国密) alone",
            server.name()
        ),
    )
}

#[cfg(all(test, feature = "redis"))]
mod tests {
    use super::*;

    #[test]
    fn a_redis_server_is_told_in_its_own_terms() {
        let failed = |alert, first: &[u8]| {
            let error = io::Error::new(ErrorKind::InvalidData, rustls::Error::AlertReceived(alert));
            let failure = HandshakeFailure { error, first: first.to_vec(), by_address: true };
            of_redis(&io::Error::new(ErrorKind::InvalidData, failure)).unwrap()
        };
        let tls: &[u8] = b"\x15\x03\x03\0\x02\x02\x28";
        for (alert, first, part) in [
            (AlertDescription::UnrecognisedName, tls, "in `token_store.redis`"),
            (AlertDescription::CertificateRequired, tls, "`tls-auth-clients no`"),
            (AlertDescription::HandshakeFailure, tls, "`tls-auth-clients no`"),
            (AlertDescription::ProtocolVersion, tls, "it must offer TLS 1.2"),
            (AlertDescription::DecodeError, b"-ERR", "or write `redis://`"),
            (AlertDescription::DecodeError, b"HTTP/1.1 400", "HTTP answers there"),
        ] {
            let (cause, detail) = failed(alert, first);
            assert!(detail.contains("the Redis server") && detail.contains(part), "{alert:?}: {detail}");
            assert!(!detail.contains("`host`") && !detail.contains("pin"), "{alert:?}: {detail}");
            assert!(!cause.contains("host中") && !cause.contains("pin"), "{alert:?}: {cause}");
        }
        assert_eq!(of_redis(&io::Error::from(ErrorKind::ConnectionReset)), None);
    }
}
