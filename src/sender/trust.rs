//! Which server certificates are accepted.

use std::fmt;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, OtherError, SignatureScheme};
use rustls_platform_verifier::Verifier;

use super::certificate;
use crate::error::{Error, Kind};
use crate::request::Trust;

/// The TLS settings for one kind of trust. Reads the system's store, which takes milliseconds.
pub(super) fn client_config(trust: &Trust) -> Result<ClientConfig, Error> {
    let provider = Arc::new(ring::default_provider());
    let algorithms = provider.signature_verification_algorithms;
    let verifier: Arc<dyn ServerCertVerifier> = match trust {
        Trust::System { ca_file } => Arc::new(Described(system_verifier(ca_file.as_deref(), &provider)?)),
        Trust::Pinned(pin) => Arc::new(Pinned { pin: *pin, algorithms }),
        Trust::Anything => Arc::new(Anything { algorithms }),
    };
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| unusable(&error))?;
    // "Dangerous" is rustls' name for any verifier that is not its own.
    Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

fn unusable(error: &rustls::Error) -> Error {
    Error::new(Kind::Tls, "TLS无法初始化", format!("TLS cannot be set up: {error}"))
}

/// The system's verifier: on Windows and macOS the system itself, so that a company's policies hold; elsewhere the
/// certificates of the system's store.
fn system_verifier(ca_file: Option<&Path>, provider: &Arc<CryptoProvider>) -> Result<Verifier, Error> {
    let Some(path) = ca_file else { return Verifier::new(provider.clone()).map_err(|error| unusable(&error)) };
    let refuse = |cause: &str, detail: String| {
        Error::argument("tls.ca_file", format!("字段tls.ca_file{cause}"), format!("`tls.ca_file` {detail}"))
    };
    let pem = fs::read(path).map_err(|error| refuse("无法读取", format!("cannot be read: {error}")))?;
    let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .map_err(|_| refuse("不是有效的PEM文件", "is not well-formed PEM".to_owned()))?;
    if certificates.is_empty() {
        let detail = "holds no certificate: it must be PEM, with lines `-----BEGIN CERTIFICATE-----`";
        return Err(refuse("中没有证书", detail.to_owned()));
    }
    Verifier::new_with_extra_roots(certificates, provider.clone())
        .map_err(|error| refuse("中的证书无法使用", format!("holds a certificate that cannot be used: {error}")))
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
            other => ("证书不受信任", format!("it was refused ({other})")),
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

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Untrusted {}

/// Another verifier, whose refusals say what the certificate was.
#[derive(Debug)]
struct Described<V>(V);

impl<V: ServerCertVerifier> ServerCertVerifier for Described<V> {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.0.verify_server_cert(certificate, intermediates, name, ocsp, now).map_err(|error| match error {
            rustls::Error::InvalidCertificate(reason) => Untrusted::new(&reason, certificate).into_rustls(),
            other => other,
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

/// Accepts one certificate, whatever is in it, from a server that proves to hold its key.
#[derive(Debug)]
struct Pinned {
    pin: [u8; 32],
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if certificate::fingerprint(certificate) == self.pin {
            return Ok(ServerCertVerified::assertion());
        }
        Err(Untrusted::new(&CertificateError::ApplicationVerificationFailure, certificate).into_rustls())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Accepts any certificate: `"verify": false`. Where anyone may answer, proof of a key proves nothing, so
/// certificates whose keys are too weak to check pass, too.
#[derive(Debug)]
struct Anything {
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Anything {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
