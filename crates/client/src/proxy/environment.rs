//! The proxy that the environment names.
//!
//! On Linux a program that changes its environment in one thread (`setenv`) while another one reads it may crash in the
//! reader. So the environment is read once in a process, by the first call that leaves `proxy` out, and never again.

use std::env;
use std::sync::OnceLock;

use super::exceptions::is_excepted;
use super::in_use::Source;
use crate::error::Error;
use crate::request::Address;
use rpa_signing::Secret;

/// The variables that say something of proxies, the lower case before the upper.
const NAMES: [&str; 8] =
    ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"];

/// What the environment says of proxies.
pub(crate) struct Environment {
    /// Those that are set and not blank.
    values: Vec<(&'static str, Value)>,
    /// A web server has started this program (CGI).
    cgi: bool,
}

enum Value {
    Text(Secret),
    NotUtf8,
}

impl Environment {
    /// That of this process, as the first call found it.
    pub(crate) fn of_process() -> &'static Environment {
        static ENVIRONMENT: OnceLock<Environment> = OnceLock::new();
        ENVIRONMENT.get_or_init(|| Environment {
            values: NAMES.into_iter().filter_map(|name| Some((name, Value::of_variable(name)?))).collect(),
            cgi: env::var_os("REQUEST_METHOD").is_some(),
        })
    }

    /// The proxy's address for calls to this address, and the variable that holds it; `None` where none is named, or the
    /// host is excepted.
    pub(crate) fn proxy_for(&self, address: &Address) -> Result<Option<(&Secret, Source)>, Error> {
        let Some((url, source)) = self.named_for(address)? else { return Ok(None) };
        let exceptions = self.first(&["no_proxy", "NO_PROXY"])?.map_or("", |(_, list)| list.expose());
        let excepted = is_excepted(address.host(), address.port, exceptions);
        Ok((!excepted).then_some((url, source)))
    }

    /// The same, whatever is excepted.
    pub(crate) fn named_for(&self, address: &Address) -> Result<Option<(&Secret, Source)>, Error> {
        // A web server hands a request's `Proxy` header to CGI programs as HTTP_PROXY.
        let of_scheme: &[&str] = match (address.https, self.cgi) {
            (true, _) => &["https_proxy", "HTTPS_PROXY"],
            (false, false) => &["http_proxy", "HTTP_PROXY"],
            (false, true) => &["http_proxy"],
        };
        let found = match self.first(of_scheme)? {
            None => self.first(&["all_proxy", "ALL_PROXY"])?,
            found => found,
        };
        Ok(found.map(|(name, url)| (url, Source::Variable(name))))
    }

    /// The list of exceptions, and the variable that holds it.
    pub(crate) fn exceptions(&self) -> Option<(&'static str, &str)> {
        self.first(&["no_proxy", "NO_PROXY"]).ok().flatten().map(|(name, list)| (name, list.expose()))
    }

    /// The addresses of all proxies that are named, whatever for.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = &Secret> {
        let proxies = self.values.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("no_proxy"));
        proxies.filter_map(|(_, value)| match value {
            Value::Text(text) => Some(text),
            Value::NotUtf8 => None,
        })
    }

    fn first(&self, names: &[&str]) -> Result<Option<(&'static str, &Secret)>, Error> {
        let found = names.iter().find_map(|name| self.values.iter().find(|(other, _)| other == name));
        match found {
            None => Ok(None),
            Some((name, Value::Text(text))) => Ok(Some((*name, text))),
            Some((name, Value::NotUtf8)) => Err(not_utf8(name)),
        }
    }
}

impl Value {
    fn of_variable(name: &str) -> Option<Value> {
        match env::var_os(name)?.into_string() {
            Ok(text) if text.trim().is_empty() => None,
            Ok(text) => Some(Value::Text(Secret::new(text))),
            Err(_) => Some(Value::NotUtf8),
        }
    }
}

fn not_utf8(name: &str) -> Error {
    let cause = format!("环境变量{name}不是UTF-8编码,请重新设置,或在请求中给出字段proxy");
    let detail = format!("the environment variable {name} is not UTF-8: set it anew, or give the field `proxy`");
    Error::argument("proxy", cause, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(values: &[(&'static str, Option<&str>)]) -> Environment {
        let value = |text: Option<&str>| text.map_or(Value::NotUtf8, |text| Value::Text(Secret::new(text.to_owned())));
        let cgi = values.iter().any(|(name, _)| *name == "REQUEST_METHOD");
        Environment { values: values.iter().map(|&(name, text)| (name, value(text))).collect(), cgi }
    }

    #[test]
    fn the_variable_of_the_scheme_comes_before_that_of_all_and_lower_case_before_upper() {
        let all = [
            ("HTTP_PROXY", Some("A")),
            ("https_proxy", Some("b")),
            ("HTTPS_PROXY", Some("B")),
            ("ALL_PROXY", Some("C")),
        ];
        for (count, host, expected) in [
            (4, "https://a", Some(("b", "https_proxy"))),
            (4, "http://a", Some(("A", "HTTP_PROXY"))),
            (1, "https://a", None),
            (0, "http://a", None),
        ] {
            let environment = environment(&all[..count]);
            let found = environment.proxy_for(&Address::of_test(host)).unwrap();
            let found = found.map(|(url, source)| (url.expose(), source));
            assert_eq!(found, expected.map(|(url, name)| (url, Source::Variable(name))), "{host}");
        }
        let cgi = environment(&[("HTTP_PROXY", Some("evil")), ("REQUEST_METHOD", Some("GET"))]);
        assert!(cgi.proxy_for(&Address::of_test("http://a")).unwrap().is_none());
    }

    #[test]
    fn a_variable_that_is_not_utf8_is_refused_by_its_name_where_it_counts() {
        let refused = |values: &[(&'static str, Option<&str>)], host: &str| {
            let environment = environment(values);
            environment.proxy_for(&Address::of_test(host)).err().map(|error| (error.cause, error.detail))
        };
        for name in ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
            let (cause, detail) = refused(&[(name, None)], "https://a").expect(name);
            assert!(cause.contains(name) && detail.contains(name), "{cause} {detail}");
        }
        let (cause, _) = refused(&[("https_proxy", Some("b")), ("NO_PROXY", None)], "https://a").unwrap();
        assert!(cause.contains("NO_PROXY"), "{cause}");
        assert_eq!(refused(&[("http_proxy", None)], "https://a"), None);
        assert_eq!(refused(&[("NO_PROXY", None)], "https://a"), None, "an exception from nothing");
    }
}
