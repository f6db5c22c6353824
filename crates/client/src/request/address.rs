//! The control center's address: `host` and `port`.

use std::borrow::Cow;
use std::net::Ipv6Addr;

use ::http::uri::Authority;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, percent_encode_byte, utf8_percent_encode};

use super::fields::{Fields, whole_number};
use super::{chinese_name, unseen};
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
    /// `host[:port]`, as a `Host` header has it: without the port that the scheme implies, and without a zone.
    pub(crate) authority: Authority,
    pub(crate) port: u16,
    /// The zone of an IPv6 address of this link alone: which of this machine's networks it is in. It says nothing to
    /// anybody else (RFC 6874), so it serves to connect, and stands in no header and no certificate's name.
    zone: Option<String>,
    /// What comes before each API path; empty, or begins with `/` and does not end with it.
    prefix: String,
}

impl Address {
    /// `usual`: the port where none is given, if it is not the scheme's.
    pub(super) fn read(fields: &Fields<'_>, usual: Option<u16>) -> Result<Address, Error> {
        let host = fields.required_text("host", unseen::in_key)?;
        let port = port(fields)?;
        let wrong = |cause: &str, detail: &str| fields.refuse("host", cause, detail);
        if host.bytes().any(|byte| matches!(byte, b'?' | b'#')) {
            return Err(wrong("不能含有?或#", "must not hold a query or a fragment: end it before `?` and `#`"));
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
        let (authority, zone) = without_zone(authority).map_err(|(cause, detail)| wrong(cause, detail))?;
        let authority = in_ascii(&authority).map_err(|(cause, detail)| wrong(&cause, &detail))?;
        if authority.contains('\\') {
            return Err(wrong("要用斜杠「/」,不能用反斜杠「\\」", "holds a backslash: an address has slashes"));
        }
        if !authority.starts_with('[') && authority.matches(':').count() > 1 {
            let detail = "holds more than one colon: write an IPv6 address in brackets, as in `https://[fe80::1]:8443`";
            return Err(wrong("有多个冒号;IPv6地址要写在方括号[]中", detail));
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
        let port = port.or(own_port).or(usual).unwrap_or(default);
        let shown = if port == default { name.to_owned() } else { format!("{name}:{port}") };
        Ok(Address {
            https,
            authority: shown.try_into().map_err(|_| invalid())?,
            port,
            zone,
            prefix: encode_path(prefix.trim_end_matches('/')),
        })
    }

    /// The URL of an API path, without a query.
    pub(crate) fn url(&self, path: &str) -> String {
        let scheme = if self.https { "https" } else { "http" };
        [scheme, "://", self.authority.as_str(), &self.prefix, &encode_path(path)].concat()
    }

    /// What comes before each API path.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The same without what comes before each API path.
    pub(crate) fn without_prefix(&self) -> Address {
        Address { prefix: String::new(), ..self.clone() }
    }

    /// A name or an IP address; an IPv6 address in brackets and without its zone.
    pub(crate) fn host(&self) -> &str {
        self.authority.host()
    }

    /// The zone of an IPv6 address: `eth0`, or a number on Windows.
    pub(crate) fn zone(&self) -> Option<&str> {
        self.zone.as_deref()
    }

    /// What to look up in order to connect: the host, an IPv6 address with a zone as the system's lookup wants it,
    /// `fe80::1%eth0`.
    pub(crate) fn lookup_name(&self) -> Cow<'_, str> {
        let bare = self.host().trim_start_matches('[').trim_end_matches(']');
        match &self.zone {
            None => Cow::Borrowed(bare),
            Some(zone) => Cow::Owned(format!("{bare}%{zone}")),
        }
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
        Address::read(&Fields::of_request(&format!("{{\"host\":\"{host}\"}}")).unwrap(), None).unwrap()
    }
}

/// An authority without the zone of its IPv6 address, and the zone. RFC 6874 writes `%25` before it; what `ip` and
/// `ipconfig` show has a `%` alone.
fn without_zone(authority: &str) -> Result<(String, Option<String>), (&'static str, &'static str)> {
    let inner = authority.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let Some((within, rest)) = inner else { return Ok((authority.to_owned(), None)) };
    let Some((address, written)) = within.split_once('%') else { return Ok((authority.to_owned(), None)) };
    let zone = written.strip_prefix("25").filter(|zone| !zone.is_empty()).unwrap_or(written);
    let zone = percent_decode_str(zone).decode_utf8_lossy();
    let well_formed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~');
    if zone.is_empty() || !zone.chars().all(well_formed) || address.parse::<Ipv6Addr>().is_err() {
        return Err((
            "中的IPv6区域标识无效,应写成[fe80::1%25eth0]",
            "holds a malformed zone of an IPv6 address: write `[fe80::1%25eth0]`, with the name or number of this machine's network",
        ));
    }
    Ok((format!("[{address}]{rest}"), Some(zone.into_owned())))
}

/// An authority whose Chinese name has become ASCII.
fn in_ascii(authority: &str) -> Result<String, (String, String)> {
    if let Some(stray) = unseen::in_word(authority) {
        return Err((format!("的域名{}", stray.cause()), format!("holds a name that {}", stray.detail())));
    }
    let (name, port) = authority.split_at(authority.find(':').unwrap_or(authority.len()));
    let Some(foreign) = authority.chars().find(|c| !c.is_ascii()) else { return Ok(authority.to_owned()) };
    let ascii = chinese_name::to_ascii(name).ok_or_else(|| {
        let code = u32::from(foreign);
        (
            format!("的域名含有「{foreign}」(U+{code:04X}),请改用xn--开头的写法或IP地址"),
            format!(
                "holds a name with `{foreign}` (U+{code:04X}): write the name in its `xn--` form, as browsers copy it and Python's `name.encode(\"idna\")` gives it, or the IP address"
            ),
        )
    })?;
    Ok(ascii + port)
}

/// `port`: an integer, or its digits as text; null and "" are as good as nothing, since flows pass them.
fn port(fields: &Fields<'_>) -> Result<Option<u16>, Error> {
    let Some(raw) = fields.raw("port") else { return Ok(None) };
    let text: Option<String> = serde_json::from_str(raw.get()).ok();
    let number = match (raw.get(), &text) {
        ("null", _) => return Ok(None),
        (_, Some(text)) if text.is_empty() => return Ok(None),
        (_, Some(text)) => {
            fields.without_stray("port", text, unseen::in_word)?;
            text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
        }
        (_, None) => whole_number(raw).and_then(|number| u16::try_from(number).ok()),
    };
    number.filter(|&port| port > 0).map(Some).ok_or_else(|| {
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
        Address::read(&Fields::of_request(json).unwrap(), None)
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
            (r#"{"host":"https://a","port":8443.0}"#, "https://a:8443/x"),
            (r#"{"host":"https://控制中心.公司.中国:8443"}"#, "https://xn--fiq21hn5o0xd.xn--55qx5d.xn--fiqs8s:8443/x"),
        ] {
            assert_eq!(read(json).unwrap().url("/x"), url, "{json}");
        }
    }

    /// RFC 6874; the second is what the systems' own programs show.
    #[test]
    fn the_zone_of_an_ipv6_address_serves_to_connect_and_stands_in_no_header() {
        for (host, zone) in [
            ("https://[fe80::1%25eth0]:8443/p", "eth0"),
            ("https://[fe80::1%eth0]:8443/p", "eth0"),
            ("https://[fe80::1%2512]:8443/p", "12"),
            ("https://[fe80::1%12]:8443/p", "12"),
            ("https://[fe80::1%25en%2D0]:8443/p", "en-0"),
            ("https://[fe80::1%25]:8443/p", "25"),
        ] {
            let address = Address::of_test(host);
            assert_eq!(address.lookup_name(), format!("fe80::1%{zone}"), "{host}");
            assert_eq!(address.authority, "[fe80::1]:8443", "{host}");
            assert_eq!((address.host(), &*address.url("/x")), ("[fe80::1]", "https://[fe80::1]:8443/p/x"));
        }
        assert_eq!(Address::of_test("https://[fe80::1]:8443").lookup_name(), "fe80::1");
    }

    #[test]
    fn what_cannot_be_seen_is_named() {
        for (json, cause) in [
            (r#"{"host":"https：//a"}"#, "字段host的第6个字符是全角冒号「：」(U+FF1A),请改成半角「:」"),
            (r#"{"host":"https://10.0。0.5"}"#, "字段host的第13个字符是中文句号「。」(U+3002),请改成半角「.」"),
            (r#"{"host":"https://a:８443"}"#, "字段host的第11个字符是全角数字「８」(U+FF18),请改成半角「8」"),
            (r#"{"host":" https://a"}"#, "字段host开头的第1个字符是空格(U+0020),请删去"),
            (r#"{"host":"https://a\ufeff"}"#, "字段host末尾的第10个字符是看不见的字节顺序标记(BOM)(U+FEFF),请删去"),
            (r#"{"host":"https://a b"}"#, "字段host的域名的第2个字符是空格(U+0020),请删去"),
            (r#"{"host":"https://bücher.example"}"#, "字段host的域名含有「ü」(U+00FC),请改用xn--开头的写法或IP地址"),
            (r#"{"host":"https://a","port":"８443"}"#, "字段port的第1个字符是全角数字「８」(U+FF18),请改成半角「8」"),
            (r#"{"host":"https://a","port":"443 "}"#, "字段port末尾的第4个字符是空格(U+0020),请删去"),
        ] {
            assert_eq!(read(json).unwrap_err().cause, cause, "{json}");
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
            "https://bücher.example",
            "https://a\\nb",
            "https://[fe80::1%25]x",
            "https://[fe80::1%]",
            "https://[fe80::1%25e/0]",
            "https://[a.example%25eth0]",
            "https://fe80::1",
            "https://fe80::1:8443",
            "https://[::1",
            "https://[::1]x:80",
            &format!("https://{}", "a".repeat(254)),
            "https://a\\u0000",
        ] {
            let error = read(&format!("{{\"host\":\"{host}\"}}")).expect_err(host);
            assert_eq!(error.field.as_deref(), Some("host"), "{host}");
            assert!(!error.detail.contains("u:p"), "{error:?}");
        }
        for port in ["0", "65536", "-1", "1.5", "\"x\"", "\"+80\"", "\" 80\"", "true", "[]", "{}", "1e5", "80.5"] {
            let error = read(&format!("{{\"host\":\"https://a\",\"port\":{port}}}")).expect_err(port);
            assert_eq!(error.field.as_deref(), Some("port"), "{port}");
        }
    }
}
