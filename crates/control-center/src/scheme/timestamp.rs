//! The protocol's window: a timestamp further off than ten minutes is refused.

use serde_json::json;

use crate::envelope::Refusal;

const WINDOW_MS: u64 = 10 * 60 * 1000;

/// `unit_ms` is 1 for a timestamp in milliseconds, 1000 for one in seconds.
pub fn check(text: Option<&str>, unit_ms: i64, now_ms: i64) -> Result<&str, Refusal> {
    let digits = text.filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()));
    let received: Option<i64> = digits.and_then(|text| text.parse().ok());
    let difference = received.map(|time| time.saturating_mul(unit_ms).saturating_sub(now_ms));
    let (msg, reason) = match (text, difference) {
        (Some(text), Some(ms)) if ms.unsigned_abs() <= WINDOW_MS => return Ok(text),
        (None, _) => ("缺少timestamp", "no timestamp"),
        (_, None) if unit_ms == 1 => ("timestamp应为毫秒整数", "timestamp is not milliseconds in digits"),
        (_, None) => ("timestamp应为秒整数", "timestamp is not seconds in digits"),
        (_, Some(ms)) if ms < 0 => ("timestamp与服务器时间相差超过10分钟", "timestamp more than 10 minutes behind"),
        (_, Some(_)) => ("timestamp与服务器时间相差超过10分钟", "timestamp more than 10 minutes ahead"),
    };
    let facts = json!({
        "detail": reason,
        "serverTime": now_ms / unit_ms,
        "received": received.map_or_else(|| json!(text), |time| json!(time)),
        "differenceMillis": difference,
        "windowMillis": WINDOW_MS,
    });
    Err(Refusal::forbidden(msg, reason, &facts))
}
