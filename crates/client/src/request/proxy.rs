//! The address of a proxy: `[scheme://][user:password@]host[:port]`.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::endpoint::Endpoint;
use rpa_signing::Secret;

/// A proxy's address, taken apart.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ProxyServer {
    /// SOCKS5; else HTTP.
    pub(crate) socks: bool,
    /// An IPv6 address in brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// User name and password.
    pub(crate) credentials: Option<(Secret, Secret)>,
}

impl ProxyServer {
    /// What a proxy's address must be, for an error.
    pub(crate) const WANTED: &str =
        "is not a proxy's address: write `http://[user:password@]host:port` or `socks5://...`";

    /// Reads `[scheme://][user:password@]host[:port][/]`.
    pub(crate) fn parse(url: &str) -> Option<ProxyServer> {
        let (scheme, rest) = url.trim().split_once("://").unwrap_or(("http", url.trim()));
        let (socks, default_port) = match scheme.to_ascii_lowercase().as_str() {
            "http" => (false, 80),
            "socks5" | "socks5h" | "socks" => (true, 1080),
            _ => return None,
        };
        let Endpoint { host, port, credentials, path } = Endpoint::parse(rest)?;
        path.is_empty().then_some(())?;
        Some(ProxyServer { socks, host, port: port.unwrap_or(default_port), credentials })
    }

    /// The value of `Proxy-Authorization`.
    pub(crate) fn authorization(&self) -> Option<Secret> {
        let (user, password) = self.credentials.as_ref()?;
        let pair = Secret::new(format!("{}:{}", user.expose(), password.expose()));
        Some(Secret::new(format!("Basic {}", BASE64_STANDARD.encode(pair.expose()))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers() {
        let parse = |url: &str| {
            let server = ProxyServer::parse(url)?;
            let credentials =
                server.credentials.map(|(user, password)| format!("{}|{}", user.expose(), password.expose()));
            Some((server.socks, server.host, server.port, credentials))
        };
        assert_eq!(parse("http://p:3128"), Some((false, "p".into(), 3128, None)));
        assert_eq!(parse("10.0.0.1:8080"), Some((false, "10.0.0.1".into(), 8080, None)));
        assert_eq!(parse("http://u%40d:p@ss/w%3A@p:1/"), Some((false, "p".into(), 1, Some("u@d|p@ss/w:".into()))));
        assert_eq!(parse("SOCKS5://[::1]"), Some((true, "[::1]".into(), 1080, None)));
        for url in [
            "",
            "http://",
            "https://p:1",
            "ftp://p",
            "http://p:0",
            "http://p:x",
            "http://p/path",
            "http://p?q",
            "http://u:%ff@p",
        ] {
            assert_eq!(parse(url), None, "{url}");
        }
    }
}
