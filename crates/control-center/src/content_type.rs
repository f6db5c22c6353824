//! Which content type a mode must come with.

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Method, StatusCode};

use crate::envelope::Refusal;

/// The media type each method is sent with, always in UTF-8; a get has none.
fn expected(method: &Method) -> Option<&'static str> {
    match *method {
        Method::GET => None,
        Method::POST => Some("application/x-www-form-urlencoded"),
        _ => Some("application/json"),
    }
}

/// Case, spaces and a missing charset do not matter; another media type or charset does.
pub fn check(method: &Method, headers: &HeaderMap) -> Result<(), Refusal> {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let matches = match (expected(method), values.next()) {
        (None, received) => received.is_none(),
        (Some(media_type), Some(received)) => {
            received.to_str().is_ok_and(|text| is_utf8_of(media_type, text)) && values.next().is_none()
        }
        (Some(_), None) => false,
    };
    if matches {
        return Ok(());
    }
    let wanted = match expected(method) {
        Some(media_type) => format!("{media_type};charset=utf-8"),
        None => "none".to_owned(),
    };
    let reason = format!("wrong content type, {method} takes {wanted}");
    Err(Refusal::http(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Content-Type错误", reason))
}

fn is_utf8_of(media_type: &str, received: &str) -> bool {
    let mut parts = received.split(';').map(str::trim);
    let media_type_matches = parts.next().is_some_and(|first| first.eq_ignore_ascii_case(media_type));
    media_type_matches
        && parts.all(|parameter| match parameter.split_once('=') {
            Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
                let value = value.trim().trim_matches('"');
                value.eq_ignore_ascii_case("utf-8") || value.eq_ignore_ascii_case("utf8")
            }
            _ => true,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(method: Method, values: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(CONTENT_TYPE, value.parse().unwrap());
        }
        check(&method, &headers).is_ok()
    }

    #[test]
    fn each_mode_has_its_own() {
        let form = "application/x-www-form-urlencoded;charset=utf-8";
        let json = "application/json;charset=utf-8";
        assert!(accepts(Method::GET, &[]) && !accepts(Method::GET, &[json]));
        assert!(accepts(Method::POST, &[form]) && !accepts(Method::POST, &[json]));
        for method in [Method::PUT, Method::DELETE] {
            assert!(accepts(method.clone(), &[json]) && !accepts(method.clone(), &[form]));
            assert!(!accepts(method, &[]));
        }
    }

    #[test]
    fn spelling_does_not_matter_but_the_charset_does() {
        for value in ["application/json", "Application/JSON; Charset=\"UTF-8\"", "application/json;charset=utf8"] {
            assert!(accepts(Method::PUT, &[value]), "{value}");
        }
        for value in ["application/json;charset=gbk", "text/json", "", "application/json, text/plain"] {
            assert!(!accepts(Method::PUT, &[value]), "{value}");
        }
        assert!(!accepts(Method::PUT, &["application/json"; 2]));
    }
}
