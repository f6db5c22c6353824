//! The certificate: what it is, who vouches for it, and what would.

use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::case::Case;
use super::check::{Check, Facts, Status, Turn, Words};
use super::way::Way;
use crate::basics::time::unix_ms;
use crate::network::attempt::Phase;
use crate::request::Trust;
use crate::tls::chain::{Agreed, Portrait, is_valid_at};
use crate::tls::refused_certificate::Fault;

const NAME: &str = "tls";

const DAY: i64 = 86_400;
/// With fewer days left somebody should see to it.
const FEW_DAYS: i64 = 30;

/// Words in the names of issuers that belong to proxies and scanners which replace certificates.
const INSPECTORS: [&str; 24] = [
    "zscaler",
    "netskope",
    "blue coat",
    "bluecoat",
    "fortinet",
    "fortigate",
    "palo alto",
    "checkpoint",
    "check point",
    "sangfor",
    "深信服",
    "奇安信",
    "qianxin",
    "天融信",
    "topsec",
    "mcafee web",
    "forcepoint",
    "websense",
    "sophos",
    "kaspersky",
    "avast",
    "eset ssl",
    "squid",
    "mitmproxy",
];

pub(super) fn check(case: &Case<'_>) -> Check {
    if !case.request.address.https || case.readable.is_aside("host") {
        return match case.readable.is_aside("host") {
            true => Check::skipped(NAME, "地址无法确定", "the address is not known"),
            false => {
                Check::skipped(NAME, "host以http://开头,不加密", "`host` begins with `http://`: nothing is encrypted")
            }
        };
    }
    let Some(chosen) = &case.ways.chosen else {
        return Check::skipped(NAME, "没有连通", "there is no connection");
    };
    if let Some((phase, error)) = &chosen.failure {
        if *phase != Phase::Tls {
            return Check::skipped(NAME, "没有连通", "there is no connection");
        }
        let turn = if error.detail.contains("does not speak TLS") { Turn::You } else { Turn::ControlCenter };
        let turn = if chosen.proxy.is_some() { Turn::Network } else { turn };
        let setting = if turn == Turn::You { "host" } else { "" };
        return Check::fail(NAME, Words::of(error), setting, turn).with(Facts::default(), chosen.shaken);
    }
    let Some(agreed) = &chosen.agreed else {
        return Check::skipped(NAME, "没有连通", "there is no connection");
    };
    let facts = facts(case, agreed);
    judged(case, chosen, agreed).with(facts, chosen.shaken)
}

fn judged(case: &Case<'_>, chosen: &Way, agreed: &Agreed) -> Check {
    let asked = &case.probe;
    if let Some(error) = &asked.unusable {
        return Check::fail(NAME, Words::of(error), error.field.as_deref().unwrap_or("tls.ca_file"), Turn::You);
    }
    let portrait = agreed.chain.first().and_then(|der| Portrait::of(der));
    if let Some((fault, zh, en)) = &asked.refused {
        let words = Words::new(zh, en);
        if let Some(by) = inspector(case, chosen, agreed) {
            let words = Words::told(
                format_args!(
                    "公司代理或安全软件替换了证书(签发者:{by}),请向网络管理员要它的CA证书(PEM文件)并填入tls.ca_file"
                ),
                format_args!(
                    "a company's proxy or a scanner has put its own certificate in the place of the server's (its issuer is {by}): get its CA's PEM file from the network's administrator and give it as `tls.ca_file`; {en}"
                ),
            );
            return Check::fail(NAME, words, "tls.ca_file", Turn::Network);
        }
        if *fault == Fault::Time && clock_is_to_blame(case, agreed) {
            return Check::skipped(
                NAME,
                "本机时钟有误,证书的有效期无从判断",
                "this machine's clock is wrong: there is no telling whether the certificate is valid",
            );
        }
        let (setting, turn) = match fault {
            Fault::Pin | Fault::SelfSigned => ("tls.pin_sha256", Turn::You),
            Fault::Issuer => ("tls.ca_file", Turn::You),
            Fault::Name => ("host", Turn::ControlCenter),
            Fault::Time | Fault::Other => ("", Turn::ControlCenter),
        };
        return Check::fail(NAME, words, setting, turn);
    }
    // The handshake of a call may fail where any certificate is accepted.
    if let Some(error) = asked.probe.as_ref().and_then(|probe| probe.answer.as_ref().err())
        && error.kind == crate::error::Kind::Tls
    {
        return Check::fail(NAME, Words::of(error), "", Turn::ControlCenter);
    }
    let (by_zh, by_en) = match case.options().trust {
        Trust::Anything => {
            return Check::ok(
                NAME,
                "已连通,但\"verify\":false不核对证书",
                "connected, but with \"verify\": false no certificate is checked",
            );
        }
        Trust::Pinned(_) => ("指纹相符(tls.pin_sha256)", "it is the pinned one"),
        Trust::System { .. } if asked.by_ca_file => ("由tls.ca_file担保", "`tls.ca_file` vouches for it"),
        Trust::System { .. } => ("由系统证书库担保", "the system's store vouches for it"),
    };
    let days = portrait.map(|portrait| days_left(&portrait));
    match days {
        // A pin counts, whatever else the certificate says.
        Some(days) if days < FEW_DAYS && !matches!(case.options().trust, Trust::Pinned(_)) => {
            let words = Words::told(
                format_args!("证书受信任,但{days}天后到期,请控制中心管理员及时更换"),
                format_args!("the certificate is trusted, but ends in {days} days: have it renewed in time"),
            );
            Check::warning(NAME, words, "", Turn::ControlCenter)
        }
        _ => Check::new(
            NAME,
            Status::Ok,
            Words::told(format_args!("证书受信任:{by_zh}"), format_args!("the certificate is trusted: {by_en}")),
        ),
    }
}

fn days_left(portrait: &Portrait) -> i64 {
    let ends = i64::try_from(portrait.ends).unwrap_or(i64::MAX);
    (ends - unix_ms(SystemTime::now()) / 1000).div_euclid(DAY)
}

/// Who has replaced the certificate: by another one on the other way, or by its name.
fn inspector(case: &Case<'_>, chosen: &Way, agreed: &Agreed) -> Option<String> {
    let issuer =
        |agreed: &Agreed| agreed.chain.first().and_then(|der| Portrait::of(der)).map(|portrait| portrait.issuer);
    let own = issuer(agreed)?;
    let other = case.ways.other.as_ref().and_then(|way| way.agreed.as_ref()).and_then(issuer);
    let differs = chosen.proxy.is_some() && other.is_some_and(|other| other != own);
    let lower = own.to_lowercase();
    (differs || INSPECTORS.iter().any(|word| lower.contains(word))).then_some(own)
}

/// Whether by the control center's own clock its certificate is valid.
pub(super) fn clock_is_to_blame(case: &Case<'_>, agreed: &Agreed) -> bool {
    let Some((_, date, after)) = case.probe.probe.as_ref().and_then(|probe| probe.date) else { return false };
    let apart = date.duration_since(after).unwrap_or_else(|error| error.duration());
    let there = u64::try_from(unix_ms(date) / 1000).unwrap_or(0);
    let shown = agreed.chain.iter();
    apart > Duration::from_secs(3600) && shown.clone().count() > 0 && shown.clone().all(|der| is_valid_at(der, there))
}

fn facts(case: &Case<'_>, agreed: &Agreed) -> Facts {
    let mut facts = Facts::default();
    facts.text("version", agreed.version);
    facts.text("cipher", agreed.cipher);
    let chain = agreed.chain.iter().map(|der| {
        let mut facts = Facts::default();
        if let Some(portrait) = Portrait::of(der) {
            for (name, text) in [
                ("subject", &portrait.subject),
                ("issuer", &portrait.issuer),
                ("names", &portrait.names),
                ("from", &portrait.from),
                ("to", &portrait.to),
                ("sha256", &portrait.fingerprint),
                ("spki", &portrait.key_fingerprint),
            ] {
                facts.text(name, text);
            }
        }
        facts.json()
    });
    facts.put("chain", Value::Array(chain.collect()));
    let asked = &case.probe;
    let refused = asked.refused.is_some() || asked.unusable.is_some();
    let vouches = match &case.options().trust {
        _ if refused => "nobody",
        Trust::Anything => "nobody",
        Trust::Pinned(_) => "pin",
        Trust::System { .. } if asked.by_ca_file => "ca_file",
        Trust::System { .. } => "system",
    };
    facts.text("vouched_by", vouches);
    if let Some(portrait) = agreed.chain.first().and_then(|der| Portrait::of(der)) {
        facts.number("days_left", days_left(&portrait));
        if refused {
            let mut trusts = Facts::default();
            trusts.text("tls.pin_sha256", &portrait.fingerprint);
            facts.put("would_trust", trusts.json());
        }
    }
    facts
}
