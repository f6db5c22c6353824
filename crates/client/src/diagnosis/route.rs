//! Which way a call takes, and why.

use serde_json::Value;

use super::case::Case;
use super::check::{Check, Facts, Status, Turn, Words};
use super::proxy;
use crate::proxy::environment::Environment;
use crate::proxy::in_use::Source;
use crate::proxy::script;
use crate::request::Proxy;

const NAME: &str = "route";

pub(super) fn check(case: &Case<'_>) -> Check {
    let mut facts = Facts::default();
    if let Some(error) = &case.ways.refused {
        let named = match case.request.options.proxy {
            Proxy::System => Environment::of_process().named_for(&case.request.address),
            _ => Ok(None),
        };
        let source = named.ok().flatten().map_or(Source::Field, |(_, source)| source);
        return Check::fail(NAME, Words::of(error), proxy::setting(source), Turn::You);
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
        return Check::new(
            NAME,
            Status::Ok,
            Words::told(format_args!("经{}访问", proxy.zh()), format_args!("calls go through {}", proxy.en())),
        )
        .with(facts, std::time::Duration::ZERO);
    }
    facts.put("proxy", Value::Null);
    let excepted =
        Environment::of_process().exceptions().filter(|_| *setting == Proxy::System && case.ways.other_is_named());
    let (from, words) = match (setting, excepted) {
        (Proxy::System, Some((name, _))) => (
            name,
            Words::told(
                format_args!("直接访问:环境变量{name}把该主机列为不走代理"),
                format_args!("straight: the environment variable {name} excepts this host from the proxy"),
            ),
        ),
        (Proxy::System, None) => ("system", Words::new("直接访问:没有设置代理", "straight: no proxy is set")),
        _ => ("proxy", Words::new("直接访问:字段proxy为空", "straight: the field `proxy` says so")),
    };
    facts.text("from", from);
    Check::new(NAME, Status::Ok, words).with(facts, std::time::Duration::ZERO)
}
