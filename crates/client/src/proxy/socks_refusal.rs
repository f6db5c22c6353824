//! How a SOCKS proxy says no, and what is told of it.

use super::in_use::ProxyInUse;
use crate::error::{Error, Kind};

/// The number by which its rules forbid it (RFC 1928, 6).
const NOT_ALLOWED: u8 = 2;

/// How a SOCKS proxy says no (RFC 1928, RFC 1929).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SocksRefusal {
    /// It is no SOCKS5 proxy; whether what it says looks like HTTP.
    Unspoken {
        http: bool,
    },
    WantsPassword,
    /// It knows neither "no sign-in" nor "user name and password".
    WantsAnotherWay,
    WrongPassword,
    CredentialsTooLong,
    NameTooLong,
    /// It refuses the connection, by this number.
    Refused(u8),
    /// Its answer names an address of a kind that there is not.
    OddAddress,
}

impl SocksRefusal {
    /// The error that tells it.
    pub(super) fn explain(self, proxy: &ProxyInUse, target: &str) -> Error {
        let (zh, en) = (proxy.zh(), proxy.en());
        let (cause, detail) = match self {
            SocksRefusal::Unspoken { http: true } => (
                format!("{zh}不是SOCKS5代理,而像HTTP代理,请检查代理地址的开头"),
                format!("{en} cannot be used: it does not speak SOCKS5, but answers as an HTTP proxy does"),
            ),
            SocksRefusal::Unspoken { http: false } => (
                format!("{zh}不是SOCKS5代理,请检查代理地址和端口"),
                format!("{en} cannot be used: it does not speak SOCKS5"),
            ),
            SocksRefusal::WantsPassword => (
                format!("{zh}要求用户名和密码,请写成socks5://用户名:密码@主机:端口"),
                format!(
                    "{en} cannot be used: it wants a user name and a password: write `socks5://user:password@host:port`"
                ),
            ),
            SocksRefusal::WantsAnotherWay => (
                format!("{zh}要求的登录方式不是用户名和密码,本库不支持,请联系代理管理员"),
                format!("{en} cannot be used: it wants another way to sign in than a user name and a password"),
            ),
            SocksRefusal::WrongPassword => (
                format!("{zh}拒绝了所给的用户名或密码,请核对"),
                format!(
                    "{en} refused these credentials: it refuses the user name or the password; this is not tried again, so that no account is locked"
                ),
            ),
            SocksRefusal::CredentialsTooLong => (
                format!("{zh}的用户名或密码过长(SOCKS5最多255字节)"),
                format!("{en} cannot be used: SOCKS5 takes a user name and a password of at most 255 bytes"),
            ),
            SocksRefusal::NameTooLong => (
                format!("经{zh}访问的域名过长(SOCKS5最多255字节)"),
                format!("{en} cannot be used: SOCKS5 takes a name of at most 255 bytes"),
            ),
            SocksRefusal::Refused(NOT_ALLOWED) => (
                format!("{zh}不允许访问{target},请联系代理管理员放行"),
                format!("{en} refuses to lead on to {target}: it is not allowed by its rules"),
            ),
            SocksRefusal::Refused(number) => (
                format!("{zh}连不上{target},请检查该地址,或联系代理管理员"),
                format!("{en} does not lead on to {target}: it refuses the connection: {}", reason(number)),
            ),
            SocksRefusal::OddAddress => (
                format!("{zh}的响应不符合SOCKS5,请联系代理管理员"),
                format!("{en} cannot be used: it names an address of a kind that SOCKS5 does not have"),
            ),
        };
        Error { is_final: self.is_final(), ..Error::new(Kind::Proxy, cause, detail) }
    }

    /// Another attempt would end alike, and may lock an account.
    fn is_final(self) -> bool {
        match self {
            SocksRefusal::WantsPassword
            | SocksRefusal::WantsAnotherWay
            | SocksRefusal::WrongPassword
            | SocksRefusal::CredentialsTooLong
            | SocksRefusal::NameTooLong
            | SocksRefusal::Refused(NOT_ALLOWED) => true,
            SocksRefusal::Unspoken { .. } | SocksRefusal::Refused(_) | SocksRefusal::OddAddress => false,
        }
    }
}

/// The words of RFC 1928 for a refusal.
fn reason(number: u8) -> &'static str {
    match number {
        1 => "general failure",
        3 => "network unreachable",
        4 => "host unreachable",
        5 => "connection refused",
        6 => "the way is too long",
        7 | 8 => "it cannot do this",
        _ => "for a reason of its own",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::in_use::Source;
    use crate::request::ProxyServer;

    #[test]
    fn each_refusal_of_a_socks_proxy_names_it() {
        let server = ProxyServer::parse("socks5://robot:hunter2@10.0.0.1:8080").unwrap();
        let proxy = ProxyInUse { server, source: Source::Field };
        for (refusal, detail, is_final) in [
            (SocksRefusal::Unspoken { http: false }, "it does not speak SOCKS5", false),
            (SocksRefusal::Unspoken { http: true }, "as an HTTP proxy does", false),
            (SocksRefusal::WantsPassword, "socks5://user:password@host:port", true),
            (SocksRefusal::WantsAnotherWay, "another way to sign in", true),
            (SocksRefusal::WrongPassword, "refused these credentials", true),
            (SocksRefusal::CredentialsTooLong, "255 bytes", true),
            (SocksRefusal::NameTooLong, "255 bytes", true),
            (SocksRefusal::Refused(2), "not allowed by its rules", true),
            (SocksRefusal::Refused(5), "connection refused", false),
            (SocksRefusal::Refused(99), "for a reason of its own", false),
            (SocksRefusal::OddAddress, "an address of a kind", false),
        ] {
            let error = refusal.explain(&proxy, "rpa.example:443");
            for text in [&error.cause, &error.detail] {
                assert!(text.contains("socks5://10.0.0.1:8080") && !text.contains("hunter2"), "{text}");
            }
            assert!(error.detail.contains(detail), "{refusal:?}: {}", error.detail);
            assert_eq!((error.kind, error.is_final), (Kind::Proxy, is_final), "{refusal:?}");
        }
    }
}
