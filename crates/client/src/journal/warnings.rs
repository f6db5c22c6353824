//! What nobody hears of as long as calls succeed.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::basics::json::{Object, name};
use crate::basics::two_languages::two;
use crate::error::{EVICTED, Seen};

/// A certificate that ends within so many days is told.
const DAYS: u64 = 30;

/// Something to be set right before it becomes an error.
pub(super) struct Warning {
    pub(super) kind: &'static str,
    pub(super) zh: String,
    pub(super) en: String,
}

impl Warning {
    pub(super) fn json(&self) -> String {
        let mut json = Object::new();
        json.text(name!("kind"), self.kind);
        json.text(name!("zh"), &self.zh);
        json.text(name!("en"), &self.en);
        json.finish()
    }
}

/// The warnings of a call.
pub(super) fn of(seen: &Seen, now: SystemTime) -> Vec<Warning> {
    let mut all = Vec::new();
    let mut warn = |kind, zh: String, en: String| all.push(Warning { kind, zh, en });
    if let Some(offset) = seen.clock_offset_ms.filter(|offset| *offset != 0) {
        let seconds = (offset.unsigned_abs() + 500) / 1000;
        let (way_zh, way) = if offset > 0 { ("慢", "behind") } else { ("快", "ahead of") };
        warn(
            "clock",
            format!(
                "本机时钟比控制中心{way_zh}{seconds}秒(按返回的Date),请校准本机或控制中心的时间;相差10分钟以上时调用会被拒绝,除非按密钥调用并由本库修正(correct_clock)"
            ),
            format!(
                "this machine's clock is {seconds} seconds {way} the control center's, by its `Date`; set the wrong one right: from ten minutes on calls are refused, but for those by keys, which are corrected (`correct_clock`)"
            ),
        );
    }
    if let Some(token) = &seen.token {
        if let Some(trouble) = &token.store_trouble {
            let (trouble, trouble_zh) = two(trouble);
            let trouble_zh = trouble_zh.unwrap_or("请检查其路径、权限或服务器");
            warn(
                "store",
                format!("token_store不可用,本进程暂用自己的内存,请修好token_store:{trouble_zh}"),
                format!(
                    "the store of `token_store` cannot be used, and this process goes on with its own memory: {trouble}"
                ),
            );
        }
        if token.evictions > 0 {
            let times = token.evictions;
            warn(
                "eviction",
                format!(
                    "token在一小时内{times}次提前失效:别处也在用同一个accesskey取token,请让所有机器人共用一个token_store,或各用各的accesskey"
                ),
                format!("the token was refused before its time {times} times within an hour: {EVICTED}"),
            );
        }
    }
    if seen.unverified {
        warn(
            "verify",
            "未校验服务器证书(tls.verify为false),任何人都可冒充控制中心;请改用tls.ca_file或tls.pin_sha256".to_owned(),
            "the server's certificate was not checked (`tls.verify` is false), so anybody may answer in the control center's place; use `tls.ca_file` or `tls.pin_sha256`".to_owned(),
        );
    }
    if let Some(days) = days_left(seen, now).filter(|days| *days < DAYS) {
        warn(
            "certificate",
            format!(
                "服务器证书将在{days}天内到期,请联系控制中心管理员更换;若用tls.pin_sha256固定了该证书,须同时更新指纹"
            ),
            format!(
                "the server's certificate ends within {days} days; have it renewed, and where `tls.pin_sha256` pins it, its pin as well"
            ),
        );
    }
    if seen.repeated {
        warn(
            "repeated",
            "此post可能已被执行,又按\"retry_mode\":\"always\"重发了一次;请到控制中心查看是否重复".to_owned(),
            "this post was sent again though it may have arrived, as \"retry_mode\": \"always\" says; see in the control center whether it ran twice".to_owned(),
        );
    }
    all
}

/// In how many days the certificate has ended, the last one counted; 0 of one that has.
pub(super) fn days_left(seen: &Seen, now: SystemTime) -> Option<u64> {
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    seen.certificate.map(|(ends, _)| ends.saturating_sub(now).div_ceil(24 * 3600))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::basics::two_languages::has_chinese;
    use crate::error::TokenFacts;
    use std::time::Duration;

    fn kinds(seen: &Seen) -> Vec<&'static str> {
        of(seen, UNIX_EPOCH + Duration::from_secs(1_000_000)).iter().map(|warning| warning.kind).collect()
    }

    #[test]
    fn each_trouble_is_told_and_a_healthy_call_is_not() {
        const DAY: u64 = 24 * 3600;
        let ends_in = |days: u64| Some((1_000_000 + days * DAY, [0; 32]));
        let healthy = Seen {
            clock_offset_ms: Some(0),
            certificate: ends_in(30),
            token: Some(TokenFacts::default()),
            ..Seen::default()
        };
        assert!(kinds(&healthy).is_empty() && kinds(&Seen::default()).is_empty());
        let token = TokenFacts {
            evictions: 1,
            store_trouble: Some("it is full (磁盘已满)".to_owned()),
            ..TokenFacts::default()
        };
        let ill = Seen {
            clock_offset_ms: Some(-3_000),
            certificate: ends_in(29),
            token: Some(token),
            unverified: true,
            repeated: true,
            ..Seen::default()
        };
        assert_eq!(kinds(&ill), ["clock", "store", "eviction", "verify", "certificate", "repeated"]);
        assert_eq!(
            days_left(
                &Seen { certificate: Some((5, [0; 32])), ..Seen::default() },
                UNIX_EPOCH + Duration::from_secs(6)
            ),
            Some(0)
        );
        for warning in of(&ill, UNIX_EPOCH) {
            assert!(warning.en.is_ascii() && has_chinese(&warning.zh), "{}", warning.en);
            assert!(!warning.zh.contains("it is"), "{}", warning.zh);
        }
    }
}
