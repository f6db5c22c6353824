//! The generations of the control center's API that the emulator plays.

use clap::ValueEnum;
use serde::Serialize;

use crate::percent::Accepted;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
pub enum Generation {
    /// Tokens, signed by the Python rule
    #[value(name = "2020.4")]
    #[serde(rename = "2020.4")]
    V2020_4,
    /// 2020.5 and 2021.1: tokens, signed by the Java rule; uploads; its interfaces listed at /doc.html
    #[value(name = "2020.5")]
    #[serde(rename = "2020.5")]
    V2020_5,
    /// An appkey in place of tokens
    #[value(name = "10.3")]
    #[serde(rename = "10.3")]
    V10_3,
    /// POST /rapi/rcall.action, with a fixed key
    #[value(name = "9")]
    #[serde(rename = "9")]
    V9,
}

impl Generation {
    pub fn name(self) -> &'static str {
        match self {
            Self::V2020_4 => "2020.4",
            Self::V2020_5 => "2020.5",
            Self::V10_3 => "10.3",
            Self::V9 => "9",
        }
    }

    /// By which rule its source strings are percent-encoded, unless told otherwise.
    pub fn encoding(self) -> Accepted {
        match self {
            Self::V2020_4 | Self::V9 => Accepted::Python,
            Self::V2020_5 | Self::V10_3 => Accepted::Java,
        }
    }

    pub fn has_tokens(self) -> bool {
        matches!(self, Self::V2020_4 | Self::V2020_5)
    }

    /// The port without TLS, where none is given.
    pub fn port(self) -> u16 {
        if self == Self::V9 { 10080 } else { 8080 }
    }
}
