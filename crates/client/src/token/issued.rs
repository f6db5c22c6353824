//! What a reply of the token call holds. The vendor publishes no names for its fields; what is seen in the field is an
//! object or the array `[access token, refresh token]`.

use serde_json::Value;
use zeroize::Zeroize;

use rpa_signing::Secret;

/// Tokens as the server gave them.
pub(super) struct Issued {
    pub(super) access: Secret,
    pub(super) refresh: Option<Secret>,
    pub(super) life: Option<Life>,
}

/// When a token ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Life {
    /// So many seconds after it was given, if it is seconds.
    Lasts(f64),
    /// At this time of the server's clock, in milliseconds since 1970.
    Ends(i64),
}

/// A number from here on is a time in seconds since 1970 (the year 2001), and not a lifetime of 31 years.
const EARLIEST_TIME_S: f64 = 1e9;
/// And from here on one in milliseconds.
const EARLIEST_TIME_MS: f64 = 1e11;
/// A time from here on (the year 5138) is none.
const LATEST_TIME_MS: f64 = 1e14;

impl Issued {
    /// The tokens in a reply; `None` if it holds none that could stand in a header.
    pub(super) fn read(reply: &[u8]) -> Option<Issued> {
        let mut reply: Value = serde_json::from_slice(reply).ok()?;
        let issued = reply.get("result").and_then(Issued::of_result);
        wipe(&mut reply);
        issued.filter(|issued| is_sendable(issued.access.expose()))
    }

    fn of_result(result: &Value) -> Option<Issued> {
        let text =
            |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(|text| Secret::new(text.to_owned()));
        if let Value::Array(pair) = result {
            let refresh = pair.get(1).and_then(text);
            return Some(Issued { access: pair.first().and_then(text)?, refresh, life: None });
        }
        let fields = result.as_object()?;
        let find = |names: &[&str]| {
            let same = |name: &str| names.contains(&name.replace('_', "").to_lowercase().as_str());
            fields.iter().find(|(name, _)| same(name)).map(|(_, value)| value)
        };
        Some(Issued {
            access: find(&["accesstoken"]).and_then(text)?,
            // The vendor's own spelling of the request's field, should its replies have it, too.
            refresh: find(&["refreshtoken", "refleshtoken"]).and_then(text),
            life: find(&["expiresin", "expirein", "expiretime", "expirestime", "expiresat", "expireat"]).and_then(life),
        })
    }
}

fn life(value: &Value) -> Option<Life> {
    let number = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())?;
    match number {
        _ if !number.is_finite() || number <= 0.0 => None,
        _ if number >= LATEST_TIME_MS => None,
        _ if number >= EARLIEST_TIME_MS => Some(Life::Ends(number as i64)),
        _ if number >= EARLIEST_TIME_S => Some(Life::Ends((number * 1000.0) as i64)),
        _ => Some(Life::Lasts(number)),
    }
}

/// As the field `accesstoken` must be.
fn is_sendable(token: &str) -> bool {
    token.len() <= 8192 && token.bytes().all(|byte| byte.is_ascii_graphic())
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(values) => values.iter_mut().for_each(wipe),
        Value::Object(fields) => fields.values_mut().for_each(wipe),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(result: &str) -> Option<(String, Option<String>, Option<Life>)> {
        let issued = Issued::read(format!("{{\"code\":0,\"msg\":\"success\",\"result\":{result}}}").as_bytes())?;
        let shown = |secret: Secret| secret.expose().to_owned();
        Some((shown(issued.access), issued.refresh.map(shown), issued.life))
    }

    #[test]
    fn every_shape_that_was_seen() {
        let both = Some(("a".to_owned(), Some("r".to_owned()), None));
        for result in [
            r#"["a","r"]"#,
            r#"{"accessToken":"a","refreshToken":"r"}"#,
            r#"{"ACCESS_TOKEN":"a","Refresh_Token":"r"}"#,
            r#"{"accesstoken":"a","refleshtoken":"r"}"#,
        ] {
            assert_eq!(read(result), both, "{result}");
        }
        assert_eq!(read(r#"["a"]"#), Some(("a".to_owned(), None, None)));
        for result in
            ["null", "[]", "{}", "\"a\"", r#"{"accessToken":""}"#, r#"{"accessToken":7}"#, r#"["a b"]"#, r#"["a\n"]"#]
        {
            assert_eq!(read(result), None, "{result}");
        }
    }

    #[test]
    fn lifetimes() {
        let life = |field: &str| read(&format!("{{\"accessToken\":\"a\",{field}}}")).unwrap().2;
        assert_eq!(life(r#""expiresIn":7200"#), Some(Life::Lasts(7_200.0)));
        assert_eq!(life(r#""expires_in":"0.25""#), Some(Life::Lasts(0.25)));
        assert_eq!(life(r#""expireTime":1795000000000"#), Some(Life::Ends(1_795_000_000_000)));
        assert_eq!(life(r#""expireTime":1795000000"#), Some(Life::Ends(1_795_000_000_000)));
        for field in [
            r#""expiresIn":1e300"#,
            r#""expiresIn":0"#,
            r#""expiresIn":-5"#,
            r#""expiresIn":"soon""#,
            r#""expiresIn":null"#,
        ] {
            assert_eq!(life(field), None, "{field}");
        }
    }
}
