//! What answers: a control center, or something else.

use super::case::Case;
use super::check::{Check, Facts, Status, Turn, Words};
use super::generation;
use super::probe::Probe;
use super::said::beginning;
use crate::error::{Error, Kind};
use rpa_signing::scheme::Pass;
use serde_json::Value;

const NAME: &str = "http";

pub(super) fn check(case: &Case<'_>) -> Check {
    let Some(probe) = case.verified_probe() else {
        return Check::skipped(
            NAME,
            "没有连通,或证书不受信任",
            "there is no connection, or the certificate is not trusted",
        );
    };
    let facts = facts(case, probe);
    let status = probe.status.unwrap_or(0);
    let (shown, scheme) = (&case.probe.shown, case.request.scheme);
    let is_told = !case.readable.is_aside("generation") && !case.probe.without_prefix;
    if let Some(other) = shown.contradicts(scheme).filter(|_| is_told) {
        return other.with(facts, probe.took);
    }
    // Of 10.3 no path is known that is always there.
    let is_path_known = scheme.pass() != Pass::AppKey || case.probe.path == case.request.path;
    let said = said_status(probe);
    // Any program of the kind answers by such envelopes. A control center is recognised by its paths, too.
    let may_be_another = probe.is_control_center() && !shown.fits(scheme);
    let check = match &probe.answer {
        _ if case.probe.without_prefix => Check::skipped(NAME, "host中的路径有误", "the path in `host` is wrong"),
        _ if status == 404 && !is_path_known && !shown.fits(scheme) => Check::skipped(
            NAME,
            "10.3版没有公开的探测地址;请加上rest_type和\"mode\":\"get\"再诊断",
            "no path of generation 10.3 is published that could be asked: give `rest_type` and \"mode\": \"get\"",
        ),
        Ok(_) if probe.is_of_its_kind() && (500..600).contains(&said) => {
            let words = Words::told(
                format_args!("控制中心内部出错({said}),请联系控制中心管理员查看其日志"),
                format_args!("the control center fails by itself ({said}): let its administrator look into its log"),
            );
            Check::fail(NAME, words, "", Turn::ControlCenter)
        }
        Ok(_) if may_be_another && said == 404 && is_path_known => no_such_path(case, probe),
        Ok(_) if may_be_another && matches!(said, 401 | 403 | 429) => lets_nobody_in(case, probe),
        _ if shown.fits(scheme) || probe.is_of_its_kind() => Check::new(
            NAME,
            Status::Ok,
            Words::told(
                format_args!("是控制中心(HTTP {status})"),
                format_args!("a control center answers (HTTP status {status})"),
            ),
        ),
        Ok(answer) => foreign(status, answer),
        Err(error) => failed(case, error, probe),
    };
    check.with(facts, probe.took)
}

/// It has shown otherwise that it is one; `beyond_doubt`, that it is of the request's generation.
pub(super) fn is_known(checks: &mut [Check], beyond_doubt: bool) {
    let is_doubted = |check: &&mut Check| {
        let is_of_generation = check.setting.as_deref() == Some(generation::SETTING);
        check.name == NAME
            && match check.status {
                Status::Fail => beyond_doubt || !is_of_generation,
                Status::Warning => !is_of_generation,
                _ => false,
            }
    };
    if let Some(check) = checks.iter_mut().find(is_doubted) {
        let known = Check::ok(
            NAME,
            "是控制中心(已取得token或接受了签名)",
            "a control center: it gave a token or took a signed call",
        );
        *check = known.with(check.facts.clone(), check.took);
    }
}

/// The status, or what the envelope of a success says in its place.
fn said_status(probe: &Probe) -> i64 {
    match probe.status.unwrap_or(0) {
        200..300 => probe.code().unwrap_or(0),
        status => i64::from(status),
    }
}

/// There is nothing where each control center has something.
fn no_such_path(case: &Case<'_>, probe: &Probe) -> Check {
    let (path, msg) = (&case.probe.path, beginning(probe.msg()));
    let words = Words::told(
        format_args!("应答的多半不是控制中心:它没有{path}(404:{msg}),请核对host的主机、端口和路径"),
        format_args!(
            "what answers is most likely no control center: it has no {path} (404: {msg}); check host, port and path in `host`"
        ),
    );
    Check::fail(NAME, words, "host", Turn::You)
}

/// It refuses what a control center lets anybody ask.
fn lets_nobody_in(case: &Case<'_>, probe: &Probe) -> Check {
    let (path, said, msg) = (&case.probe.path, said_status(probe), beginning(probe.msg()));
    let (setting, turn) = if said == 429 { ("", Turn::Network) } else { ("host", Turn::You) };
    let words = Words::told(
        format_args!("看不出是不是控制中心:{path}答复{said}({msg}),请核对host,或请网络管理员检查网关"),
        format_args!(
            "there is no telling whether it is a control center: {path} is answered {said} ({msg}); check `host`, or have the gateway checked"
        ),
    );
    Check::warning(NAME, words, setting, turn)
}

/// JSON that no control center writes.
fn foreign(status: u16, answer: &Value) -> Check {
    let said = beginning(&answer.to_string());
    let turn = Turn::of_status(Some(status));
    let words = match turn {
        Some(Turn::ControlCenter) => Words::told(
            format_args!("网关答复HTTP {status}({said}),它后面的控制中心没有应答,请联系控制中心管理员"),
            format_args!(
                "a gateway answers HTTP status {status} ({said}): the control center behind it does not answer; tell its administrator"
            ),
        ),
        Some(_) => Words::told(
            format_args!("网关不放行(HTTP {status}):{said},请联系网络管理员,它要求的请求头可用headers给出"),
            format_args!(
                "a gateway does not let calls through (HTTP status {status}): {said}; ask the network's administrator, and give headers that it wants as `headers`"
            ),
        ),
        None => Words::told(
            format_args!(
                "应答的不是控制中心(HTTP {status}):{said},请核对host的主机、端口和路径,或请网关管理员检查转发规则"
            ),
            format_args!(
                "what answers is no control center (HTTP status {status}): {said}; check host, port and path in `host`, or have the gateway's routes checked"
            ),
        ),
    };
    Check::fail(NAME, words, if turn.is_none() { "host" } else { "" }, turn.unwrap_or(Turn::You))
}

fn failed(case: &Case<'_>, error: &Error, probe: &Probe) -> Check {
    let chosen = case.ways.chosen.as_ref().and_then(|way| way.proxy.as_ref());
    if (error.kind, chosen.is_some()) == (Kind::Proxy, true) {
        return Check::skipped(NAME, "代理没有转到控制中心", "the proxy does not lead on");
    }
    if error.kind == Kind::Tls {
        return Check::skipped(NAME, "TLS握手失败", "the TLS handshake failed");
    }
    let (setting, turn) = match (Turn::of_status(probe.status), error.kind) {
        (Some(turn), _) => ("", turn),
        (None, Kind::Timeout | Kind::Disconnected) => ("", Turn::ControlCenter),
        _ => ("host", Turn::You),
    };
    Check::fail(NAME, Words::of(error), setting, turn)
}

fn facts(case: &Case<'_>, probe: &Probe) -> Facts {
    let mut facts = Facts::default();
    facts.text("path", &case.probe.path);
    if let Some(status) = probe.status {
        facts.number("status", i64::from(status));
    }
    for (name, text) in [("server", &probe.server), ("content_type", &probe.content_type)] {
        if let Some(text) = text {
            facts.text(name, &text.chars().take(80).collect::<String>());
        }
    }
    if let Some(location) = &probe.location {
        // Where it leads, less a query.
        facts.text("location", location.split(['?', '#']).next().unwrap_or_default());
    }
    facts.flag("is_control_center", probe.is_control_center());
    case.probe.shown.tell(&mut facts);
    facts
}
