//! Waiting for work on another thread, within a limit.

pub(crate) mod promise;
pub(crate) mod single_flight;
