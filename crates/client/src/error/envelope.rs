//! The reply that tells a caller what went wrong.

use std::time::Duration;

use serde::Serialize;
use serde_json::value::RawValue;

use super::{Delivered, Error, Function, Kind, Seen, TokenFacts};
use crate::basics::json::{Object, name};

/// The reply that a failed call gives.
#[derive(Serialize)]
struct Envelope<'a> {
    code: u16,
    msg: String,
    result: (),
    error: Facts<'a>,
}

#[derive(Serialize)]
struct Facts<'a> {
    kind: Kind,
    detail: &'a str,
    field: Option<&'a str>,
    http_status: Option<u16>,
    attempts: u32,
    delivered: Delivered,
    elapsed_ms: u64,
    /// Only where the library looks after the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a TokenFacts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resume: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    started: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply: Option<&'a RawValue>,
}

/// What an error is told with.
#[derive(Clone, Copy)]
pub(crate) struct Told<'a> {
    pub(crate) function: Function,
    pub(crate) id: &'a str,
    /// When the call ended.
    pub(crate) time: &'a str,
    pub(crate) elapsed: Duration,
    pub(crate) seen: &'a Seen,
}

impl Told<'_> {
    /// Writes whose call it was.
    pub(crate) fn write(&self, json: &mut Object) {
        json.word(name!("id"), self.id);
        json.word(name!("time"), self.time);
        json.word(name!("version"), env!("CARGO_PKG_VERSION"));
        json.word(name!("function"), self.function.name());
        self.seen.write(json);
    }

    pub(crate) fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.elapsed.as_millis()).unwrap_or(u64::MAX)
    }
}

impl Error {
    /// The reply that tells the caller: the reference's `code` and `msg`, and the facts.
    pub(crate) fn envelope(&self, told: &Told<'_>) -> Vec<u8> {
        let (code, reference) = self.code_and_reference_text(told.function);
        let part = self.part.as_deref();
        let separator = if reference.ends_with('!') { "" } else { ":" };
        let envelope = Envelope {
            code,
            msg: format!("{reference}{separator}{}", self.cause),
            result: (),
            error: Facts {
                kind: self.kind,
                detail: &self.detail,
                field: self.field.as_deref(),
                http_status: self.http_status,
                attempts: self.attempts,
                delivered: self.delivered,
                elapsed_ms: told.elapsed_ms(),
                token: self.token.as_deref(),
                part: part.and_then(|part| part.name),
                page: part.and_then(|part| part.page),
                pointer: part.and_then(|part| part.pointer.as_deref()),
                resume: part.and_then(|part| part.resume.as_deref()),
                started: part.and_then(|part| part.started.as_deref()),
                reply: part.and_then(|part| part.reply.as_deref()),
            },
        };
        let mut json = serde_json::to_vec(&envelope).expect("texts and numbers alone are always JSON");
        let mut further = Object::new();
        told.write(&mut further);
        further.text(name!("hint"), &self.hint(told.function, told.seen.proxy.as_ref().map(|(_, from)| &**from)));
        // Two braces end it; the further members begin with one that a comma takes the place of.
        json.truncate(json.len().saturating_sub(2));
        json.push(b',');
        json.extend_from_slice(further.finish().get(1..).unwrap_or_default().as_bytes());
        json.push(b'}');
        json
    }

    /// The `code` that goes with it.
    pub(crate) fn code(&self, function: Function) -> u16 {
        self.code_and_reference_text(function).0
    }

    fn code_and_reference_text(&self, function: Function) -> (u16, &'static str) {
        match (function, self.kind) {
            (Function::GetToken, _) => (44, "fail,获取token失败"),
            (Function::RefreshToken, _) => (44, "fail,刷新token失败"),
            (_, Kind::Argument) if self.concerns_signature_alone() => (41, "fail,获取签名失败!"),
            (_, Kind::Argument) => (41, "fail,转换URL参数失败!"),
            (_, Kind::Mode) => (42, "fail,mode错误,只能为get、put、post或delete!"),
            (_, Kind::Internal) => (40, "fail,意外情况"),
            _ => (40, "fail,发送API失败!"),
        }
    }

    fn concerns_signature_alone(&self) -> bool {
        matches!(self.field.as_deref(), Some("accesstoken" | "appkey" | "timestamp" | "encoding"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn envelopes_begin_with_the_text_of_the_reference() {
        let tls = Error { attempts: 2, ..Error::new(Kind::Tls, "证书不受信任", "...") };
        let seen = Seen::default();
        let envelope = |error: &Error, function, elapsed| {
            error.envelope(&Told { function, id: "i", time: "t", elapsed: Duration::from_millis(elapsed), seen: &seen })
        };
        let expected = concat!(
            r#"{"code":40,"msg":"fail,发送API失败!证书不受信任","result":null,"error":{"kind":"tls","detail":"...","field":null,"http_status":null,"attempts":2,"delivered":"no","elapsed_ms":37,"#,
            r#""id":"i","time":"t","version":""#,
            env!("CARGO_PKG_VERSION"),
            r#"","function":"rpa_call","target":null,"peer":null,"proxy":null,"proxy_from":null,"phase":null,"#,
            r#""ms":{"dns":null,"connect":null,"proxy":null,"tls":null,"send":null,"wait":null,"read":null},"#,
            r#""hint":"请按msg核对服务器证书;自签名证书请填「tls.ca_file」或「tls.pin_sha256」,本机时间也须正确"}}"#,
        );
        assert_eq!(String::from_utf8(envelope(&tls, Function::Call, 37)).unwrap(), expected);
        let parse = |text: &[u8]| serde_json::from_slice::<serde_json::Value>(text).unwrap();
        let begins = |error: &Error, function, expected: &str| {
            let reply = parse(&envelope(error, function, 0));
            assert!(reply["msg"].as_str().unwrap().starts_with(expected), "{reply}");
        };
        begins(&tls, Function::GetToken, "fail,获取token失败:证书");
        begins(&tls, Function::RefreshToken, "fail,刷新token失败:证书");
        begins(&Error::argument("accesstoken", "x", "x"), Function::Call, "fail,获取签名失败!");
        begins(&Error::argument("host", "x", "x"), Function::Call, "fail,转换URL参数失败!");
        begins(&Error::new(Kind::Internal, "x", "x"), Function::Call, "fail,意外情况:");
        begins(&Error::new(Kind::TooLarge, "x", "x"), Function::Call, "fail,发送API失败!");
    }
}
