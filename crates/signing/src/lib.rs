//! From parameters, token and time to a signature: the scheme of iS-RPA's OpenAPI.
//!
//! **The rule stands step by step in [`scheme::v2020_4`].**
//!
//! Pure: what goes in comes from the caller, and nothing here knows of HTTP, of the clock or of the network. The request is
//! read and sent by the crate `rpa-client`.
//!
//! | module | does |
//! |---|---|
//! | [`scheme`] | parameters, token and time to the texts that go over the wire |
//! | [`python`] | the text forms of Python that a signature covers |
//! | [`Secret`] | a key or a token, kept out of sight |

#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::panic))]

pub mod python;
pub mod scheme;
mod secret;

pub use secret::Secret;
