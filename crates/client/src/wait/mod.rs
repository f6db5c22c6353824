//! Waiting for work on another thread, within a limit.

pub(crate) mod late;
pub(crate) mod single_flight;
