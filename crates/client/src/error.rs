//! What went wrong, and the envelope that says so.

pub(crate) mod system;

use std::time::Duration;

use serde::Serialize;

use crate::token;

/// The kinds of the contract. Serialised, a kind is the contract's word for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Argument,
    Mode,
    Dns,
    Connect,
    Proxy,
    Tls,
    Timeout,
    Disconnected,
    Redirect,
    Response,
    TooLarge,
    Internal,
}

impl Kind {
    /// Whether nothing was tried: the request is wrong, or the library.
    pub(crate) fn is_before_any_attempt(self) -> bool {
        matches!(self, Kind::Argument | Kind::Mode | Kind::Internal)
    }
}

/// Whether the server can have seen the request; the greater, the likelier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Delivered {
    #[default]
    No,
    Unknown,
    Yes,
}

/// The function that was called, as far as its errors differ from those of the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// `rpa_get_token`
    GetToken,
    /// `rpa_refresh_token`
    RefreshToken,
    /// `rpa_call`
    Call,
    /// `rpa_sign`
    Sign,
}

/// A failed call. It never holds a key, a token, a signature, a password or a query.
#[derive(Debug, Clone)]
pub(crate) struct Error {
    pub(crate) kind: Kind,
    /// A few Chinese words for the one who built the flow.
    pub(crate) cause: String,
    /// An English sentence for a log or a search.
    pub(crate) detail: String,
    /// The field of the request that is wrong, with a point before an inner one: `tls.ca_file`.
    pub(crate) field: Option<String>,
    pub(crate) http_status: Option<u16>,
    pub(crate) delivered: Delivered,
    pub(crate) attempts: u32,
    /// Another attempt would end the same way, or harm: a refused certificate, refused credentials.
    pub(crate) is_final: bool,
    /// How long the server asks to wait before the next attempt.
    pub(crate) retry_after: Option<Duration>,
    /// Of the token that the library looks after.
    pub(crate) token: Option<Box<token::Facts>>,
}

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
    token: Option<&'a token::Facts>,
}

impl Error {
    pub(crate) fn new(kind: Kind, cause: impl Into<String>, detail: impl Into<String>) -> Self {
        Error {
            kind,
            cause: cause.into(),
            detail: detail.into(),
            field: None,
            http_status: None,
            delivered: Delivered::No,
            attempts: 0,
            is_final: false,
            retry_after: None,
            token: None,
        }
    }

    /// The request text as a whole is wrong.
    pub(crate) fn request(cause: &str, detail: impl Into<String>) -> Self {
        Error::new(Kind::Argument, cause, detail)
    }

    /// A field of the request is wrong.
    pub(crate) fn argument(field: impl Into<String>, cause: impl Into<String>, detail: impl Into<String>) -> Self {
        Error { field: Some(field.into()), ..Error::new(Kind::Argument, cause, detail) }
    }

    /// The reply that tells the caller: the reference's `code` and `msg`, and the facts.
    pub(crate) fn envelope(&self, function: Function, elapsed: Duration) -> Vec<u8> {
        let (code, reference) = self.code_and_reference_text(function);
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
                elapsed_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
                token: self.token.as_deref(),
            },
        };
        serde_json::to_vec(&envelope).expect("texts and numbers alone are always JSON")
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
        matches!(self.field.as_deref(), Some("accesstoken" | "timestamp" | "encoding"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn envelopes_begin_with_the_text_of_the_reference() {
        let tls = Error { attempts: 2, ..Error::new(Kind::Tls, "证书不受信任", "...") };
        let expected = r#"{"code":40,"msg":"fail,发送API失败!证书不受信任","result":null,"error":{"kind":"tls","detail":"...","field":null,"http_status":null,"attempts":2,"delivered":"no","elapsed_ms":37}}"#;
        assert_eq!(tls.envelope(Function::Call, Duration::from_millis(37)), expected.as_bytes());
        let parse = |text: &[u8]| serde_json::from_slice::<serde_json::Value>(text).unwrap();
        let begins = |error: &Error, function, expected: &str| {
            let reply = parse(&error.envelope(function, Duration::ZERO));
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
