//! What the proxy says, and whether it is better without it.

use super::case::Case;
use super::check::{Check, Facts, Status, Turn, Words, milliseconds};
use super::way::Way;
use crate::error::{Error, Kind};
use crate::network::attempt::Phase;
use crate::proxy::in_use::{ProxyInUse, Source};

const NAME: &str = "proxy";

pub(super) fn check(case: &Case<'_>) -> Check {
    let Some(chosen) = &case.ways.chosen else {
        return Check::skipped(NAME, "地址或代理无法确定", "address or proxy are not known");
    };
    let mut facts = Facts::default();
    for way in [Some(chosen), case.ways.other.as_ref()].into_iter().flatten() {
        facts.put(if way.proxy.is_some() { "with" } else { "without" }, outcome(way));
    }
    let Some(proxy) = &chosen.proxy else {
        return Check::skipped(NAME, "不经代理", "no proxy is used").with(facts, std::time::Duration::ZERO);
    };
    let took = chosen.looked_up + chosen.connected + chosen.asked;
    let straight = case.ways.other.as_ref().is_some_and(Way::leads_on);
    // A proxy that forwards plain HTTP is asked by the request itself.
    let forwarded = case.probe.probe.as_ref().and_then(|probe| probe.answer.as_ref().err());
    if let Some(error) = forwarded.filter(|error| error.kind == Kind::Proxy) {
        return failed(error, proxy, straight).with(facts, took);
    }
    if case.probe.is_better_straight {
        let words = match forwarded {
            Some(error) => Words::of(error),
            None => Words::told(
                format_args!("经{}得到的不是控制中心的应答", proxy.zh()),
                format_args!("what comes through {} is no answer of a control center", proxy.en()),
            ),
        };
        return better_straight(words, proxy).with(facts, took);
    }
    match &chosen.failure {
        // The proxy said yes; but what comes through it is not what comes without it.
        Some((Phase::Tls, error)) if straight => better_straight(Words::of(error), proxy),
        Some((Phase::Tls, _)) | None => {
            let (zh, en) = match (straight, chosen.failure.is_some()) {
                (true, _) => ("不经代理也可以连通", "it is reached without it, too"),
                (false, _) => ("不经代理连不通", "it is not reached without it"),
            };
            Check::new(
                NAME,
                Status::Ok,
                Words::told(format_args!("{}可用,{zh}", proxy.zh()), format_args!("{} leads on; {en}", proxy.en())),
            )
        }
        Some((_, error)) => failed(error, proxy, straight),
    }
    .with(facts, took)
}

/// The failure of a proxy, and the way out where it is better without it.
fn failed(error: &Error, proxy: &ProxyInUse, straight: bool) -> Check {
    let turn = match (error.kind, error.http_status) {
        (Kind::Proxy, Some(401 | 407)) => Turn::You,
        (Kind::Proxy, Some(_)) => Turn::Network,
        _ => Turn::You,
    };
    if straight {
        return Check { turn: Some(turn), ..better_straight(Words::of(error), proxy) };
    }
    Check::fail(NAME, Words::of(error), setting(proxy.source), turn)
}

/// Without the proxy the control center is reached.
fn better_straight(words: Words, proxy: &ProxyInUse) -> Check {
    let words = words.and(
        ";不经代理可以连通,请把字段proxy设为null(或把该主机加入NO_PROXY)",
        "; without the proxy it is reached: give `\"proxy\": null`, or add the host to NO_PROXY",
    );
    Check::fail(NAME, words, setting(proxy.source), Turn::You)
}

/// What sets the proxy.
pub(super) fn setting(source: Source) -> &'static str {
    match source {
        Source::Field => "proxy",
        Source::Variable(name) => name,
        Source::Windows => "AutoConfigURL/ProxyServer",
    }
}

fn outcome(way: &Way) -> serde_json::Value {
    let mut facts = Facts::default();
    facts.flag("ok", way.leads_on());
    if let Some(proxy) = &way.proxy {
        facts.text("proxy", &proxy.server.shown());
    }
    facts.number("lookup_ms", milliseconds(way.looked_up));
    facts.number("connect_ms", milliseconds(way.connected));
    facts.number("answer_ms", milliseconds(way.asked));
    facts.number("tls_ms", milliseconds(way.shaken));
    if let Some((phase, error)) = &way.failure {
        facts.text("phase", phase.in_words());
        facts.text("error", &error.detail);
        if let Some(status) = error.http_status {
            facts.number("http_status", i64::from(status));
        }
    }
    facts.json()
}
