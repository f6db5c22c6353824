//! Which content type a mode must come with.

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Method, StatusCode};

use crate::envelope::Refusal;

/// Always in UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// No such header.
    None,
    Form,
    Json,
}

impl Expected {
    fn media_type(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Form => "application/x-www-form-urlencoded",
            Self::Json => "application/json",
        }
    }

    fn fits(self, headers: &HeaderMap) -> bool {
        let mut values = headers.get_all(CONTENT_TYPE).iter();
        match (self, values.next()) {
            (Self::None, received) => received.is_none(),
            (_, Some(received)) => {
                received.to_str().is_ok_and(|text| is_utf8_of(self.media_type(), text)) && values.next().is_none()
            }
            (_, None) => false,
        }
    }
}

/// Case, spaces and a missing charset do not matter; another media type or charset does.
pub fn check(method: &Method, headers: &HeaderMap, expected: &[Expected]) -> Result<(), Refusal> {
    if expected.iter().any(|expected| expected.fits(headers)) {
        return Ok(());
    }
    let wanted: Vec<_> = expected
        .iter()
        .map(|expected| match expected {
            Expected::None => "none".to_owned(),
            _ => format!("{};charset=utf-8", expected.media_type()),
        })
        .collect();
    let reason = format!("wrong content type, {method} takes {}", wanted.join(" or "));
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

    fn accepts(expected: Expected, values: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(CONTENT_TYPE, value.parse().unwrap());
        }
        check(&Method::POST, &headers, &[expected]).is_ok()
    }

    #[test]
    fn each_has_its_own() {
        let form = "application/x-www-form-urlencoded;charset=utf-8";
        let json = "application/json;charset=utf-8";
        assert!(accepts(Expected::None, &[]) && !accepts(Expected::None, &[json]));
        assert!(accepts(Expected::Form, &[form]) && !accepts(Expected::Form, &[json]));
        assert!(accepts(Expected::Json, &[json]) && !accepts(Expected::Json, &[form]));
        assert!(!accepts(Expected::Json, &[]));
    }

    #[test]
    fn spelling_does_not_matter_but_the_charset_does() {
        for value in ["application/json", "Application/JSON; Charset=\"UTF-8\"", "application/json;charset=utf8"] {
            assert!(accepts(Expected::Json, &[value]), "{value}");
        }
        for value in ["application/json;charset=gbk", "text/json", "", "application/json, text/plain"] {
            assert!(!accepts(Expected::Json, &[value]), "{value}");
        }
        assert!(!accepts(Expected::Json, &["application/json"; 2]));
    }
}
