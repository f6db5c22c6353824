//! The settings of TLS sessions, for each kind of trust.

#[cfg(feature = "redis")]
use std::path::Path;
use std::sync::Arc;
#[cfg(feature = "redis")]
use std::time::Duration;

use rustls::ClientConfig;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, KeyProvider, ring};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::sign::SigningKey;

#[cfg(feature = "redis")]
use super::ca_file;
use super::handshake;
use super::reason::in_words;
use super::refused_certificate::{Fault, RefusedCertificate};
use super::roots::Roots;
use super::server::Server;
use super::verifier::{Accepts, CertificateVerifier};
use crate::error::{Error, Kind, system};
use crate::request::Trust;

/// The TLS settings for one kind of trust. Without further roots it reads the system's store, which takes milliseconds.
pub(crate) fn client_config(trust: &Trust, further_roots: &[CertificateDer<'static>]) -> Result<ClientConfig, Error> {
    config(trust, further_roots, Server::ControlCenter)
}

/// The TLS settings for a Redis server: its certificate is judged by the system's store and `tls.ca_file`.
#[cfg(feature = "redis")]
pub(crate) fn redis_config(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, Error> {
    let further_roots = ca_file.map(|path| ca_file::certificates(path, Duration::from_secs(1))).transpose()?;
    let further_roots = further_roots.as_deref().map_or(&[][..], Vec::as_slice);
    config(&Trust::System { ca_file: None }, further_roots, Server::Redis).map(Arc::new)
}

fn config(trust: &Trust, further_roots: &[CertificateDer<'static>], server: Server) -> Result<ClientConfig, Error> {
    let provider = provider();
    let verifier = Arc::new(verifier(trust, further_roots, server, &provider)?);
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.expect("the provider has cipher suites for TLS 1.2 and 1.3");
    // "Dangerous" is rustls' name for any verifier that is not its own.
    Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

/// The one place that asks for ring's own: with a second, the code of its keys is not found to be needless.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(CryptoProvider { key_provider: &NoKeys, ..ring::default_provider() })
}

fn verifier(
    trust: &Trust,
    further_roots: &[CertificateDer<'static>],
    server: Server,
    provider: &Arc<CryptoProvider>,
) -> Result<CertificateVerifier, Error> {
    let algorithms = provider.signature_verification_algorithms;
    let accepts = match trust {
        Trust::System { .. } => {
            let roots = Roots::new(further_roots.to_vec(), provider.clone());
            Accepts::Trusted(roots.map_err(|error| unusable(&error, server))?)
        }
        Trust::Pinned(pins) => Accepts::Pinned(pins.clone()),
        Trust::Anything => Accepts::Anything,
    };
    Ok(CertificateVerifier { accepts, algorithms, server })
}

/// What is wrong with a control center's certificate under this kind of trust; `None` if it would be accepted.
pub(crate) fn judge(
    trust: &Trust,
    further_roots: &[CertificateDer<'static>],
    chain: &[CertificateDer<'_>],
    host: &str,
) -> Result<Option<(Fault, String, String)>, Error> {
    let provider = provider();
    let verifier = verifier(trust, further_roots, Server::ControlCenter, &provider)?;
    let (Some((certificate, intermediates)), Some(name)) = (chain.split_first(), handshake::server_name(host)) else {
        return Ok(None);
    };
    let refused = verifier.verify_server_cert(certificate, intermediates, &name, &[], UnixTime::now()).err();
    Ok(refused.map(|error| match RefusedCertificate::of(&error) {
        Some(refused) => (refused.fault, refused.cause.clone(), refused.detail.clone()),
        None => (Fault::Other, "证书不可用".to_owned(), error.to_string()),
    }))
}

fn unusable(error: &rustls::Error, server: Server) -> Error {
    let why = match error {
        rustls::Error::InvalidCertificate(reason) => {
            format!("of a certificate in `tls.ca_file`, {}", in_words(reason).1)
        }
        rustls::Error::General(why) => system::translated(why),
        other => system::translated(&other.to_string()),
    };
    let or_pin = if server.takes_pins() { ", or pin the server's certificate with `tls.pin_sha256`" } else { "" };
    let detail = format!(
        "the certificates to trust cannot be used: {why}; install the system's (on Linux the package ca-certificates), or check `tls.ca_file`{or_pin}"
    );
    let cause = match error {
        rustls::Error::InvalidCertificate(_) => "tls.ca_file中的证书不可用,请更换该文件",
        _ => "系统证书不可用,请安装系统的CA证书或填写tls.ca_file",
    };
    Error::new(Kind::Tls, cause, detail)
}

/// Without a certificate to show there is no key to sign with, and none of the code that would: 60 KB of the library.
#[derive(Debug)]
struct NoKeys;

impl KeyProvider for NoKeys {
    fn load_private_key(&self, _: PrivateKeyDer<'static>) -> Result<Arc<dyn SigningKey>, rustls::Error> {
        Err(rustls::Error::General("there are no client certificates".into()))
    }
}
