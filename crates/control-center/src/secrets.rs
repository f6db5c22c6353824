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

/// JSON text as it came, or its beginning, but for the texts of fields that hold secrets.
pub fn json(center: &Center, text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    let mut is_secret = false;
    while let Some((before, quoted)) = rest.split_once('"') {
        shown.push_str(before);
        // What stands between a name and its value is a colon, and no more.
        is_secret &= before.trim() == ":";
        let end = end_of_text(quoted);
        let (string, after) = quoted.split_at(end.unwrap_or(quoted.len()));
        let hidden = is_secret && !is_own(center, string);
        shown.push('"');
        shown.push_str(&if hidden { masked(string) } else { string.to_owned() });
        is_secret = !is_secret && holds_secret(string);
        rest = match after.strip_prefix('"') {
            Some(after) => {
                shown.push('"');
                after
            }
            None => after,
        };
    }
    shown + rest
}

/// Where a text of JSON ends, which began before.
fn end_of_text(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })
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

    #[test]
    fn json_is_masked_where_a_secret_is_named() {
        let center = Center::for_tests();
        let json = |text: &str| json(&center, text);
        assert_eq!(
            json(r#"{"a":"token","secretKey" : "12345678901234","b":1}"#),
            r#"{"a":"token","secretKey" : "***1234 (14)","b":1}"#
        );
        assert_eq!(json(r#"{"token":1,"x":"12345678901234"}"#), r#"{"token":1,"x":"12345678901234"}"#);
        assert_eq!(json(r#"{"token":"a\"bcdefghijklmn","x":"y"#), r#"{"token":"***klmn (16)","x":"y"#);
        assert_eq!(json(r#"{"secretKey":"1234567890"#), r#"{"secretKey":"*** (10)"#);
        assert_eq!(json(&format!(r#"{{"secretKey":"{SECRET_KEY}"}}"#)), format!(r#"{{"secretKey":"{SECRET_KEY}"}}"#));
    }
}
