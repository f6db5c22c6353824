//! Who may see the page and use it: a browser at this address, and no other site that a browser has open.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, HOST, ORIGIN};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;

use crate::Center;
use crate::envelope::Refusal;

pub async fn guard(State(center): State<Arc<Center>>, request: Request, next: Next) -> Result<Response, Refusal> {
    match allowed(&center, request.method(), request.headers()) {
        Ok(()) => Ok(next.run(request).await),
        Err(reason) => Err(Refusal::http(StatusCode::FORBIDDEN, "只能从模拟器自己的页面访问", reason)),
    }
}

fn allowed(center: &Center, method: &Method, headers: &HeaderMap) -> Result<(), &'static str> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(HOST).unwrap_or_default();
    // A name that leads here may be somebody else's, made to read what is shown.
    if !is_own_name(center, host) {
        return Err("the Host header is neither an address nor a name of --names");
    }
    if let Some(origin) = text(ORIGIN)
        && origin.split_once("://").is_none_or(|(_, origin)| origin != host)
    {
        return Err("another site asks");
    }
    // Forms of other sites cannot send this.
    let json = text(CONTENT_TYPE).is_some_and(|kind| kind.starts_with("application/json"));
    match *method == Method::POST && !json {
        true => Err("Content-Type must be application/json"),
        false => Ok(()),
    }
}

fn is_own_name(center: &Center, host: &str) -> bool {
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.parse::<IpAddr>().is_ok()
        || name.eq_ignore_ascii_case("localhost")
        || center.names.iter().any(|own| own.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(method: Method, headers: &[(&'static str, &str)]) -> Result<(), &'static str> {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        allowed(&Center::for_tests(), &method, &headers.collect())
    }

    #[test]
    fn own_addresses_and_names_are_let_in() {
        for host in ["127.0.0.1:8080", "[::1]:8080", "localhost:8080", "LOCALHOST", "192.168.1.5"] {
            assert_eq!(check(Method::GET, &[("host", host)]), Ok(()), "{host}");
        }
        for host in ["evil.example", "evil.example:8080", "", "127.0.0.1.evil.example"] {
            assert!(check(Method::GET, &[("host", host)]).is_err(), "{host}");
        }
    }

    #[test]
    fn other_sites_are_not() {
        let host = ("host", "127.0.0.1:8080");
        let own = ("origin", "http://127.0.0.1:8080");
        let json = ("content-type", "application/json");
        assert_eq!(check(Method::POST, &[host, own, json]), Ok(()));
        assert_eq!(check(Method::POST, &[host, json]), Ok(()));
        assert!(check(Method::POST, &[host, own]).is_err());
        assert!(check(Method::POST, &[host, own, ("content-type", "text/plain")]).is_err());
        for origin in ["http://evil.example", "null", "http://127.0.0.1:9999"] {
            assert!(check(Method::POST, &[host, ("origin", origin), json]).is_err(), "{origin}");
        }
    }
}
