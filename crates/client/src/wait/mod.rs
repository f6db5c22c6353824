//! Waiting for work on another thread, within a limit.

pub(crate) mod promise;
#[cfg(feature = "redis")]
pub(crate) mod queue;
pub(crate) mod single_flight;
