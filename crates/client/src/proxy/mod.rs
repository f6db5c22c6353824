//! Which way a request takes, and how a proxy is asked for it.

mod answer;
mod page;
pub(crate) mod refusal;
pub(crate) mod route;
pub(crate) mod socks;
pub(crate) mod tunnel;
#[cfg(any(windows, test))]
mod windows;
