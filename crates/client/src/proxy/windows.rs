//! The proxy of Windows' own settings, which Internet Explorer and Edge follow.

use rpa_signing::Secret;

/// The proxy for an address; `None` where none is set or the address is excepted.
#[cfg(windows)]
pub(crate) fn find(address: &crate::request::Address) -> Option<Secret> {
    use winreg::{RegKey, enums::HKEY_CURRENT_USER};

    let path = r"Software\Microsoft\Windows\CurrentVersion\Internet Settings";
    let settings = RegKey::predef(HKEY_CURRENT_USER).open_subkey(path).ok()?;
    if settings.get_value::<u32, _>("ProxyEnable").ok()? == 0 {
        return None;
    }
    let exceptions: String = settings.get_value("ProxyOverride").unwrap_or_default();
    // `<local>` stands for all names without a point.
    let local = exceptions.contains("<local>") && !address.host().contains(['.', ':']);
    // Windows' own clients never take a proxy to the machine itself.
    let loopback = address.host() == "localhost" || address.host().starts_with("127.") || address.host() == "[::1]";
    if local || loopback || super::route::is_excepted(address.host(), address.port, &exceptions) {
        return None;
    }
    for_scheme(&settings.get_value::<String, _>("ProxyServer").ok()?, address.https)
}

/// Reads `host:port`, which is for all schemes, or a list such as `http=a:1;https=b:2;socks=c:3`.
fn for_scheme(servers: &str, https: bool) -> Option<Secret> {
    let servers = servers.trim();
    if !servers.contains('=') {
        return (!servers.is_empty()).then(|| Secret::new(servers.to_owned()));
    }
    let of = |scheme: &str| servers.split(';').find_map(|entry| entry.trim().strip_prefix(scheme)?.strip_prefix('='));
    let own = of(if https { "https" } else { "http" }).map(str::to_owned);
    own.or_else(|| of("socks").map(|server| format!("socks5://{server}"))).map(Secret::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_server_or_one_for_each_scheme() {
        let find = |servers: &str, https| for_scheme(servers, https).map(|found| found.expose().to_owned());
        assert_eq!(find("p:8080", true).as_deref(), Some("p:8080"));
        assert_eq!(find("http=a:1;https=b:2;socks=c:3", true).as_deref(), Some("b:2"));
        assert_eq!(find("http=a:1; https=b:2", false).as_deref(), Some("a:1"));
        assert_eq!(find("ftp=a:1;socks=c:3", true).as_deref(), Some("socks5://c:3"));
        assert_eq!(find("ftp=a:1", true), None);
        assert_eq!(find("", true), None);
    }
}
