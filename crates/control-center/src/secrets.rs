//! What the page may show of keys and tokens. Those of this emulator open nothing else, and are shown whole. Any other may
//! be somebody's real one, sent here by mistake: of it the page shows the length and the last four characters.

use crate::{ACCESS_KEY, APP_KEY, Center, SECRET_KEY, percent};

const HEADERS: [&str; 8] =
    ["accesstoken", "appkey", "authorization", "proxy-authorization", "cookie", "x-api-key", "x-auth-token", "apikey"];
const FIELDS: [&str; 9] =
    ["accesskey", "secretkey", "refreshtoken", "refleshtoken", "accesstoken", "token", "appkey", "password", "secret"];

/// A header's value.
pub fn header(center: &Center, name: &str, value: &str) -> String {
    match HEADERS.contains(&name) && !is_own(center, value) {
        true => masked(value),
        false => value.to_owned(),
    }
}

/// A query or a form as it came, but for the values of fields that hold secrets.
pub fn pairs(center: &Center, raw: &str) -> String {
    let pieces = raw.split('&').map(|piece| match piece.split_once('=') {
        Some((key, value)) if holds_secret(key) => {
            let decoded = percent::decoded(value);
            match decoded.as_deref().is_some_and(|value| value.is_empty() || is_own(center, value)) {
                true => piece.to_owned(),
                false => format!("{key}={}", masked(value)),
            }
        }
        _ => piece.to_owned(),
    });
    pieces.collect::<Vec<_>>().join("&")
}

fn holds_secret(key: &str) -> bool {
    let key = percent::decoded(key).unwrap_or_else(|| key.to_owned());
    let key: String = key.chars().filter(|c| !matches!(c, '_' | '-')).flat_map(char::to_lowercase).collect();
    FIELDS.contains(&key.as_str())
}

fn is_own(center: &Center, value: &str) -> bool {
    [ACCESS_KEY, SECRET_KEY, APP_KEY].contains(&value) || center.tokens.knows(value)
}

fn masked(value: &str) -> String {
    let length = value.chars().count();
    let shown: String = if length < 12 { String::new() } else { value.chars().skip(length - 4).collect() };
    format!("***{shown} ({length})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_secrets_are_masked_and_own_ones_are_not() {
        let center = Center::for_tests();
        let own = center.tokens.issue(0).unwrap();
        assert_eq!(header(&center, "accesstoken", &own.access), own.access);
        assert_eq!(header(&center, "authorization", "Basic dXNlcjpwYXNzd29yZA=="), "***ZA== (26)");
        assert_eq!(header(&center, "cookie", "short"), "*** (5)");
        assert_eq!(header(&center, "x-a", "anything"), "anything");
        let query = format!("accessKey={ACCESS_KEY}&secret_Key=1234567890abcdef&a=token&refreshToken={}", own.refresh);
        let expected = format!("accessKey={ACCESS_KEY}&secret_Key=***cdef (16)&a=token&refreshToken={}", own.refresh);
        assert_eq!(pairs(&center, &query), expected);
        assert_eq!(pairs(&center, "secret%4Bey=12345678901234"), "secret%4Bey=***1234 (14)");
    }
}
