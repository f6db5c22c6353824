//! The control center's address: `host` and `port`.

use ::http::uri::Authority;
use percent_encoding::{AsciiSet, CONTROLS, percent_encode_byte, utf8_percent_encode};

use super::fields::Fields;
use crate::error::Error;

/// What a path must not hold as it is (RFC 3986, `pchar` and `/`), but for `%`, which may begin an escape.
const NOT_IN_PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}')
    .add(b'?')
    .add(b'#');

/// As long as a name may be in DNS.
const LONGEST_NAME: usize = 253;

/// Where the control center is: `{scheme}://{host}[:{port}]{prefix}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) https: bool,
    /// `host[:port]`, as a `Host` header has it: without the port that the scheme implies.
    pub(crate) authority: Authority,
    pub(crate) port: u16,
    /// What comes before each API path; empty, or begins with `/` and does not end with it.
    prefix: String,
}

impl Address {
    pub(super) fn read(fields: &Fields<'_>) -> Result<Address, Error> {
        let host = fields.required_text("host")?;
        let port = port(fields)?;
        let wrong = |cause: &str, detail: &str| fields.refuse("host", cause, detail);
        if host.bytes().any(|byte| matches!(byte, b'?' | b'#')) {
            return Err(wrong("不能含有?或#", "must not hold a query or a fragment: end it before `?` and `#`"));
        }
        if !host.split('/').nth(2).unwrap_or(&host).is_ascii() {
            return Err(wrong("的域名必须为ASCII", "holds a name that is not ASCII: write it in its `xn--` form"));
        }
        let (scheme, rest) = host.split_once("://").unwrap_or(("", &host));
        let https = scheme.eq_ignore_ascii_case("https");
        if !https && !scheme.eq_ignore_ascii_case("http") {
            return Err(wrong("必须以https://或http://开头", "must begin with `https://` or `http://`"));
        }
        let (authority, prefix) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err(wrong("不能含有用户名", "must not hold a user name or a password"));
        }
        // Parsed without the prefix: http's parser takes no Chinese one.
        let invalid =
            || wrong("不是有效的地址", "is not a valid address: write `https://name-or-ip`, and a port if need be");
        let parsed: Authority = authority.parse().map_err(|_| invalid())?;
        let name = Some(parsed.host()).filter(|name| (1..=LONGEST_NAME).contains(&name.len())).ok_or_else(invalid)?;
        let own_port = match authority.strip_prefix(name) {
            Some("") => None,
            // The parser lets a port out of range pass as none.
            Some(port) if port.starts_with(':') => {
                Some(parsed.port_u16().filter(|&port| port > 0).ok_or_else(invalid)?)
            }
            _ => return Err(invalid()),
        };
        let default = if https { 443 } else { 80 };
        let port = port.or(own_port).unwrap_or(default);
        let shown = if port == default { name.to_owned() } else { format!("{name}:{port}") };
        Ok(Address {
            https,
            authority: shown.try_into().map_err(|_| invalid())?,
            port,
            prefix: encode_path(prefix.trim_end_matches('/')),
        })
    }

    /// The URL of an API path, without a query.
    pub(crate) fn url(&self, path: &str) -> String {
        let scheme = if self.https { "https" } else { "http" };
        [scheme, "://", self.authority.as_str(), &self.prefix, &encode_path(path)].concat()
    }

    /// A name or an IP address; an IPv6 address in brackets.
    pub(crate) fn host(&self) -> &str {
        self.authority.host()
    }
}

/// A host as an IP address is read and as it is looked up: an IPv6 address without the brackets that a URL puts around it.
pub(crate) fn without_brackets(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

#[cfg(test)]
impl Address {
    /// What `host` says.
    pub(crate) fn of_test(host: &str) -> Address {
        Address::read(&Fields::of_request(&format!("{{\"host\":\"{host}\"}}")).unwrap()).unwrap()
    }
}

/// `port`: an integer, or its digits as text; null and "" are as good as nothing, since flows pass them.
fn port(fields: &Fields<'_>) -> Result<Option<u16>, Error> {
    let Some(raw) = fields.raw("port") else { return Ok(None) };
    let text: Option<String> = serde_json::from_str(raw.get()).ok();
    let digits = match (raw.get(), &text) {
        ("null", _) => return Ok(None),
        (_, Some(text)) => text.as_str(),
        (number, None) => number,
    };
    if digits.is_empty() {
        return Ok(None);
    }
    let all_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
    let port = digits.parse().ok().filter(|&port: &u16| all_digits && port > 0);
    port.map(Some).ok_or_else(|| {
        fields.refuse("port", "必须是1到65535的整数", "must be a whole number from 1 to 65535, or its digits as text")
    })
}

/// Percent-encodes what cannot stand in a path. Escapes that are there already stay, as in the reference.
fn encode_path(path: &str) -> String {
    let mut encoded = String::with_capacity(path.len());
    for (index, part) in path.split('%').enumerate() {
        if index > 0 {
            let escape = part.as_bytes().get(..2).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit));
            encoded.push_str(if escape { "%" } else { percent_encode_byte(b'%') });
        }
        encoded.extend(utf8_percent_encode(part, NOT_IN_PATH));
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Address, Error> {
        Address::read(&Fields::of_request(json).unwrap())
    }

    #[test]
    fn hosts_and_ports() {
        for (json, url) in [
            (r#"{"host":"https://10.0.0.5"}"#, "https://10.0.0.5/x"),
            (r#"{"host":"HTTPS://rpa.example:8443/"}"#, "https://rpa.example:8443/x"),
            (
                r#"{"host":"http://rpa.example/控制/a%20b%zz/","port":null}"#,
                "http://rpa.example/%E6%8E%A7%E5%88%B6/a%20b%25zz/x",
            ),
            (r#"{"host":"https://rpa.example:8443","port":"9443"}"#, "https://rpa.example:9443/x"),
            (r#"{"host":"https://rpa.example:8443","port":443}"#, "https://rpa.example/x"),
            (r#"{"host":"http://rpa.example","port":443}"#, "http://rpa.example:443/x"),
            (r#"{"host":"http://[::1]:80","port":""}"#, "http://[::1]/x"),
            (r#"{"host":"https://[::1]:8443"}"#, "https://[::1]:8443/x"),
        ] {
            assert_eq!(read(json).unwrap().url("/x"), url, "{json}");
        }
    }

    #[test]
    fn what_is_refused() {
        for host in [
            "",
            "rpa.example",
            "//rpa.example",
            "ftp://rpa.example",
            "https://",
            "https:///x",
            "https://a?b",
            "https://a#b",
            "https://u:p@a",
            "https://a b",
            "https://a:0",
            "https://a:65536",
            "https://a:",
            "https://a:x",
            "https://中文.example",
            "https://a\\nb",
            "https://[::1",
            "https://[::1]x:80",
            &format!("https://{}", "a".repeat(254)),
            "https://a\\u0000",
        ] {
            let error = read(&format!("{{\"host\":\"{host}\"}}")).expect_err(host);
            assert_eq!(error.field.as_deref(), Some("host"), "{host}");
            assert!(!error.detail.contains("u:p"), "{error:?}");
        }
        for port in ["0", "65536", "-1", "1.5", "\"x\"", "\"+80\"", "\" 80\"", "true", "[]", "{}", "1e2"] {
            let error = read(&format!("{{\"host\":\"https://a\",\"port\":{port}}}")).expect_err(port);
            assert_eq!(error.field.as_deref(), Some("port"), "{port}");
        }
    }
}
