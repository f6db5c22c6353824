//! TLS: whose certificates are trusted, the session over a connection, and why either failed. Used for the control center
//! and for Redis.

mod alert;
mod asn1;
pub(crate) mod ca_file;
mod certificate;
pub(crate) mod chain;
mod client_certificate;
mod description;
mod distinguished_name;
pub(crate) mod failure;
mod greeting;
pub(crate) mod handshake;
mod key_possession;
mod reason;
mod record_boundary;
pub(crate) mod refused_certificate;
mod roots;
mod server;
mod server_names;
pub(crate) mod session;
pub(crate) mod settings;
mod shown;
mod verifier;
mod watched;
mod words;
mod wrong_name;
