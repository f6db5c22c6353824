//! Which way a request takes, and how a proxy is asked for it.

pub(crate) mod route;
pub(crate) mod socks;
#[cfg(any(windows, test))]
mod windows;
