//! Which way a call takes, and why.

use serde_json::Value;

use super::case::Case;
use super::check::{Check, Facts, Turn, Words};
use crate::proxy::environment::Environment;
use crate::proxy::script;
use crate::request::Proxy;

const NAME: &str = "route";

pub(super) fn check(case: &Case<'_>) -> Check {
    let mut facts = Facts::default();
    if let Some(error) = &case.ways.refused {
        return Check::fail(NAME, Words::of(error), "proxy", Turn::You);
    }
    let Some(route) = &case.ways.route else {
        return Check::skipped(NAME, "host、port或proxy无法读取", "`host`, `port` or `proxy` cannot be read");
    };
    let setting = &case.request.options.proxy;
    if let Some(script) = script::ignored(setting) {
        facts.text("ignored_script", &script);
    }
    if let Some(proxy) = route.proxy() {
        facts.text("proxy", &proxy.server.shown());
        facts.text("from", &proxy.source.en());
        return Check::ok(NAME, format!("经{}访问", proxy.zh()), format!("calls go through {}", proxy.en()))
            .with(facts, std::time::Duration::ZERO);
    }
    facts.put("proxy", Value::Null);
    let excepted =
        Environment::of_process().exceptions().filter(|_| *setting == Proxy::System && case.ways.other_is_named());
    let (zh, en) = match (setting, excepted) {
        (Proxy::System, Some((name, _))) => {
            facts.text("from", name);
            (
                format!("直接访问:环境变量{name}把该主机列为不走代理"),
                format!("straight: the environment variable {name} excepts this host from the proxy"),
            )
        }
        (Proxy::System, None) => {
            facts.text("from", "system");
            ("直接访问:没有设置代理".to_owned(), "straight: no proxy is set".to_owned())
        }
        _ => {
            facts.text("from", "proxy");
            ("直接访问:字段proxy为空".to_owned(), "straight: the field `proxy` says so".to_owned())
        }
    };
    Check::ok(NAME, zh, en).with(facts, std::time::Duration::ZERO)
}
