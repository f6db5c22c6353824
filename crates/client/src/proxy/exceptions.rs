//! Which hosts go without a proxy: lists such as `NO_PROXY`.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::request::without_brackets;

/// Whether a list such as `NO_PROXY` names the host: by `*`, by name or suffix of names, by IP address or CIDR range, each
/// with or without a port.
pub(crate) fn is_excepted(host: &str, port: u16, list: &str) -> bool {
    let host = without_brackets(host).trim_end_matches('.').to_ascii_lowercase();
    let address: Option<IpAddr> = host.parse().ok();
    list.split([',', ';', ' ']).map(str::trim).filter(|entry| !entry.is_empty()).any(|entry| {
        let entry = entry.to_ascii_lowercase();
        let (entry, of_port) = without_port(&entry);
        if of_port.is_some_and(|of_port| of_port != port) {
            return false;
        }
        let bare = without_brackets(entry);
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

/// An entry that looks as if it named the host, and does not: written as a URL, with another port, as the address that the
/// name has, or between full-width commas.
pub(crate) fn meant(host: &str, port: u16, list: &str, addresses: &[IpAddr]) -> Option<String> {
    if is_excepted(host, port, list) {
        return None;
    }
    let host = without_brackets(host).to_ascii_lowercase();
    let mut entries =
        list.split([',', ';', ' ', '，', '；', '、', '|']).map(str::trim).filter(|entry| !entry.is_empty());
    let found = entries.find(|entry| {
        let bare = entry.split_once("://").map_or(*entry, |(_, rest)| rest);
        let bare = bare.split('/').next().unwrap_or(bare);
        let core = without_port(bare).0.trim_matches(['*', '.']).to_ascii_lowercase();
        let by_name = core.len() > 2
            && (host == core || host.ends_with(&format!(".{core}")) || host.starts_with(&format!("{core}.")));
        by_name || addresses.iter().any(|address| is_excepted(&address.to_string(), port, entry))
    });
    found.map(str::to_owned)
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
    fn hosts_that_go_without() {
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
