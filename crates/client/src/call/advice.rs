//! The next step, added to an error whose cause lies in how the request was written rather than where it fails.

use std::time::Duration;

use ::http::Method;

use crate::error::{Delivered, Error, Kind};
use crate::http::{HttpRequest, TLS_WANTED};
use crate::request::{Address, Options};

/// A shorter limit was probably meant in seconds.
pub(crate) const SHORTEST_LIMIT: Duration = Duration::from_secs(1);

/// Longer URLs are refused by some servers and gateways. Each has its own limit, mostly of 8 KB for the request line with
/// or without the headers; IIS and older proxies stop at 4 KB or less.
pub(crate) const LONG_URL: usize = 4000;

/// Says what unit a limit has, where a short one has run out.
pub(crate) fn about_limits(error: Error, options: &Options) -> Error {
    if error.kind != Kind::Timeout {
        return error;
    }
    // Once something went out, the connection was there.
    let may_be_of_connecting = error.delivered == Delivered::No && options.connect_timeout < options.timeout;
    let (name, limit) = match may_be_of_connecting {
        true => ("connect_timeout_ms", options.connect_timeout),
        false => ("timeout_ms", options.timeout),
    };
    if limit >= SHORTEST_LIMIT {
        return error;
    }
    let limit = limit.as_millis();
    Error {
        cause: format!("{}({name}为{limit}毫秒,单位是毫秒)", error.cause),
        detail: format!("{}; `{name}` is {limit} milliseconds; the unit is milliseconds", error.detail),
        ..error
    }
}

/// Names the host that does not resolve or cannot be reached. Where a proxy is in use, it is the proxy that looks up and
/// connects, and its errors are of another kind.
pub(crate) fn about_host(error: Error, address: &Address) -> Error {
    let (host, port) = (address.lookup_name(), address.port);
    let (cause, named) = match error.kind {
        Kind::Dns => (format!("域名{host}无法解析,请检查host和DNS"), format!("the host is `{host}`")),
        Kind::Connect => (
            format!("无法连接服务器{host}的端口{port},请检查地址、端口、防火墙和VPN"),
            format!("the host is `{host}`, the port {port}"),
        ),
        _ => return error,
    };
    Error { cause, detail: format!("{}; {named}", error.detail), ..error }
}

/// Says what to make smaller, where a server that answers without JSON found something too large.
pub(crate) fn about_length(error: Error, request: &HttpRequest<'_>) -> Error {
    let (Kind::Response, Some(status)) = (error.kind, error.http_status) else { return error };
    // The server did not even read the URL.
    if error.cause.contains(TLS_WANTED) {
        return error;
    }
    let length = request.url.expose().len();
    let (problem, remedy, what, how) = match status {
        413 => (
            "请求内容过大",
            "请减少参数的内容,或请管理员调大服务器的限制",
            "the body is too large for the server or a gateway".to_owned(),
            "send less, or have its limit raised (client_max_body_size in nginx)",
        ),
        // Apart from 414 there is no telling which of the two was too long. IIS answers 404 to a long URL, Tomcat 400.
        414 => too_long(request, length),
        400 | 404 | 431 if length > LONG_URL => too_long(request, length),
        431 => (
            "请求头过大",
            "请减少headers的内容,或请管理员调大服务器的限制",
            "the headers are too large for the server or a gateway".to_owned(),
            "put less into `headers`, or have its limit raised",
        ),
        _ => return error,
    };
    Error {
        cause: format!("{problem}(HTTP {status}),{remedy}"),
        detail: format!("{what}: {how}; {}", error.detail),
        ..error
    }
}

fn too_long(request: &HttpRequest<'_>, length: usize) -> (&'static str, &'static str, String, &'static str) {
    let (remedy, how) = match request.method {
        Method::POST if request.url.expose().contains('?') => (
            "请加上\"query\":\"none\",参数便只放在请求内容中",
            "give \"query\":\"none\", which leaves a post's parameters to its body",
        ),
        Method::GET => (
            "get的参数只能放在网址中,请减少参数的内容",
            "a get has its parameters in the URL alone: give fewer or shorter ones",
        ),
        _ => ("请缩短rest_type或host中的路径", "shorten the path in `rest_type` or `host`"),
    };
    ("网址过长", remedy, format!("the URL, of {length} bytes, is too long for the server or a gateway"), how)
}

/// Names the field that makes a success of an empty reply.
pub(crate) fn about_empty_reply(error: Error) -> Error {
    Error {
        cause: format!("{};若此接口成功时本就不返回内容,请加上\"empty_ok\":true", error.cause),
        detail: format!("{}; if the API answers so when it succeeds, give \"empty_ok\": true", error.detail),
        ..error
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rpa_signing::Secret;

    fn options(json: &str) -> Options {
        Options::of_test(json)
    }

    #[test]
    fn a_limit_that_was_meant_in_seconds_is_told_with_its_unit() {
        let timeout = |delivered| Error { delivered, ..Error::new(Kind::Timeout, "等待返回超时", "timed out") };
        let (short, short_connect) = (options(r#"{"timeout_ms":30}"#), options(r#"{"connect_timeout_ms":10}"#));
        let error = about_limits(timeout(Delivered::Unknown), &short);
        assert_eq!(error.cause, "等待返回超时(timeout_ms为30毫秒,单位是毫秒)");
        assert_eq!(error.detail, "timed out; `timeout_ms` is 30 milliseconds; the unit is milliseconds");
        let error = about_limits(timeout(Delivered::No), &short_connect);
        assert_eq!(error.cause, "等待返回超时(connect_timeout_ms为10毫秒,单位是毫秒)");
        for error in [
            about_limits(timeout(Delivered::Unknown), &short_connect),
            about_limits(timeout(Delivered::No), &options("{}")),
            about_limits(timeout(Delivered::No), &options(r#"{"timeout_ms":1000,"connect_timeout_ms":1000}"#)),
        ] {
            assert_eq!((&*error.cause, &*error.detail), ("等待返回超时", "timed out"));
        }
        let other = about_limits(Error::new(Kind::Connect, "x", "y"), &short);
        assert_eq!((&*other.cause, &*other.detail), ("x", "y"));
    }

    #[test]
    fn a_host_that_cannot_be_reached_is_named_with_its_port() {
        let address = Address::of_test("https://控制中心.example:8443/p");
        let dns = about_host(Error::new(Kind::Dns, "域名无法解析", "no such name"), &address);
        assert_eq!(dns.cause, "域名xn--fiq21hn5o0xd.example无法解析,请检查host和DNS");
        assert_eq!(dns.detail, "no such name; the host is `xn--fiq21hn5o0xd.example`");
        let address = Address::of_test("https://[fe80::1%25eth0]");
        let connect = about_host(Error::new(Kind::Connect, "无法连接服务器", "refused"), &address);
        assert_eq!(connect.cause, "无法连接服务器fe80::1%eth0的端口443,请检查地址、端口、防火墙和VPN");
        assert_eq!(connect.detail, "refused; the host is `fe80::1%eth0`, the port 443");
        assert_eq!(about_host(Error::new(Kind::Proxy, "x", "y"), &address).detail, "y");
    }

    #[test]
    fn what_is_too_long_is_told_with_the_field_that_helps() {
        let address = Address::of_test("http://a");
        let told = |method: Method, status: u16, length: usize, query: &str| {
            let url = Secret::new(format!("http://a/{}{query}", "x".repeat(length)));
            let request =
                HttpRequest { method, address: &address, url: &url, headers: Vec::new(), body: None, may_repeat: true };
            let error =
                Error { http_status: Some(status), ..Error::new(Kind::Response, "返回内容为空", "empty") };
            about_length(error, &request)
        };
        for (method, status, length, query, cause) in [
            (Method::POST, 414, 10, "?a=b", "网址过长(HTTP 414),请加上\"query\":\"none\",参数便只放在请求内容中"),
            (Method::POST, 400, 4001, "?a=b", "网址过长(HTTP 400),请加上\"query\":\"none\",参数便只放在请求内容中"),
            (Method::POST, 431, 4001, "?a=b", "网址过长(HTTP 431),请加上\"query\":\"none\",参数便只放在请求内容中"),
            (Method::GET, 404, 4001, "?a=b", "网址过长(HTTP 404),get的参数只能放在网址中,请减少参数的内容"),
            (Method::GET, 431, 10, "?a=b", "请求头过大(HTTP 431),请减少headers的内容,或请管理员调大服务器的限制"),
            (Method::PUT, 413, 10, "", "请求内容过大(HTTP 413),请减少参数的内容,或请管理员调大服务器的限制"),
            (Method::PUT, 414, 4001, "", "网址过长(HTTP 414),请缩短rest_type或host中的路径"),
            (Method::GET, 404, 10, "?a=b", "返回内容为空"),
            (Method::POST, 500, 5000, "?a=b", "返回内容为空"),
        ] {
            let error = told(method, status, length, query);
            assert_eq!(error.cause, cause);
            assert!(error.detail.ends_with("empty") && !error.detail.contains("a=b"), "{}", error.detail);
        }
    }
}
