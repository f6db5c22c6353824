//! A redirection is never followed: the headers carry the token. But it mostly tells what belongs into `host`.

use ::http::header::LOCATION;
use percent_encoding::percent_decode_str;

use super::redact::Redactor;
use crate::error::{Error, Kind};
use crate::http::{HttpRequest, Reply};

/// As long as a name may be in DNS, with a port.
const LONGEST_AUTHORITY: usize = 260;
const LONGEST_PREFIX: usize = 100;

/// The error over a redirection.
pub(super) fn explain(reply: &Reply, request: &HttpRequest<'_>, redactor: &Redactor) -> Option<Error> {
    let location = reply.header(LOCATION).filter(|_| matches!(reply.status.as_u16(), 301 | 302 | 303 | 307 | 308))?;
    let called = Called::of(request);
    let Said { target, remedy, remedy_zh } = match Target::of(&location, &called) {
        None => to_no_address(),
        Some(target) if redactor.is_shown_in(&target.of_the_server(&called)) => to_a_secret(),
        Some(target) => said(&target, &called),
    };
    let status = reply.status.as_u16();
    let detail = format!(
        "the server redirects with HTTP status {status} to {target}; redirects are not followed, since the headers carry the token: {remedy}"
    );
    Some(reply.error(Kind::Redirect, format!("服务器要求重定向,{remedy_zh}"), detail))
}

/// Where the request went.
struct Called<'r> {
    scheme: &'static str,
    /// Without the port that the scheme implies.
    authority: &'r str,
    port: u16,
    /// What stands in `host` behind the authority.
    prefix: String,
    /// The path of the API.
    api: String,
}

impl<'r> Called<'r> {
    fn of(request: &'r HttpRequest<'_>) -> Called<'r> {
        let path = |url: &str| {
            let behind = url.split_once("://").map_or(url, |(_, behind)| behind);
            let path = behind.find('/').and_then(|start| behind.get(start..)).unwrap_or("");
            decoded(path.split('?').next().unwrap_or(path))
        };
        let (prefix, whole) = (path(&request.address.url("")), path(request.url.expose()));
        let api = whole.strip_prefix(&prefix).unwrap_or(&whole).to_owned();
        let scheme = if request.address.https { "https" } else { "http" };
        Called { scheme, authority: request.address.authority.as_str(), port: request.address.port, prefix, api }
    }
}

/// Where a redirection leads.
struct Target {
    /// In lower case.
    scheme: String,
    /// Without a user, and without the port that the scheme implies.
    authority: String,
    port: Option<u16>,
    /// Without the query.
    path: String,
}

impl Target {
    /// `None` for what is no address. Read as browsers read it: blanks around it and in it do not count, and `\` is `/`.
    fn of(location: &str, called: &Called<'_>) -> Option<Target> {
        let location: String = location.chars().filter(|c| !c.is_control()).collect();
        let location = location.trim().split(['?', '#']).next()?.replace('\\', "/");
        let (scheme, behind) = match location.split_once(':').filter(|(scheme, _)| is_scheme(scheme)) {
            Some((scheme, behind)) => (scheme.to_ascii_lowercase(), behind),
            None => (called.scheme.to_owned(), location.as_str()),
        };
        let Some(behind) = behind.strip_prefix("//") else {
            let of_here = behind.len() == location.len() && !behind.is_empty();
            return of_here.then(|| Target::on_the_same_host(behind, called));
        };
        let (authority, path) = behind.split_at(behind.find('/').unwrap_or(behind.len()));
        let host_and_port = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let host_and_port: String = decoded(host_and_port).chars().filter(|c| !c.is_whitespace()).collect();
        let (host, port) = match host_and_port.rsplit_once(':').filter(|(_, port)| !port.contains(']')) {
            Some((host, "")) => (host, None),
            Some((host, port)) => (host, Some(port.parse::<u16>().ok()?)),
            None => (host_and_port.as_str(), None),
        };
        let of_host = |c: char| c.is_alphanumeric() || "-._[]:".contains(c);
        if host.is_empty() || host_and_port.len() > LONGEST_AUTHORITY || !host.chars().all(of_host) {
            return None;
        }
        let implied = match scheme.as_str() {
            "https" => Some(443),
            "http" => Some(80),
            _ => None,
        };
        let host = host.to_ascii_lowercase();
        let authority = port.filter(|_| port != implied).map_or(host.clone(), |port| format!("{host}:{port}"));
        Some(Target { scheme, authority, port: port.or(implied), path: decoded(path) })
    }

    fn on_the_same_host(path: &str, called: &Called<'_>) -> Target {
        let whole = [called.prefix.as_str(), &called.api].concat();
        let folder = whole.rfind('/').and_then(|end| whole.get(..=end)).unwrap_or("/");
        let path = if path.starts_with('/') { decoded(path) } else { [folder, &decoded(path)].concat() };
        Target {
            scheme: called.scheme.to_owned(),
            authority: called.authority.to_owned(),
            port: Some(called.port),
            path,
        }
    }

    fn host(&self) -> String {
        format!("{}://{}", self.scheme, self.authority)
    }

    /// What may be told of it and is the server's text.
    fn of_the_server(&self, called: &Called<'_>) -> String {
        let scheme = if matches!(self.scheme.as_str(), "http" | "https") { "" } else { &self.scheme };
        [scheme, &self.authority, self.prefix(called).unwrap_or("")].concat()
    }

    /// What stands before the same API there.
    fn prefix(&self, called: &Called<'_>) -> Option<&str> {
        let prefix = self.path.strip_suffix(&called.api).filter(|_| !called.api.is_empty())?;
        let plain = |c: char| c.is_alphanumeric() || "/-._~".contains(c);
        let as_in_host = prefix.is_empty() || prefix.starts_with('/');
        (as_in_host && prefix.len() <= LONGEST_PREFIX && prefix.chars().all(plain)).then_some(prefix)
    }
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
}

fn name(authority: &str) -> &str {
    let port = authority.rfind(':').filter(|&at| authority.get(at..).is_some_and(|port| !port.contains(']')));
    port.and_then(|at| authority.get(..at)).unwrap_or(authority)
}

/// What is told of a redirection.
struct Said {
    target: String,
    remedy: String,
    remedy_zh: String,
}

impl Said {
    fn new(target: impl Into<String>, remedy: impl Into<String>, remedy_zh: impl Into<String>) -> Said {
        Said { target: target.into(), remedy: remedy.into(), remedy_zh: remedy_zh.into() }
    }
}

fn said(target: &Target, called: &Called<'_>) -> Said {
    let host = target.host();
    let same_host = (target.scheme.as_str(), target.authority.as_str()) == (called.scheme, called.authority);
    let same_name = name(&target.authority).eq_ignore_ascii_case(name(called.authority));
    match (target.scheme.as_str(), target.prefix(called)) {
        ("http", prefix) if called.scheme == "https" && (same_name || prefix.is_some()) => Said::new(
            host,
            "do not write `http://`, which would send the keys unencrypted: the control center, or the gateway before it, does not know that it is called by https; let its administrator mend that (X-Forwarded-Proto)",
            "但目标是不加密的http,请勿照改:请控制中心或网关的管理员修正其https设置",
        ),
        ("http" | "https", Some(prefix)) if same_host && prefix == called.prefix => Said::new(
            "the very address that was called",
            "a web firewall or a portal that wants a cookie or a login does that; let whoever runs it let API calls through",
            "目标就是原来的地址(多为防火墙或上网认证),请网络管理员放行接口调用",
        ),
        ("http" | "https", Some(prefix)) => write_host(&host, prefix, target, called),
        ("https", None) if called.scheme == "http" && same_name => write_host(&host, &called.prefix, target, called),
        ("http" | "https", None) if same_host && target.path == [&called.prefix, &called.api, "/"].concat() => {
            Said::new(
                "the same path with a `/` at its end",
                "write `rest_type` with a `/` at its end",
                "请在rest_type末尾加上/",
            )
        }
        ("http" | "https", None) if same_host => Said::new(
            "another path of the same host",
            "that is mostly a login page, or the control center stands under a path that `host` lacks: give the right `host`",
            "目标是同一主机的其他页面(多为登录页),请检查host是否缺少路径前缀,或请控制中心管理员检查网关",
        ),
        ("http" | "https", None) => Said::new(
            &host,
            "that is not this API there, but mostly a login page or a portal: let whoever runs the network let calls to the control center through, or give the right `host`",
            format!("目标{host}不是控制中心的接口(多为登录页或上网认证),请检查host,或请网络管理员放行"),
        ),
        _ => Said::new(
            host,
            "that is no web server: give the right `host`",
            "目标不是网页地址,请检查host,或请控制中心管理员检查网关",
        ),
    }
}

/// The API is there as well, or the same host wants https.
fn write_host(host: &str, prefix: &str, target: &Target, called: &Called<'_>) -> Said {
    let right = [host, prefix].concat();
    let port = target.port.filter(|&port| port != called.port);
    let [and, and_zh] = port.map_or([String::new(), String::new()], |port| {
        [format!(", and `port` {port} if it is given"), format!(",port如已填写则改为{port}")]
    });
    Said::new(host, format!("write `host` as \"{right}\"{and}"), format!("请把host改为{right}{and_zh}"))
}

fn to_no_address() -> Said {
    Said::new(
        "what is no web address",
        "give the right `host`, or let its administrator mend the redirection",
        "但目标不是有效的网址,请检查host,或请控制中心管理员检查网关",
    )
}

fn to_a_secret() -> Said {
    Said::new(
        "a host whose name holds what this call sent",
        "that is not the control center: give the right `host`",
        "目标地址中含有本次调用的密钥内容,不是控制中心,请检查host",
    )
}

#[cfg(test)]
mod tests {
    use super::super::tests::{asked, reply};
    use super::*;

    /// `http://rpa.example/center/oapi/v1/a` was asked for, with the token `9f2c4b7e1d5a48c0`.
    fn told(location: &str) -> Error {
        let mut moved = reply(302, "", b"<a href='/login?token=hunter2'>");
        moved.headers.insert(LOCATION, ::http::HeaderValue::from_bytes(location.as_bytes()).unwrap());
        let error = asked(&mut moved, || {
            let mut redactor = Redactor::default();
            redactor.hide(["9f2c4b7e1d5a48c0"]);
            redactor
        });
        let error = error.unwrap_err();
        assert_eq!(error.kind, Kind::Redirect);
        for hidden in ["hunter2", "token=", "next=", "9f2c4b7e"] {
            assert!(!format!("{error:?}").contains(hidden), "{error:?}");
        }
        error
    }

    #[test]
    fn where_the_same_api_is_found_the_right_host_is_told() {
        for (location, host) in [
            ("https://rpa.example:8443/center/oapi/v1/a?b=c", "https://rpa.example:8443/center"),
            ("https://rpa.example/oapi/v1/a", "https://rpa.example"),
            ("https://user:hunter2@rpa.example/center/oapi/v1/a#x", "https://rpa.example/center"),
            ("https://rpa.example/", "https://rpa.example/center"),
            ("https://rpa.example:443", "https://rpa.example/center"),
            ("//new.example:81/center/oapi/v1/a", "http://new.example:81/center"),
            (" HTTPS://New.example /x/oapi/v1/a ", "https://new.example/x"),
            ("https://new.example :8443/oapi/v1/a", "https://new.example:8443"),
            ("https:\\\\new.example\\oapi\\v1\\a", "https://new.example"),
            ("https://[::1]:8443/oapi/v1/a", "https://[::1]:8443"),
            ("https://登录.example/控制/oapi/v1/a", "https://登录.example/控制"),
            ("https://rpa.example/%E6%8E%A7%E5%88%B6/oapi/v1/a", "https://rpa.example/控制"),
            ("/rpa/oapi/v1/a", "http://rpa.example/rpa"),
        ] {
            let error = told(location);
            assert!(error.detail.contains(&format!("write `host` as \"{host}\"")), "{location}: {error:?}");
            assert!(error.cause.contains(&format!("请把host改为{host}")), "{location}: {error:?}");
        }
        let error = told("https://rpa.example:8443/center/oapi/v1/a");
        assert!(error.detail.ends_with(", and `port` 8443 if it is given"), "{error:?}");
        assert!(error.cause.ends_with(",port如已填写则改为8443"), "{error:?}");
    }

    #[test]
    fn a_login_page_is_not_the_control_center() {
        for (location, target, zh) in [
            (
                "https://sso.example:8443/login?next=x",
                "to https://sso.example:8443; ",
                "目标https://sso.example:8443不是",
            ),
            ("//portal.example/", "to http://portal.example; ", "登录页"),
            ("http://登录.example/页 面", "to http://登录.example; ", "上网认证"),
            ("/login?next=x", "to another path of the same host; ", "登录页"),
            ("login", "to another path of the same host; ", "登录页"),
            ("/center/oapi/v1/a/", "to the same path with a `/` at its end; ", "rest_type末尾加上/"),
            ("/center/oapi/v1/a?token=hunter2", "to the very address that was called; ", "防火墙"),
            ("javascript:alert(1)", "to what is no web address; ", "不是有效的网址"),
            ("http://", "to what is no web address; ", "不是有效的网址"),
            ("http://a:b/", "to what is no web address; ", "不是有效的网址"),
            ("http://<b>/", "to what is no web address; ", "不是有效的网址"),
            ("", "to what is no web address; ", "不是有效的网址"),
            ("ftp://files.example/x", "to ftp://files.example; ", "不是网页地址"),
        ] {
            let error = told(location);
            assert!(error.detail.contains(target) && error.cause.contains(zh), "{location}: {error:?}");
        }
    }

    #[test]
    fn no_secret_stands_in_a_host_in_whatever_coding() {
        for host in [
            "9f2c4b7e1d5a48c0.example",
            "9f2c4b7e1d.5a48c0.example",
            "39663263346237653164356134386330.example",
            "OWYyYzRiN2UxZDVhNDhjMA.example",
            "x-%39%66%32%63%34%62%37%65.example",
        ] {
            let error = told(&format!("https://{host}/oapi/v1/a"));
            assert!(error.detail.contains(" to a host whose name holds what this call sent; "), "{host}: {error:?}");
            let error = told(&format!("{}://a/", host.replace('%', "")));
            assert!(!error.detail.contains(&host.replace('%', "")), "{host}: {error:?}");
            let error = told(&format!("https://new.example/{host}/oapi/v1/a"));
            assert!(!error.detail.contains(host), "{host}: {error:?}");
        }
    }

    #[test]
    fn unencrypted_http_is_never_advised() {
        let address = crate::request::Address::of_test("https://rpa.example");
        let url = rpa_signing::Secret::new(address.url("/oapi/v1/a"));
        let method = ::http::Method::GET;
        let request =
            HttpRequest { method, address: &address, url: &url, headers: Vec::new(), body: None, may_repeat: true };
        for location in ["http://rpa.example/oapi/v1/a", "http://other.example:8080/oapi/v1/a", "http://rpa.example/"] {
            let mut moved = reply(302, "", b"");
            moved.headers.insert(LOCATION, location.parse().unwrap());
            let error = explain(&moved, &request, &Redactor::default()).unwrap();
            assert!(error.detail.contains("do not write `http://`") && error.cause.contains("请勿照改"), "{error:?}");
        }
    }
}
