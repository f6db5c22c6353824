//! The token: the one that is kept, or a new one where that may be asked for.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use zeroize::Zeroizing;

use super::case::Case;
use super::check::{Check, Facts, Status, Turn, Words};
use super::said::Said;
use crate::basics::locks::lock;
use crate::call::token_call;
use crate::error::Source;
use crate::request::{Keys, Pass};
use crate::token::{self, Ask, By, Failure, Held, Keeper, Need, NoReply};
use rpa_signing::Secret;
use rpa_signing::scheme;

const NAME: &str = "token";
const APPKEY: &str = "appkey";

/// What was found, and what a call is signed with.
pub(super) struct Found {
    pub(super) check: Check,
    pub(super) token: Option<Secret>,
    pub(super) keeper: Option<Arc<Keeper>>,
    /// The control center gave it just now.
    pub(super) is_new: bool,
}

impl Found {
    /// The control center has refused it in a signed call.
    pub(super) fn is_refused(&mut self, case: &Case<'_>, said: &Said) {
        let (setting, zh, en) = match &case.request.pass {
            Pass::Given(_) if case.request.scheme.pass() == scheme::Pass::AppKey => (
                APPKEY,
                "请核对它是否抄全、属于这个控制中心且未停用",
                "check that it is whole, of this control center, and enabled",
            ),
            Pass::Given(_) => (
                "accesstoken",
                "请重新取得token,或改为给出accesskey和secretkey",
                "get a new one, or give `accesskey` and `secretkey` in its place",
            ),
            Pass::Keys(_) => (
                "token_store",
                "它已提前失效,多半是别处用同一个accesskey取了新token;请让所有机器人共用一个token_store(普通调用会自动换新token)",
                "it was ended before its time, most likely by another one that was got elsewhere for the same access key: let all robots share one `token_store` (a call gets a new one by itself)",
            ),
        };
        let what = if setting == APPKEY { APPKEY } else { NAME };
        let (does_zh, does_en) = (format!("控制中心拒绝了{what}"), format!("the control center refuses the {what}"));
        let words = said.told((&does_zh, &does_en), (zh, en));
        let refused = Check::fail(NAME, words, setting, Turn::You);
        self.check = refused.with(self.check.facts.clone(), self.check.took);
    }
}

pub(super) fn check(case: &Case<'_>) -> Found {
    let alone = |check| Found { check, token: None, keeper: None, is_new: false };
    if !case.has_pass() {
        return alone(Check::skipped(NAME, "没有给出密钥或token", "neither keys nor a token are given"));
    }
    let keys = match &case.request.pass {
        Pass::Given(token) => {
            let mut facts = Facts::default();
            facts.text("source", "request");
            facts.number("length", i64::try_from(token.expose().len()).unwrap_or(0));
            let (zh, en) = match case.request.scheme.pass() {
                scheme::Pass::Token => {
                    ("token由请求给出,由调用方负责更新", "the request gives the token, and its caller renews it")
                }
                scheme::Pass::AppKey => ("appkey由请求给出", "the request gives the appkey"),
                scheme::Pass::Nothing => ("这一版没有token", "this generation has no tokens"),
            };
            let check = Check::ok(NAME, zh, en).with(facts, Duration::ZERO);
            return Found { check, token: Some(token.clone()), keeper: None, is_new: false };
        }
        Pass::Keys(keys) => keys,
    };
    if case.verified_probe().is_none() {
        return alone(Check::skipped(
            NAME,
            "没有连通,或证书不受信任",
            "there is no connection, or the certificate is not trusted",
        ));
    }
    let keeper = token::keeper(&case.request.address, keys);
    let begun = Instant::now();
    let names = Arc::new(Mutex::new(Vec::new()));
    let held = match case.readable.may_get_token() {
        true => {
            let asking = || asking(case, keys, &names);
            let need =
                Need { options: case.options(), deadline: case.until(0.6), lifetime: keys.lifetime, asking: &asking };
            keeper.token(&need)
        }
        false => match keeper.peek(case.share(0.3)) {
            Some(held) => Ok(held),
            None => {
                let check = Check::skipped(
                    NAME,
                    "还没有保存的token;如需现在取一个,请加上\"get_token\":true(可能使别处正在用的token失效)",
                    "no token is kept yet; to have one asked for now, give \"get_token\": true (which may end one that is used elsewhere)",
                );
                return Found { check, token: None, keeper: Some(keeper), is_new: false };
            }
        },
    };
    let names = std::mem::take(&mut *lock(&names));
    let mut facts = Facts::default();
    if !names.is_empty() {
        facts.put("fields", Value::Array(names.into_iter().map(Value::String).collect()));
    }
    let is_new = held.as_ref().is_ok_and(|held| held.facts.source == Some(Source::Server));
    let (check, token) = match held {
        Ok(held) => (held_well(&held, keys, &keeper, &mut facts), Some(held.token)),
        Err(failure) => (refused(case, failure, &mut facts), None),
    };
    Found { check: check.with(facts, begun.elapsed()), token, keeper: Some(keeper), is_new }
}

fn held_well(held: &Held, keys: &Keys, keeper: &Keeper, facts: &mut Facts) -> Check {
    let source = match held.facts.source {
        Some(Source::Store) => "store",
        Some(Source::Server) => "server",
        _ => "memory",
    };
    facts.text("source", source);
    facts.put("age_ms", held.facts.age_ms.map_or(Value::Null, Value::from));
    let left = held.life_left_ms();
    facts.put("life_left_ms", left.map_or(Value::Null, Value::from));
    facts.flag("lifetime_known", left.is_some());
    facts.flag("lifetime_given", keys.lifetime.is_some());
    let evictions = keeper.facts().evictions;
    facts.number("evictions", i64::try_from(evictions).unwrap_or(i64::MAX));
    if evictions > 0 {
        let words = Words::told(
            format_args!(
                "token在一小时内{evictions}次被别处取得的新token顶掉,请让所有机器人共用一个token_store,或各用各的accesskey"
            ),
            format_args!(
                "the token was ended {evictions} times within an hour by another one, got elsewhere for the same access key: let all robots share one `token_store`, or give each its own access key"
            ),
        );
        return Check::warning(NAME, words, "token_store", Turn::You);
    }
    let (zh, en) = match source {
        "server" => ("已向控制中心取得token", "a token was got from the control center"),
        _ => ("已有可用的token", "a token is kept that has not ended"),
    };
    match left {
        Some(left) => {
            let minutes = left / 60_000;
            Check::new(
                NAME,
                Status::Ok,
                Words::told(
                    format_args!("{zh},还有{minutes}分钟有效"),
                    format_args!("{en}; it lives {minutes} more minutes"),
                ),
            )
        }
        None => Check::new(
            NAME,
            Status::Ok,
            Words::told(format_args!("{zh},有效期未知"), format_args!("{en}; how long it lives is not known")),
        ),
    }
}

fn refused(case: &Case<'_>, failure: Failure, facts: &mut Facts) -> Check {
    let (reply, is_busy) = match failure {
        Failure::Refused { reply, is_busy } => (Zeroizing::new(reply), is_busy),
        Failure::Error(NoReply { error, .. }) => {
            let turn = Turn::of_status(error.http_status).unwrap_or(Turn::ControlCenter);
            return Check::fail(NAME, Words::of(&error), "", turn);
        }
    };
    let said = Said::of(&reply, &case.redactor());
    said.put_into(facts);
    let gives_none = ("控制中心不给token", "the control center gives no token");
    let (does, step, setting, turn) = if is_busy || said.is_of_the_server() {
        (
            ("控制中心暂时不能给token", "the control center cannot give a token now"),
            ("请稍后再试或联系控制中心管理员", "try again later, or ask its administrator"),
            "",
            Turn::ControlCenter,
        )
    } else if said.is_of_time() {
        (gives_none, ("请先校准本机时间", "set this machine's clock right first"), "", Turn::You)
    } else if said.is_of_rights() {
        let step = (
            "请联系控制中心管理员处理账号、授权或白名单",
            "have its administrator see to the account, the licence or the list of addresses",
        );
        (gives_none, step, "", Turn::ControlCenter)
    } else {
        (
            ("控制中心拒绝了accesskey或secretkey", "the control center refuses `accesskey` or `secretkey`"),
            (
                "请核对这两个密钥是否抄全、属于这个控制中心且未停用",
                "check that both are whole, of this control center, and enabled",
            ),
            "accesskey",
            Turn::You,
        )
    };
    Check::fail(NAME, said.told(does, step), setting, turn)
}

/// How to ask for a token; the names of the fields of what comes are kept.
fn asking(case: &Case<'_>, keys: &Keys, names: &Arc<Mutex<Vec<String>>>) -> Arc<Ask> {
    let (ask, names) = (token_call::asking(&case.request.address, case.options(), keys), names.clone());
    Arc::new(move |by: &By, deadline| {
        let reply = ask(by, deadline)?;
        *lock(&names) = field_names(&reply.text);
        Ok(reply)
    })
}

/// Nothing of the values is kept.
fn field_names(reply: &[u8]) -> Vec<String> {
    type Names = std::collections::BTreeMap<String, serde::de::IgnoredAny>;
    #[derive(serde::Deserialize)]
    struct Outer {
        result: Option<Names>,
    }
    match serde_json::from_slice::<Outer>(reply) {
        Ok(Outer { result: Some(names) }) => names.into_keys().take(20).collect(),
        _ => Vec::new(),
    }
}
