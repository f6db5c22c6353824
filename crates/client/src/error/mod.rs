//! What went wrong, and the envelope that says so.

mod envelope;
mod hint;
mod part;
mod seen;
pub(crate) mod system;
mod token_facts;

use std::time::Duration;

pub(crate) use envelope::Told;
pub(crate) use part::{Part, as_it_came};
pub(crate) use seen::{PARTS, Seen, Target};
pub(crate) use token_facts::{EVICTED, Refusal, Source, TokenFacts};

/// The kinds of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    /// The contract's word for it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Kind::Argument => "argument",
            Kind::Mode => "mode",
            Kind::Dns => "dns",
            Kind::Connect => "connect",
            Kind::Proxy => "proxy",
            Kind::Tls => "tls",
            Kind::Timeout => "timeout",
            Kind::Disconnected => "disconnected",
            Kind::Redirect => "redirect",
            Kind::Response => "response",
            Kind::TooLarge => "too_large",
            Kind::Internal => "internal",
        }
    }

    /// Whether nothing was tried: the request is wrong, or the library.
    pub(crate) fn is_before_any_attempt(self) -> bool {
        matches!(self, Kind::Argument | Kind::Mode | Kind::Internal)
    }
}

/// Whether the server can have seen the request; the greater, the likelier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Delivered {
    #[default]
    No,
    Unknown,
    Yes,
}

impl Delivered {
    /// The contract's word for it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Delivered::No => "no",
            Delivered::Unknown => "unknown",
            Delivered::Yes => "yes",
        }
    }
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
    /// `rpa_diagnose`
    Diagnose,
}

impl Function {
    /// Its name in C.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Function::GetToken => "rpa_get_token",
            Function::RefreshToken => "rpa_refresh_token",
            Function::Call => "rpa_call",
            Function::Sign => "rpa_sign",
            Function::Diagnose => "rpa_diagnose",
        }
    }
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
    pub(crate) field: Option<Box<str>>,
    pub(crate) http_status: Option<u16>,
    pub(crate) delivered: Delivered,
    pub(crate) attempts: u32,
    /// Another attempt would end the same way, or harm: a refused certificate, refused credentials.
    pub(crate) is_final: bool,
    /// How long the server asks to wait before the next attempt.
    pub(crate) retry_after: Option<Box<Duration>>,
    /// Of the token that the library looks after.
    pub(crate) token: Option<Box<TokenFacts>>,
    /// What was seen on its way, where that was not the call's own: a token is asked for on a thread of its own.
    pub(crate) seen: Option<Box<Seen>>,
    /// Of a call that consists of several.
    pub(crate) part: Option<Box<Part>>,
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
            seen: None,
            part: None,
        }
    }

    /// The request text as a whole is wrong.
    pub(crate) fn request(cause: &str, detail: impl Into<String>) -> Self {
        Error::new(Kind::Argument, cause, detail)
    }

    /// A field of the request is wrong.
    pub(crate) fn argument(field: impl Into<String>, cause: impl Into<String>, detail: impl Into<String>) -> Self {
        Error { field: Some(field.into().into_boxed_str()), ..Error::new(Kind::Argument, cause, detail) }
    }
}
