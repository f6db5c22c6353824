//! TLS: whose certificates are trusted, and the session over a connection. Used for the control center and for Redis.

pub(crate) mod ca_file;
mod certificate;
mod client_certificate;
mod distinguished_name;
mod proof;
mod records;
mod roots;
pub(crate) mod session;
pub(crate) mod verifier;
