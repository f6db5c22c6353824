//! The reply that tells a caller what went wrong.

use std::time::Duration;

use super::{Error, Function, Kind, Seen};
use crate::basics::json::{Object, name};

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

    pub(crate) fn elapsed_ms(&self) -> i64 {
        i64::try_from(self.elapsed.as_millis()).unwrap_or(i64::MAX)
    }
}

impl Error {
    /// The reply that tells the caller: the reference's `code` and `msg`, and the facts.
    pub(crate) fn envelope(&self, told: &Told<'_>) -> Vec<u8> {
        let (code, reference) = self.code_and_reference_text(told.function);
        let separator = if reference.ends_with('!') { "" } else { ":" };
        let mut json = Object::new();
        json.number(name!("code"), Some(code));
        json.text(name!("msg"), &[reference, separator, &self.cause].concat());
        json.raw(name!("result"), "null");
        json.begin(name!("error"));
        json.word(name!("kind"), self.kind.word());
        json.text(name!("detail"), &self.detail);
        json.maybe(name!("field"), self.field.as_deref());
        json.number(name!("http_status"), self.http_status);
        json.number(name!("attempts"), Some(self.attempts));
        json.word(name!("delivered"), self.delivered.word());
        json.number(name!("elapsed_ms"), Some(told.elapsed_ms()));
        // Only where the library looks after the token.
        if let Some(token) = &self.token {
            token.write(&mut json);
        }
        if let Some(part) = &self.part {
            part.write(&mut json);
        }
        told.write(&mut json);
        json.text(name!("hint"), &self.hint(told.function, told.seen.proxy.as_ref().map(|(_, from)| &**from)));
        json.end();
        json.finish().into_bytes()
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
