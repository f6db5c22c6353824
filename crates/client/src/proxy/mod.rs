//! Which way a request takes, and how a proxy is asked for it.

mod answer;
mod credentials;
pub(crate) mod environment;
pub(crate) mod exceptions;
pub(crate) mod explain;
pub(crate) mod in_use;
pub(crate) mod page;
mod quote;
mod read;
pub(crate) mod refusal;
pub(crate) mod route;
pub(crate) mod script;
pub(crate) mod socks;
mod socks_refusal;
pub(crate) mod tunnel;
#[cfg(any(windows, test))]
mod windows;
