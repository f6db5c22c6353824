//! The way of a call: request text in, signature, HTTP, reply text out.
//!
//! [`reply()`] is the one door, beside [`diagnose()`] which looks at what would go through it. A call goes through these rooms, from top to bottom; none knows of those above it.
//!
//! | module | does |
//! |---|---|
//! | `panic` | a panic becomes a reply |
//! | `journal` | what is told of a call beside its reply: `meta`, and the log |
//! | `diagnosis` | a request, looked at from end to end: what is wrong first |
//! | `call` | the steps of each function: what is sent, what is sent again, what the caller gets |
//! | `token` | a token that is got for keys, kept, renewed and shared |
//! | `reply` | the server's answer to reply text, without secrets |
//! | `http` | one HTTP request, sent once |
//! | `proxy` | which way a request takes |
//! | `http_head` | the head of a reply |
//! | `tls` | whose certificate is trusted |
//! | `network` | TCP, and the limits of an attempt |
//! | `request` | request text to checked request |
//! | `wait` | work on another thread, within a limit |
//! | `error` | the kinds of errors, and their envelope |
//! | `basics` | time, locks, what was used last |
//!
//! What a signature is of stands in the crate `rpa-signing`.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::panic))]

/// What requests say they come from.
pub(crate) const USER_AGENT: &str = concat!("rpa-openapi/", env!("CARGO_PKG_VERSION"));

/// The commit that this was built from, in hexadecimal digits; empty in a source archive and in a build for development.
pub const COMMIT: &str = env!("RPA_OPENAPI_COMMIT");

mod basics;
mod call;
mod diagnosis;
mod error;
mod http;
mod http_head;
mod journal;
mod network;
mod panic;
mod proxy;
mod reply;
mod request;
mod tls;
mod token;
mod wait;

pub use error::Function;
pub use panic::{diagnose, reply};
