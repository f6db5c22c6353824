//! Which way a request takes: straight, or through a proxy.

use std::env;
use std::net::IpAddr;

use ::http::HeaderValue;
use ipnet::IpNet;

use crate::error::Error;
use crate::request::{Address, Proxy, ProxyServer};
use rpa_signing::Secret;

/// The way of a request.
pub(crate) enum Route {
    Direct,
    /// Plain HTTP: the proxy gets the request itself, in absolute form. Many proxies let CONNECT through to 443 alone.
    Forward {
        server: ProxyServer,
        authorization: Option<HeaderValue>,
    },
    /// A tunnel (CONNECT or SOCKS) to the control center.
    Tunnel(ProxyServer),
}

/// Chooses the way to an address.
pub(crate) fn choose(setting: &Proxy, address: &Address) -> Result<Route, Error> {
    let Some(server) = server(setting, address)? else { return Ok(Route::Direct) };
    if server.socks || address.https {
        return Ok(Route::Tunnel(server));
    }
    let authorization = server.authorization().and_then(|value| {
        let mut value = HeaderValue::from_str(value.expose()).ok()?;
        value.set_sensitive(true);
        Some(value)
    });
    Ok(Route::Forward { server, authorization })
}

/// What a proxy's answer must not show: its password, also as the header has it.
pub(crate) fn proxy_secrets(setting: &Proxy, address: &Address) -> Vec<Secret> {
    let Ok(Some(server)) = server(setting, address) else { return Vec::new() };
    let header = server.authorization();
    server.credentials.map(|(_, password)| password).into_iter().chain(header).collect()
}

fn server(setting: &Proxy, address: &Address) -> Result<Option<ProxyServer>, Error> {
    match setting {
        Proxy::None => Ok(None),
        Proxy::Server(server) => Ok(Some(server.clone())),
        Proxy::System => match of_system(address) {
            None => Ok(None),
            Some((url, source)) => ProxyServer::parse(url.expose()).map(Some).ok_or_else(|| not_a_proxy(source)),
        },
    }
}

/// The environment's proxy is as good as a field of the request.
fn not_a_proxy(source: &str) -> Error {
    let detail = format!("{source} {}", ProxyServer::WANTED);
    Error::argument("proxy", "代理地址proxy无效", detail)
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
        return (!is_excepted(address.host(), address.port, &exceptions)).then(|| (Secret::new(url), name));
    }
    #[cfg(windows)]
    if let Some(url) = super::windows::find(address) {
        return Some((url, "the proxy in Windows' settings"));
    }
    None
}

/// Whether a list such as `NO_PROXY` names the host: by `*`, by name or suffix of names, by IP address or CIDR range, each
/// with or without a port.
pub(crate) fn is_excepted(host: &str, port: u16, list: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches([']', '.']).to_ascii_lowercase();
    let address: Option<IpAddr> = host.parse().ok();
    list.split([',', ';', ' ']).map(str::trim).filter(|entry| !entry.is_empty()).any(|entry| {
        let entry = entry.to_ascii_lowercase();
        let (entry, of_port) = without_port(&entry);
        if of_port.is_some_and(|of_port| of_port != port) {
            return false;
        }
        let bare = entry.trim_start_matches('[').trim_end_matches(']');
        match address {
            _ if entry.contains('*') => fits(&host, entry),
            Some(address) => {
                bare.parse() == Ok(address) || bare.parse::<IpNet>().is_ok_and(|range| range.contains(&address))
            }
            None => {
                let suffix = entry.trim_start_matches('.').trim_end_matches('.');
                host.strip_suffix(suffix).is_some_and(|before| before.is_empty() || before.ends_with('.'))
            }
        }
    })
}

/// `host:8443` is for that port alone. An IPv6 address without brackets has none.
fn without_port(entry: &str) -> (&str, Option<u16>) {
    match entry.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => match port.parse() {
            Ok(port) => (host, Some(port)),
            Err(_) => (entry, None),
        },
        _ => (entry, None),
    }
}

/// Whether a text fits a pattern in which `*` stands for anything.
fn fits(text: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.ends_with(last)
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
            ("192.168.7.8", "192.168.*.*", true),
            ("rpa.corp.example", "r*.c*.example", true),
            ("rpa.corp.example", "r*.d*.example", false),
            ("corp.example", "*.corp.example", false),
            ("[fd00::1]", "fd00::/8", true),
            ("[fd00::1]", "[fd00::1]", true),
            ("10.1.2.3", "10.1.2.3:8443", true),
            ("10.1.2.3", "10.1.2.3:443", false),
            ("rpa.corp.example", "corp.example:8443", true),
            ("rpa.corp.example", "corp.example:80", false),
            ("rpa.corp.example.", "corp.example", true),
            ("rpa.corp.example", "corp.example.", true),
            ("[fd00::1]", "[fd00::1]:8443", true),
            ("[fd00::1]", "[fd00::1]:443", false),
            ("[fd00::1]", "fd00::1", true),
            ("10.1.2.3", "10.0.0.0/8:8443", true),
            ("rpa", "", false),
            ("rpa", ",", false),
        ] {
            assert_eq!(is_excepted(host, 8443, list), expected, "{host} in {list}");
        }
    }
}
