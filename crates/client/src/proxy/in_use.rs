//! A proxy that a call goes through, and where its address stands: whoever has to mend it must know both.

use crate::request::ProxyServer;

/// The proxy of a call.
#[derive(Debug, Clone)]
pub(crate) struct ProxyInUse {
    pub(crate) server: ProxyServer,
    pub(crate) source: Source,
}

/// Where a proxy's address stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// The field `proxy` of the request.
    Field,
    /// This variable of the environment.
    Variable(&'static str),
    /// What Windows is set to.
    #[cfg_attr(not(windows), allow(dead_code, reason = "no other system has such settings"))]
    Windows,
}

impl ProxyInUse {
    /// In Chinese: which proxy, and where its address stands.
    pub(crate) fn zh(&self) -> String {
        format!("代理{}(来自{})", self.server.shown(), self.source.zh())
    }

    /// In English.
    pub(crate) fn en(&self) -> String {
        format!("the proxy {} (from {})", self.server.shown(), self.source.en())
    }
}

impl Source {
    /// In Chinese.
    pub(crate) fn zh(self) -> String {
        match self {
            Source::Field => "字段proxy".to_owned(),
            Source::Variable(name) => format!("环境变量{name}"),
            Source::Windows => "Windows系统代理设置".to_owned(),
        }
    }

    /// In a word, for programs.
    pub(crate) fn word(self) -> String {
        match self {
            Source::Field => "request".to_owned(),
            Source::Variable(name) => format!("environment {name}"),
            Source::Windows => "Windows".to_owned(),
        }
    }

    /// In English.
    pub(crate) fn en(self) -> String {
        match self {
            Source::Field => "the field `proxy`".to_owned(),
            Source::Variable(name) => format!("the environment variable {name}"),
            Source::Windows => "Windows' proxy settings".to_owned(),
        }
    }
}
