//! The proxy of Windows' own settings, which Internet Explorer and Edge follow.

use super::exceptions::is_excepted;
use crate::request::Address;
use rpa_signing::Secret;

/// What Windows is set to, as far as it matters here.
#[derive(Default)]
pub(crate) struct Settings {
    /// The proxies, where they are switched on.
    servers: Option<String>,
    exceptions: String,
    /// The address of a script for automatic configuration (PAC). It is a program in JavaScript, and not run here.
    script: Option<String>,
}

impl Settings {
    /// Those of this user; nothing where they cannot be read.
    #[cfg(windows)]
    pub(crate) fn of_user() -> Settings {
        use winreg::{RegKey, enums::HKEY_CURRENT_USER};

        let path = r"Software\Microsoft\Windows\CurrentVersion\Internet Settings";
        let Ok(key) = RegKey::predef(HKEY_CURRENT_USER).open_subkey(path) else { return Settings::default() };
        let text = |name: &str| key.get_value::<String, _>(name).ok().filter(|text| !text.trim().is_empty());
        let is_on = key.get_value::<u32, _>("ProxyEnable").is_ok_and(|on| on != 0);
        Settings {
            servers: text("ProxyServer").filter(|_| is_on),
            exceptions: text("ProxyOverride").unwrap_or_default(),
            script: text("AutoConfigURL"),
        }
    }

    /// The proxy for an address; `None` where none is set or the address is excepted.
    pub(crate) fn proxy_for(&self, address: &Address) -> Option<Secret> {
        let exceptions = self.exceptions.to_ascii_lowercase();
        let host = address.host();
        // `<local>` stands for all names without a point.
        let local = exceptions.contains("<local>") && !host.contains(['.', ':']);
        // Windows' own clients never take a proxy to the machine itself.
        let loopback = host.eq_ignore_ascii_case("localhost") || host.starts_with("127.") || host == "[::1]";
        if local || loopback || is_excepted(host, address.port, &exceptions) {
            return None;
        }
        for_scheme(self.servers.as_deref()?, address.https)
    }

    /// The script that is set and not run, without what may be a secret: user name, password and query.
    pub(crate) fn ignored_script(&self) -> Option<String> {
        let url = self.script.as_deref()?.trim();
        let url = url.split(['?', '#']).next().unwrap_or(url);
        let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
        let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
        let shown = if scheme.is_empty() { rest.to_owned() } else { format!("{scheme}://{rest}") };
        Some(shown.chars().filter(|c| !c.is_control()).take(200).collect())
    }
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

    #[test]
    fn hosts_that_windows_leaves_out() {
        let settings = |exceptions: &str| Settings {
            servers: Some("p:8080".to_owned()),
            exceptions: exceptions.to_owned(),
            script: None,
        };
        for (host, exceptions, goes) in [
            ("https://rpa.corp.example", "", true),
            ("https://rpa", "", true),
            ("https://rpa", "10.*;<local>", false),
            ("https://rpa", "<LOCAL>", false),
            ("https://rpa.corp.example", "<local>", true),
            ("https://rpa.corp.example", "*.corp.example;<local>", false),
            ("https://10.1.2.3", "10.*", false),
            ("https://[fd00::1]", "<local>", true),
            ("https://localhost", "", false),
            ("https://127.0.0.1", "", false),
            ("https://[::1]", "", false),
        ] {
            let found = settings(exceptions).proxy_for(&Address::of_test(host));
            assert_eq!(found.is_some(), goes, "{host}, except {exceptions}");
        }
        assert!(Settings::default().proxy_for(&Address::of_test("https://rpa.example")).is_none());
    }

    #[test]
    fn a_script_is_named_without_what_may_be_secret() {
        let shown = |url: &str| Settings { script: Some(url.to_owned()), ..Settings::default() }.ignored_script();
        assert_eq!(shown("http://wpad.corp/proxy.pac").as_deref(), Some("http://wpad.corp/proxy.pac"));
        assert_eq!(shown("http://u:hunter2@wpad/proxy.pac?key=hunter2#a").as_deref(), Some("http://wpad/proxy.pac"));
        assert_eq!(shown("file://C:/Windows/proxy.pac").as_deref(), Some("file://C:/Windows/proxy.pac"));
        assert_eq!(Settings::default().ignored_script(), None);
    }
}
