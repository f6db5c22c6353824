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

/// Why a text is no proxy's address. Both texts go on after the name of the setting, and quote a single character at most.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotAProxy {
    pub(crate) cause: String,
    pub(crate) detail: String,
}

impl ProxyServer {
    /// Reads `[scheme://][user:password@]host[:port][/]`.
    pub(crate) fn parse(url: &str) -> Result<ProxyServer, NotAProxy> {
        ProxyServer::read(url.trim()).ok_or_else(|| reason(url))
    }

    fn read(url: &str) -> Option<ProxyServer> {
        let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
        let (socks, default_port) = match scheme.to_ascii_lowercase().as_str() {
            "http" => (false, 80),
            "socks5" | "socks5h" | "socks" => (true, 1080),
            _ => return None,
        };
        let Endpoint { host, port, credentials, path } = Endpoint::parse(rest)?;
        path.is_empty().then_some(ProxyServer { socks, host, port: port.unwrap_or(default_port), credentials })
    }

    /// Scheme, host and port, for people. Nothing of the user name and the password.
    pub(crate) fn shown(&self) -> String {
        format!("{}://{}:{}", if self.socks { "socks5" } else { "http" }, self.host, self.port)
    }

    /// The value of `Proxy-Authorization`.
    pub(crate) fn authorization(&self) -> Option<Secret> {
        let (user, password) = self.credentials.as_ref()?;
        let pair = Secret::new(format!("{}:{}", user.expose(), password.expose()));
        Some(Secret::new(format!("Basic {}", BASE64_STANDARD.encode(pair.expose()))))
    }
}

impl NotAProxy {
    fn new(cause: impl Into<String>, detail: impl Into<String>) -> NotAProxy {
        NotAProxy { cause: cause.into(), detail: detail.into() }
    }
}

/// Why an address could not be read: the first reason that applies, from left to right.
fn reason(url: &str) -> NotAProxy {
    let scheme = url.trim_start().split_once("://").map_or("http", |(scheme, _)| scheme);
    if let Some(odd) = odd_character(url) {
        return odd;
    }
    match scheme.to_ascii_lowercase().as_str() {
        "http" | "socks5" | "socks5h" | "socks" => {}
        "https" => {
            return NotAProxy::new(
                "写的是https代理,本库不支持,请把代理地址开头改为http://(访问https地址不受影响)",
                "names a proxy that is itself reached by TLS (`https://`), which is not supported; mostly `http://host:port` is meant, and calls to https go through that as well",
            );
        }
        _ => {
            return NotAProxy::new(
                "的协议不支持,请写http://主机:端口或socks5://主机:端口",
                "begins with a scheme that is not supported: write `http://[user:password@]host:port` or `socks5://...`",
            );
        }
    }
    let rest = url.trim().split_once("://").map_or(url.trim(), |(_, rest)| rest);
    let server = rest.rsplit_once('@').map_or(rest, |(_, server)| server);
    let (host_port, path) = server.split_once('/').unwrap_or((server, ""));
    if !path.trim_matches('/').is_empty() || host_port.contains(['?', '#']) {
        return NotAProxy::new(
            "不能含有路径,请写到端口为止(自动配置脚本PAC的地址不能用,请写脚本给出的代理)",
            "must end after the port, without a path or a query; if it is the address of a script for automatic configuration (PAC), write the proxy that the script names",
        );
    }
    let port = host_port.rsplit_once(':').filter(|(host, _)| !host.contains(':') || host.ends_with(']'));
    if let Some((host, port)) = port
        && !host.is_empty()
        && !port.parse().is_ok_and(|port: u16| port > 0)
    {
        return NotAProxy::new(
            "的端口必须是1到65535的整数",
            "has a port that is not a whole number from 1 to 65535: write `http://[user:password@]host:port`",
        );
    }
    if Endpoint::parse(host_port).is_some() {
        return NotAProxy::new(
            "的用户名或密码含有错误的%转义,请把%写成%25",
            "has a user name or a password with an escape that makes no UTF-8: write a percent sign as `%25`",
        );
    }
    NotAProxy::new(
        "不是有效的代理地址,请写http://主机:端口或socks5://主机:端口",
        "is not a proxy's address: write `http://[user:password@]host:port` or `socks5://...`",
    )
}

/// The first character of scheme, host and port that no address holds. User name and password may hold any.
fn odd_character(url: &str) -> Option<NotAProxy> {
    let scheme = url.find("://");
    let credentials = match (scheme, url.rfind('@')) {
        (Some(scheme), Some(at)) => scheme..at,
        (None, Some(at)) => 0..at,
        (_, None) => 0..0,
    };
    let server = credentials.end.max(scheme.map_or(0, |scheme| scheme + "://".len()));
    let path = url[server..].find(['/', '?', '#']).map_or(url.len(), |path| server + path);
    let (blanks, end) = (url.len() - url.trim_start().len(), url.trim_end().len().min(path));
    let is_usual = |c: char| c.is_ascii_alphanumeric() || ".-_~:/[]@%".contains(c);
    let mut characters = url.char_indices().enumerate();
    let (number, (_, odd)) = characters.find(|(_, (at, c))| {
        let counts = (blanks..end).contains(at) && !credentials.contains(at);
        counts && !is_usual(*c)
    })?;
    let (place, code) = (number + 1, u32::from(odd));
    Some(match odd {
        c if c.is_whitespace() => NotAProxy::new(
            format!("含有空格(第{place}个字符),请删去"),
            format!("holds a blank (U+{code:04X}) at character {place}: take it out"),
        ),
        '\u{ff01}'..='\u{ff5e}' | '\u{3001}' | '\u{3002}' => NotAProxy::new(
            format!("含有全角字符“{odd}”(第{place}个字符),请改用半角"),
            format!("holds the full-width character `{odd}` (U+{code:04X}) at character {place}: write its ASCII form"),
        ),
        c if is_invisible(c) => NotAProxy::new(
            format!("含有看不见的字符U+{code:04X}(第{place}个字符),请删去"),
            format!("holds the invisible character U+{code:04X} at character {place}: take it out"),
        ),
        c if c.is_alphabetic() => NotAProxy::new(
            format!("的主机名含有非ASCII字符“{odd}”(第{place}个字符),请写IP地址或xn--形式的域名"),
            format!(
                "holds a name that is not ASCII (`{odd}` at character {place}): write its IP address or its `xn--` form"
            ),
        ),
        _ => NotAProxy::new(
            format!("含有地址中不能有的字符“{odd}”(第{place}个字符)"),
            format!(
                "holds `{odd}` (U+{code:04X}) at character {place}, which no address may: write `http://[user:password@]host:port` or `socks5://...`"
            ),
        ),
    })
}

fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers() {
        let parse = |url: &str| {
            let server = ProxyServer::parse(url).ok()?;
            let credentials =
                server.credentials.map(|(user, password)| format!("{}|{}", user.expose(), password.expose()));
            Some((server.socks, server.host, server.port, credentials))
        };
        assert_eq!(parse("http://p:3128"), Some((false, "p".into(), 3128, None)));
        assert_eq!(parse("10.0.0.1:8080"), Some((false, "10.0.0.1".into(), 8080, None)));
        assert_eq!(parse(" http://p:1\n"), Some((false, "p".into(), 1, None)));
        assert_eq!(parse("http://u%40d:p@ss/w%3A@p:1/"), Some((false, "p".into(), 1, Some("u@d|p@ss/w:".into()))));
        assert_eq!(
            parse("http://部门\\张三:口令：１@p:1"),
            Some((false, "p".into(), 1, Some("部门\\张三|口令：１".into())))
        );
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

    #[test]
    fn what_is_shown_holds_no_user_name_and_no_password() {
        for (url, shown) in [
            ("http://robot:hunter2@10.0.0.1:8080", "http://10.0.0.1:8080"),
            ("socks5h://robot@[::1]", "socks5://[::1]:1080"),
            ("proxy.corp.example", "http://proxy.corp.example:80"),
        ] {
            assert_eq!(ProxyServer::parse(url).unwrap().shown(), shown);
        }
    }

    #[test]
    fn each_kind_of_mistake_is_told_by_name_and_place() {
        for (url, cause, detail) in [
            ("https://p:8080", "https代理", "itself reached by TLS"),
            ("HTTPS://u:hunter2@p:8080", "https代理", "itself reached by TLS"),
            ("ftp://p:21", "协议不支持", "scheme"),
            ("socks4://p:1080", "协议不支持", "scheme"),
            ("http://p:8080/proxy.pac", "PAC", "(PAC)"),
            ("http://u:hunter2@p:8080/x", "不能含有路径", "without a path"),
            ("http://p:8080?a=b", "不能含有路径", "a query"),
            ("http://p:0", "端口", "1 to 65535"),
            ("http://p:99999", "端口", "1 to 65535"),
            ("http://p:80x", "端口", "1 to 65535"),
            ("http://[::1]:x", "端口", "1 to 65535"),
            ("http://u:hunter2@p:", "端口", "1 to 65535"),
            ("http://10.0.0.1：8080", "全角字符“：”(第16个字符)", "U+FF1A"),
            ("http：//10.0.0.1:8080", "全角字符“：”(第5个字符)", "at character 5"),
            ("http://１０.0.0.1:8080", "全角字符“１”(第8个字符)", "U+FF11"),
            ("http://10。0.0.1:8080", "全角字符“。”", "U+3002"),
            ("http://u:hunter2＠p:8080", "全角字符“＠”(第17个字符)", "U+FF20"),
            (" http://10.0.0.1 :8080", "空格(第17个字符)", "a blank (U+0020) at character 17"),
            ("http://10.0.0.1\u{a0}:8080", "空格", "U+00A0"),
            ("http://10.0.0.1\u{3000}:8080", "空格", "U+3000"),
            ("http://\u{200b}10.0.0.1:8080", "看不见的字符U+200B(第8个字符)", "invisible character U+200B"),
            ("\u{feff}http://10.0.0.1:8080", "看不见的字符U+FEFF(第1个字符)", "invisible"),
            ("http://10.0.0\n.1:8080", "空格", "U+000A"),
            ("http://10.0.0\0.1:8080", "看不见的字符U+0000", "invisible"),
            ("“http://10.0.0.1:8080”", "字符““”(第1个字符)", "U+201C"),
            ("http:\\\\10.0.0.1:8080", "“\\”", "U+005C"),
            ("http://代理.example:8080", "非ASCII字符“代”", "`xn--`"),
            ("http://u:%ff@p:1", "%转义", "`%25`"),
            ("http://", "不是有效的代理地址", "is not a proxy's address"),
            ("http://:8080", "不是有效的代理地址", "is not a proxy's address"),
            ("", "不是有效的代理地址", "is not a proxy's address"),
            ("http://[::1", "不是有效的代理地址", "is not a proxy's address"),
        ] {
            let told = ProxyServer::parse(url).map(|server| server.shown()).expect_err(url);
            assert!(told.cause.contains(cause) && told.detail.contains(detail), "{url}: {told:?}");
            assert!(!format!("{told:?}").contains("hunter2"), "{told:?}");
        }
    }
}
