//! TLS: whose certificates are trusted, and the session over a connection. Used for the control center and for Redis.

pub(crate) mod ca_file;
mod certificate;
mod distinguished_name;
mod key_possession;
mod records;
mod roots;
pub(crate) mod session;
pub(crate) mod verifier;
