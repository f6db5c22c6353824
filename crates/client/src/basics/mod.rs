//! Small things that every room may use. Nothing here knows of requests, tokens or errors.

pub(crate) mod files;
pub(crate) mod json;
pub(crate) mod local_time;
pub(crate) mod locks;
pub(crate) mod machine;
pub(crate) mod members;
pub(crate) mod pointer;
pub(crate) mod recent;
pub(crate) mod threads;
pub(crate) mod time;
pub(crate) mod two_languages;
