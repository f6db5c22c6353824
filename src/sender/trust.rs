//! Which server certificates are accepted.

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::{WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, OtherError, SignatureScheme};
use rustls_platform_verifier::Verifier;

use super::certificate;
use crate::error::{Error, Kind};
use crate::request::Trust;

/// The TLS settings for one kind of trust. Reads the system's store, which takes milliseconds.
pub(super) fn client_config(trust: &Trust, further_roots: &[CertificateDer<'static>]) -> Result<ClientConfig, Error> {
    let provider = Arc::new(ring::default_provider());
    let algorithms = provider.signature_verification_algorithms;
    let accepts = match trust {
        Trust::System { .. } => {
            let verifier = Verifier::new_with_extra_roots(further_roots.iter().cloned(), provider.clone());
            let verifier = verifier.map_err(|error| unusable(&error))?;
            Accepts::Trusted { verifier, further_roots: further_roots.to_vec() }
        }
        Trust::Pinned(pin) => Accepts::Pinned(*pin),
        Trust::Anything => Accepts::Anything,
    };
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| unusable(&error))?;
    let judge = Arc::new(Judge { accepts, algorithms });
    // "Dangerous" is rustls' name for any verifier that is not its own.
    Ok(builder.dangerous().with_custom_certificate_verifier(judge).with_no_client_auth())
}

fn unusable(error: &rustls::Error) -> Error {
    let detail = format!(
        "the certificates to trust cannot be used: {error}; install the system's (on Linux the package ca-certificates), check `tls.ca_file`, \
         or pin the server's certificate with `tls.pin_sha256`"
    );
    Error::new(Kind::Tls, "系统证书不可用", detail)
}

/// Why a certificate was refused, and what it was.
#[derive(Debug)]
pub(super) struct Untrusted {
    pub(super) cause: &'static str,
    pub(super) detail: String,
}

impl Untrusted {
    fn new(reason: &CertificateError, certificate: &[u8]) -> Untrusted {
        let (cause, why) = match reason {
            CertificateError::UnknownIssuer => ("证书不受信任", "its issuer is not trusted".to_owned()),
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                ("证书已过期", "it has expired".to_owned())
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                ("证书尚未生效", "it is not valid yet by this machine's clock".to_owned())
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                ("证书与主机名不符", "it is not for the host that was called".to_owned())
            }
            CertificateError::Revoked => ("证书已被吊销", "it has been revoked".to_owned()),
            CertificateError::ApplicationVerificationFailure => {
                ("证书指纹不符", "its fingerprint is not the one in `tls.pin_sha256`".to_owned())
            }
            other => ("证书不受信任", format!("it cannot be verified ({})", in_words(other))),
        };
        let remedy = match reason {
            CertificateError::UnknownIssuer => {
                "to trust it, give the issuing CA's PEM file as `tls.ca_file`, or this fingerprint, once it is checked, as `tls.pin_sha256`"
            }
            _ => {
                "to trust exactly this certificate all the same, check the fingerprint and give it as `tls.pin_sha256`"
            }
        };
        let detail =
            format!("the server's certificate is not trusted: {why}; {}; {remedy}", certificate::describe(certificate));
        Untrusted { cause, detail }
    }

    fn into_rustls(self) -> rustls::Error {
        CertificateError::Other(OtherError(Arc::new(self))).into()
    }
}

/// rustls shows the reasons that it has no name for as Rust values.
fn in_words(reason: &CertificateError) -> String {
    match reason {
        CertificateError::Other(other) => {
            let text = format!("{:?}", other.0);
            match text.as_str() {
                "CaUsedAsEndEntity" => "it says of itself that it is a CA's, not a server's".to_owned(),
                "UnsupportedCertVersion" => "it is of X.509 version 1 or 2, not 3".to_owned(),
                _ => text,
            }
        }
        other => other.to_string(),
    }
}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Untrusted {}

/// Decides over server certificates.
#[derive(Debug)]
struct Judge {
    accepts: Accepts,
    algorithms: WebPkiSupportedAlgorithms,
}

#[derive(Debug)]
enum Accepts {
    /// What the system's verifier accepts: on Windows and macOS the system itself, so that a company's policies hold;
    /// elsewhere the certificates of the system's store.
    Trusted { verifier: Verifier, further_roots: Vec<CertificateDer<'static>> },
    /// The certificate with this fingerprint, whatever is in it, from a server that proves to hold its key.
    Pinned([u8; 32]),
    /// Any: `"verify": false`. Where anyone may answer, proof of a key proves nothing, so certificates whose keys are
    /// too weak to check pass, too.
    Anything,
}

impl ServerCertVerifier for Judge {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let accepted = match &self.accepts {
            Accepts::Trusted { further_roots, .. } if is_further_root(further_roots, certificate, name, now) => Ok(()),
            Accepts::Trusted { verifier, .. } => {
                verifier.verify_server_cert(certificate, intermediates, name, ocsp, now).map(|_| ())
            }
            Accepts::Pinned(pin) if certificate::fingerprint(certificate) == *pin => Ok(()),
            Accepts::Pinned(_) => Err(CertificateError::ApplicationVerificationFailure.into()),
            Accepts::Anything => Ok(()),
        };
        match accepted {
            Ok(()) => Ok(ServerCertVerified::assertion()),
            Err(rustls::Error::InvalidCertificate(reason)) => Err(Untrusted::new(&reason, certificate).into_rustls()),
            Err(other) => Err(other),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        match self.accepts {
            Accepts::Anything => Ok(HandshakeSignatureValid::assertion()),
            _ => verify_tls12_signature(message, certificate, signature, &self.algorithms),
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        match self.accepts {
            Accepts::Anything => Ok(HandshakeSignatureValid::assertion()),
            _ => verify_tls13_signature(message, certificate, signature, &self.algorithms),
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// A self-signed certificate as OpenSSL makes it by default says that it is a CA, and no verifier takes a CA's for a
/// server's. If it is in `ca_file`, it is meant to be trusted; its name and its time must be right all the same.
fn is_further_root(
    further_roots: &[CertificateDer<'_>],
    certificate: &CertificateDer<'_>,
    name: &ServerName<'_>,
    now: UnixTime,
) -> bool {
    let named = || ParsedCertificate::try_from(certificate).and_then(|parsed| verify_server_name(&parsed, name));
    further_roots.iter().any(|root| root == certificate)
        && named().is_ok()
        && certificate::is_valid_at(certificate, now)
}
