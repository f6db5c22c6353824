//! Which way a request takes: straight, or through a proxy.

use std::env;
use std::net::IpAddr;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ipnet::IpNet;
use percent_encoding::percent_decode_str;
use ureq::http::{HeaderValue, Uri};
use ureq::{Proxy as UreqProxy, ProxyProtocol};

use crate::error::Error;
use crate::request::{Address, Proxy};
use crate::secret::Secret;

/// The way of a request.
pub(super) enum Route {
    Direct,
    /// Plain HTTP: the proxy gets the request itself, in absolute form. Many proxies let CONNECT through to 443 alone.
    Forward {
        authority: String,
        authorization: Option<HeaderValue>,
    },
    /// A tunnel (CONNECT or SOCKS) to the control center.
    Tunnel(UreqProxy),
}

/// Chooses the way to an address.
pub(super) fn choose(setting: &Proxy, address: &Address) -> Result<Route, Error> {
    let (url, source) = match setting {
        Proxy::None => return Ok(Route::Direct),
        Proxy::Url(url) => (url.clone(), "`proxy`"),
        Proxy::System => match of_system(address) {
            None => return Ok(Route::Direct),
            Some((url, source)) => (url, source),
        },
    };
    let refuse = || {
        let detail =
            format!("{source} is not a proxy's address: write `http://[user:password@]host:port` or `socks5://...`");
        Error::argument("proxy", "代理地址无效", detail)
    };
    let parsed = Server::parse(url.expose()).ok_or_else(refuse)?;
    if parsed.protocol == ProxyProtocol::Http && !address.https {
        return Ok(Route::Forward {
            authorization: parsed.authorization(),
            authority: format!("{}:{}", parsed.host, parsed.port),
        });
    }
    let mut proxy = UreqProxy::builder(parsed.protocol).host(&parsed.host).port(parsed.port);
    // The proxy looks the name up, as for HTTP: it is the one that sees the network behind it.
    proxy = proxy.resolve_target(false);
    if let Some((user, password)) = &parsed.credentials {
        proxy = proxy.username(user.expose()).password(password.expose());
    }
    proxy.build().map(Route::Tunnel).map_err(|_| refuse())
}

pub(super) fn is_socks(proxy: &UreqProxy) -> bool {
    !matches!(proxy.protocol(), ProxyProtocol::Http | ProxyProtocol::Https)
}

/// A proxy's address, taken apart.
struct Server {
    protocol: ProxyProtocol,
    host: String,
    port: u16,
    credentials: Option<(Secret, Secret)>,
}

impl Server {
    /// Reads `[scheme://][user:password@]host[:port][/]`.
    fn parse(url: &str) -> Option<Server> {
        let (scheme, rest) = url.trim().split_once("://").unwrap_or(("http", url.trim()));
        let (protocol, default_port) = match scheme.to_ascii_lowercase().as_str() {
            "http" => (ProxyProtocol::Http, 80),
            "socks5" | "socks5h" | "socks" => (ProxyProtocol::Socks5, 1080),
            _ => return None,
        };
        // A password may hold `@` and `/`, a host neither.
        let (credentials, host_port) = rest.rsplit_once('@').map_or((None, rest), |(user, host)| (Some(user), host));
        let authority: Uri = format!("http://{}/", host_port.trim_end_matches('/')).parse().ok()?;
        let host = authority.host().filter(|host| !host.is_empty())?;
        let port = match authority.authority()?.as_str().strip_prefix(host)? {
            "" => default_port,
            _ => authority.port_u16().filter(|&port| port > 0)?,
        };
        if authority.path() != "/" || authority.query().is_some() {
            return None;
        }
        let decode =
            |text: &str| percent_decode_str(text).decode_utf8().ok().map(|text| Secret::new(text.into_owned()));
        let credentials = match credentials.map(|user| user.split_once(':').unwrap_or((user, ""))) {
            None => None,
            Some((user, password)) => Some((decode(user)?, decode(password)?)),
        };
        Some(Server { protocol, host: host.to_owned(), port, credentials })
    }

    fn authorization(&self) -> Option<HeaderValue> {
        let (user, password) = self.credentials.as_ref()?;
        let pair = Secret::new(format!("{}:{}", user.expose(), password.expose()));
        let encoded = Secret::new(format!("Basic {}", BASE64_STANDARD.encode(pair.expose())));
        let mut value = HeaderValue::from_str(encoded.expose()).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

/// The proxy of the environment, then of Windows, unless it says that this host goes without.
fn of_system(address: &Address) -> Option<(Secret, &'static str)> {
    let first = |names: &[&'static str]| {
        names
            .iter()
            .find_map(|&name| env::var(name).ok().filter(|value| !value.trim().is_empty()).map(|value| (value, name)))
    };
    // A web server hands a request's `Proxy` header to CGI programs as HTTP_PROXY.
    let cgi = env::var_os("REQUEST_METHOD").is_some();
    let for_scheme: &[&str] = match (address.https, cgi) {
        (true, _) => &["https_proxy", "HTTPS_PROXY"],
        (false, false) => &["http_proxy", "HTTP_PROXY"],
        (false, true) => &["http_proxy"],
    };
    let found = first(for_scheme).or_else(|| first(&["all_proxy", "ALL_PROXY"]));
    if let Some((url, name)) = found {
        let exceptions = first(&["no_proxy", "NO_PROXY"]).map(|(list, _)| list).unwrap_or_default();
        return (!is_excepted(&address.host, &exceptions)).then(|| (Secret::new(url), name));
    }
    #[cfg(windows)]
    if let Some(url) = super::windows_proxy::find(address) {
        return Some((url, "the proxy in Windows' settings"));
    }
    None
}

/// Whether a list such as `NO_PROXY` names the host: by `*`, by name or suffix of names, by IP address or CIDR range.
pub(super) fn is_excepted(host: &str, list: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
    let address: Option<IpAddr> = host.parse().ok();
    list.split([',', ';', ' ']).map(str::trim).filter(|entry| !entry.is_empty()).any(|entry| {
        let entry = entry.to_ascii_lowercase();
        let bare = entry.trim_start_matches('[').trim_end_matches(']');
        match (entry.split_once('*'), address) {
            (Some((before, after)), _) => host.strip_prefix(before).is_some_and(|rest| rest.ends_with(after)),
            (None, Some(address)) => {
                bare.parse() == Ok(address) || bare.parse::<IpNet>().is_ok_and(|range| range.contains(&address))
            }
            (None, None) => {
                let suffix = entry.trim_start_matches('.');
                host.strip_suffix(suffix).is_some_and(|before| before.is_empty() || before.ends_with('.'))
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exceptions() {
        for (host, list, expected) in [
            ("rpa.corp.example", "corp.example", true),
            ("rpa.corp.example", ".corp.example", true),
            ("rpa.corp.example", "*.corp.example", true),
            ("RPA.corp.example", "a, rpa.CORP.example", true),
            ("notcorp.example", "corp.example", false),
            ("corp.example", ".corp.example", true),
            ("10.1.2.3", "10.0.0.0/8", true),
            ("10.1.2.3", "10.1.2.3", true),
            ("11.1.2.3", "10.0.0.0/8,10.1.2.3", false),
            ("10.1.2.3", "*", true),
            ("10.1.2.3", "2.3", false),
            ("192.168.7.8", "192.168.*", true),
            ("192.169.7.8", "192.168.*", false),
            ("corp.example", "*.corp.example", false),
            ("[fd00::1]", "fd00::/8", true),
            ("[fd00::1]", "[fd00::1]", true),
            ("rpa", "", false),
            ("rpa", ",", false),
        ] {
            assert_eq!(is_excepted(host, list), expected, "{host} in {list}");
        }
    }

    #[test]
    fn servers() {
        let parse = |url: &str| {
            let server = Server::parse(url)?;
            let credentials =
                server.credentials.map(|(user, password)| format!("{}|{}", user.expose(), password.expose()));
            Some((server.protocol, server.host, server.port, credentials))
        };
        let http = ProxyProtocol::Http;
        assert_eq!(parse("http://p:3128"), Some((http, "p".into(), 3128, None)));
        assert_eq!(parse("10.0.0.1:8080"), Some((http, "10.0.0.1".into(), 8080, None)));
        assert_eq!(parse("http://u%40d:p@ss/w%3A@p:1/"), Some((http, "p".into(), 1, Some("u@d|p@ss/w:".into()))));
        assert_eq!(parse("SOCKS5://[::1]"), Some((ProxyProtocol::Socks5, "[::1]".into(), 1080, None)));
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
