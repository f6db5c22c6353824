//! Generation 10.3: an appkey, and `&appkey=...&timestamp=...` after what is signed. Only a put has a body.

use axum::http::Method;

use super::{check_signature, timestamp};
use crate::call::Call;
use crate::content_type::{self, Expected};
use crate::envelope::Refusal;
use crate::mistakes::Other;
use crate::notes::Notes;
use crate::source::{Content, Received};
use crate::words::words;
use crate::{APP_KEY, Center};

pub fn verify(center: &Center, call: &Call, notes: &Notes) -> Result<(), Refusal> {
    let Some(appkey) = call.header("appkey") else {
        center.counts.token_refused();
        return Err(Refusal::unauthorised("缺少appkey请求头", "no appkey header"));
    };
    if appkey != APP_KEY {
        center.counts.token_refused();
        return Err(Refusal::unauthorised("appkey错误", "wrong appkey"));
    }
    let timestamp = call.header("timestamp");
    let timestamp = timestamp::check(timestamp.as_deref(), 1, center.clock.now_ms())?;
    let expected: &[Expected] = match call.method {
        Method::GET | Method::PUT => &[Expected::Json],
        Method::POST => &[Expected::None],
        // No page of the vendor says it.
        _ => &[Expected::None, Expected::Json],
    };
    content_type::check(&call.method, &call.headers, expected)?;
    let query = call.raw_query();
    let content = match call.by_query {
        true => Content::Query(query),
        false => Content::Body { body: &call.body, query },
    };
    let signature = call.header("signature");
    let tail = format!("&appkey={appkey}&timestamp={timestamp}");
    let received = Received { content, tail, key: &appkey, signature: signature.as_deref() };
    check_signature(center, notes, &received, || others(timestamp))?;
    match call.by_query {
        true => call.has_no_body(),
        false => call.has_no_query(),
    }
}

fn others(timestamp: &str) -> Vec<Other> {
    let other = |tail: String, mistake| Other { key: APP_KEY.to_owned(), tail, mistake };
    vec![
        other(
            format!("&token={APP_KEY}&timestamp={timestamp}"),
            words(
                "the source has &token= as in 2020.4 (here it is &appkey=)",
                "源串用了2020.4的&token=（这里应为&appkey=）",
            ),
        ),
        other(
            format!("&timestamp={timestamp}&appkey={APP_KEY}"),
            words("the source has timestamp before appkey", "源串里timestamp写在了appkey前面"),
        ),
    ]
}
