//! Do the control center's addresses take connections?

use serde_json::Value;

use super::case::Case;
use super::check::{Check, Facts, Status, Turn, Words, milliseconds};
use super::way::Way;
use crate::error::Kind;
use crate::network::attempt::Phase;

const NAME: &str = "tcp";

pub(super) fn check(case: &Case<'_>) -> Check {
    let Some(chosen) = &case.ways.chosen else {
        return Check::skipped(NAME, "地址或代理无法确定", "address or proxy are not known");
    };
    let other = case.ways.other.as_ref();
    if let Some(proxy) = &chosen.proxy {
        let mut facts = Facts::default();
        let straight = other.filter(|way| way.proxy.is_none());
        facts.put("addresses", straight.map_or(Value::Null, tried));
        let check = Check::not_done(
            NAME,
            Words::told(
                format_args!("经{}访问,连接由代理建立", proxy.zh()),
                format_args!("calls go through {}, which connects", proxy.en()),
            ),
        );
        return check.with(facts, straight.map_or(std::time::Duration::ZERO, |way| way.connected));
    }
    let mut facts = Facts::default();
    facts.put("addresses", tried(chosen));
    let target = case.target();
    let check = match &chosen.failure {
        Some((Phase::Lookup, _)) => Check::skipped(NAME, "域名没有解析", "the name does not resolve"),
        Some((Phase::Connect, error)) => {
            let is_timeout = error.kind == Kind::Timeout;
            let words = if is_timeout {
                Words::told(
                    format_args!(
                        "连接{target}超时,没有任何回应:多半被防火墙拦截,或地址、端口有误,请核对后联系网络管理员放行"
                    ),
                    format_args!(
                        "no answer from {target}: most likely a firewall drops the connection, or address or port are wrong; check them, then have it opened"
                    ),
                )
            } else {
                Words::told(
                    format_args!("{target}拒绝连接:该端口上没有服务,请核对端口,或确认控制中心已启动"),
                    format_args!(
                        "{target} does not take the connection ({}): nothing listens there; check the port, or whether the control center runs",
                        first_reason(chosen)
                    ),
                )
            };
            let through = other.filter(|way| way.reaches()).and_then(|way| way.proxy.as_ref());
            let (words, setting) = match through {
                Some(proxy) => (
                    words.and(
                        &format!(";经{}可以连通,请去掉\"proxy\":null或改为该代理", proxy.zh()),
                        &format!(
                            "; through {} it is reached: take `\"proxy\": null` out, or name that proxy",
                            proxy.en()
                        ),
                    ),
                    "proxy",
                ),
                None => (words, if is_timeout { "host" } else { "port" }),
            };
            Check::fail(NAME, words, setting, if is_timeout && through.is_none() { Turn::Network } else { Turn::You })
        }
        _ => {
            let bad = chosen.tried.iter().filter(|(_, outcome)| outcome.is_err()).count();
            let took = milliseconds(chosen.connected);
            if bad > 0 {
                Check::warning(
                    NAME,
                    Words::told(
                        format_args!("{target}可以连通,但{bad}个地址连不上,每次连接可能因此变慢,请网络管理员修正DNS"),
                        format_args!(
                            "{target} is reached, but {bad} of its addresses are not, which may slow each connection down: have the name's addresses corrected"
                        ),
                    ),
                    "host",
                    Turn::Network,
                )
            } else {
                Check::new(
                    NAME,
                    Status::Ok,
                    Words::told(
                        format_args!("{target}可以连通({took}毫秒)"),
                        format_args!("{target} is reached ({took} ms)"),
                    ),
                )
            }
        }
    };
    check.with(facts, chosen.connected)
}

fn tried(way: &Way) -> Value {
    let tries = way.tried.iter().map(|(address, outcome)| {
        let mut facts = Facts::default();
        facts.text("address", &address.to_string());
        match outcome {
            Ok(took) => facts.number("ms", milliseconds(*took)),
            Err(why) => facts.text("error", why),
        }
        facts.json()
    });
    Value::Array(tries.collect())
}

fn first_reason(way: &Way) -> &str {
    way.tried.iter().find_map(|(_, outcome)| outcome.as_ref().err()).map_or("", |why| why)
}
