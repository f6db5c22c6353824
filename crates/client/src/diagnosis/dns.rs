//! Does the control center's name resolve?

use serde_json::Value;

use super::case::Case;
use super::check::{Check, Facts, Status, Turn, Words};
use super::way::Way;
use crate::error::Kind;
use crate::network::attempt::Phase;
use crate::request::without_brackets;

const NAME: &str = "dns";

pub(super) fn check(case: &Case<'_>) -> Check {
    let host = case.request.address.lookup_name().into_owned();
    let Some(chosen) = &case.ways.chosen else {
        return Check::skipped(NAME, "地址或代理无法确定", "address or proxy are not known");
    };
    let direct =
        if chosen.proxy.is_none() { Some(chosen) } else { case.ways.other.as_ref().filter(|way| way.proxy.is_none()) };
    let mut facts = Facts::default();
    facts.text("name", &host);
    if without_brackets(case.request.address.host()).parse::<std::net::IpAddr>().is_ok() {
        return Check::new(
            NAME,
            Status::Ok,
            Words::told(
                format_args!("{host}是IP地址,不需要解析"),
                format_args!("{host} is an IP address: nothing to look up"),
            ),
        )
        .with(facts, std::time::Duration::ZERO);
    }
    let took = direct.map_or(std::time::Duration::ZERO, |way| way.looked_up);
    facts.put("addresses", Value::Array(direct.map_or(Vec::new(), addresses)));
    if let Some(proxy) = &chosen.proxy {
        let check = Check::not_done(
            NAME,
            Words::told(
                format_args!("经{}访问,域名由代理解析", proxy.zh()),
                format_args!("calls go through {}, which looks the name up", proxy.en()),
            ),
        );
        return check.with(facts, took);
    }
    match &chosen.failure {
        Some((Phase::Lookup, error)) => {
            let turn = if error.kind == Kind::Timeout { Turn::Network } else { Turn::You };
            let words = match error.kind {
                Kind::Timeout => Words::told(
                    format_args!("解析域名{host}超时:DNS服务器没有响应,请检查本机的DNS设置和网络"),
                    format_args!(
                        "the lookup of {host} timed out: no name server answers; check this machine's DNS settings and its network"
                    ),
                ),
                _ => Words::of(error),
            };
            Check::fail(NAME, words, "host", turn).with(facts, took)
        }
        _ => {
            let count = chosen.addresses.len();
            let list =
                chosen.addresses.iter().take(4).map(|address| address.ip().to_string()).collect::<Vec<_>>().join(", ");
            Check::new(
                NAME,
                Status::Ok,
                Words::told(
                    format_args!("{host}解析到{count}个地址:{list}"),
                    format_args!("{host} has {count} addresses: {list}"),
                ),
            )
            .with(facts, took)
        }
    }
}

fn addresses(way: &Way) -> Vec<Value> {
    way.addresses.iter().map(|address| Value::String(address.ip().to_string())).collect()
}
