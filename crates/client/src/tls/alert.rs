//! The alerts by which a server ends a handshake.

use rustls::AlertDescription;

use super::server::Server;
use super::words::Words;

/// What an alert means, and whose turn it is. `by_address`: the server was called by its IP address.
pub(super) fn in_words(alert: AlertDescription, by_address: bool, server: Server) -> Words {
    let name = server.name();
    match alert {
        AlertDescription::UnrecognisedName => {
            let field = server.address_field();
            let why = if by_address {
                format!(
                    "it was called by its IP address, and then no name is sent: give the server's own name in `{field}`"
                )
            } else {
                format!("give the name that it is set up for in `{field}`, or have this one added there")
            };
            Words::new(
                format!("服务器不认识所用的主机名,请在{field}中填写服务器的域名"),
                format!("{name} does not know the name that it was called by (alert unrecognized_name): {why}"),
            )
        }
        AlertDescription::CertificateRequired => Words::new(
            "服务器要求客户端证书,请让管理员取消该要求",
            match server {
                Server::ControlCenter => {
                    format!(
                        "{name} wants a client certificate, which this library does not have: its owner must let calls in without one"
                    )
                }
                Server::Redis => {
                    format!(
                        "{name} wants a client certificate, which this library does not have: set `tls-auth-clients no` there"
                    )
                }
            },
        ),
        AlertDescription::AccessDenied => Words::new(
            "服务器拒绝本机访问,请联系服务器管理员",
            format!("{name} does not let this machine in (alert access_denied)"),
        ),
        AlertDescription::InternalError => Words::new(
            "服务器的TLS出错,请查看服务器日志",
            format!("{name} failed by itself (alert internal_error): its log says why"),
        ),
        other => Words::new(
            "服务器中止了TLS握手,请查看服务器日志",
            format!("{name} ended it with the alert {} ({})", u8::from(other), in_snake_case(&format!("{other:?}"))),
        ),
    }
}

/// An alert's name as RFC 8446 writes it.
fn in_snake_case(name: &str) -> String {
    let mut snake = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}
