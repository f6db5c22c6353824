//! Generations 2020.4 and 2020.5: a token, and `&token=...&timestamp=...` after what is signed. 2020.5 takes a post's
//! JSON under its own name, too, and an upload whose query is signed as a get's.

use axum::http::Method;

use super::{check_signature, timestamp};
use crate::call::Call;
use crate::content_type::{self, Expected};
use crate::envelope::Refusal;
use crate::generation::Generation;
use crate::mistakes::Other;
use crate::notes::Notes;
use crate::source::{Content, Received};
use crate::tokens::Refused;
use crate::words::words;
use crate::{ACCESS_KEY, Center, SECRET_KEY};

/// How many other tokens are tried to find out what a refused signature was made with.
const OTHER_TOKENS: usize = 20;

pub fn verify(center: &Center, call: &Call, notes: &Notes) -> Result<(), Refusal> {
    let (token, timestamp) = stamps(center, call, notes)?;
    let expected: &[Expected] = match call.method {
        Method::GET => &[Expected::None],
        Method::POST if center.generation == Generation::V2020_5 => &[Expected::Form, Expected::Json],
        Method::POST => &[Expected::Form],
        _ => &[Expected::Json],
    };
    content_type::check(&call.method, &call.headers, expected)?;
    let query = call.raw_query();
    let content = match call.by_query {
        true => Content::Query(query),
        false => Content::Body { body: &call.body, query },
    };
    signature(center, call, notes, content, &token, &timestamp)?;
    match call.method {
        Method::GET => call.has_no_body(),
        Method::POST => call.query_agrees_with_body(),
        _ => call.has_no_query(),
    }
}

pub fn verify_upload(center: &Center, call: &Call, notes: &Notes) -> Result<(), Refusal> {
    let (token, timestamp) = stamps(center, call, notes)?;
    signature(center, call, notes, Content::Query(call.raw_query()), &token, &timestamp)
}

fn stamps(center: &Center, call: &Call, notes: &Notes) -> Result<(String, String), Refusal> {
    let now_ms = center.clock.now_ms();
    let Some(token) = call.header("accesstoken") else {
        center.counts.token_refused();
        return Err(Refusal::unauthorised("缺少token（请求头accesstoken）", "no accesstoken header"));
    };
    let view = center.tokens.used(&token, now_ms);
    notes.add(|noted| noted.token = view);
    center.tokens.check(&token, now_ms).map_err(|refused| {
        center.counts.token_refused();
        token_refusal("token", refused)
    })?;
    let timestamp = call.header("timestamp");
    let timestamp = timestamp::check(timestamp.as_deref(), 1, now_ms)?;
    Ok((token, timestamp.to_owned()))
}

fn signature(
    center: &Center,
    call: &Call,
    notes: &Notes,
    content: Content,
    token: &str,
    timestamp: &str,
) -> Result<(), Refusal> {
    let signature = call.header("signature");
    let tail = tail(token, timestamp);
    let received = Received { content, tail, key: token, signature: signature.as_deref() };
    check_signature(center, notes, &received, || others(center, token, timestamp))
}

fn tail(token: &str, timestamp: &str) -> String {
    format!("&token={token}&timestamp={timestamp}")
}

/// Keys and ends of the source string that clients take by mistake.
fn others(center: &Center, token: &str, timestamp: &str) -> Vec<Other> {
    let other = |key: &str, tail: String, mistake| Other { key: key.to_owned(), tail, mistake };
    let right = || tail(token, timestamp);
    let mut others = vec![
        other(
            SECRET_KEY,
            right(),
            words(
                "the HMAC's key is the secret key (it must be the access token)",
                "HMAC的密钥用了secretKey（应为token）",
            ),
        ),
        other(
            ACCESS_KEY,
            right(),
            words(
                "the HMAC's key is the access key (it must be the access token)",
                "HMAC的密钥用了accessKey（应为token）",
            ),
        ),
        other(
            token,
            tail(token, &timestamp[..timestamp.len().saturating_sub(3)]),
            words(
                "the source has the timestamp in seconds (it must be the header's)",
                "源串里的timestamp以秒为单位（应与请求头相同）",
            ),
        ),
        other(
            token,
            format!("&timestamp={timestamp}&token={token}"),
            words("the source has timestamp before token", "源串里timestamp写在了token前面"),
        ),
        other(
            token,
            String::new(),
            words("the source ends without &token=...&timestamp=...", "源串末尾缺少&token=...&timestamp=..."),
        ),
    ];
    let now_ms = center.clock.now_ms();
    for view in center.tokens.newest(OTHER_TOKENS, now_ms).into_iter().filter(|view| view.access != token) {
        others.push(other(
            &view.access,
            tail(&view.access, timestamp),
            words("it is signed with another token than the header's", "签名用的token与请求头里的不是同一个"),
        ));
        others.push(other(
            &view.access,
            right(),
            words("the HMAC's key is another token than the header's", "HMAC的密钥用了另一个token"),
        ));
    }
    others
}

/// Says which of the three it was. `token` names the kind.
pub fn token_refusal(token: &str, refused: Refused) -> Refusal {
    let (cause, reason) = match refused {
        Refused::Unknown => ("不存在", "unknown token"),
        Refused::Expired => ("已过期", "expired token"),
        Refused::Superseded => ("已失效，已被新token取代", "superseded token"),
    };
    Refusal::unauthorised(&format!("{token}{cause}"), reason)
}
