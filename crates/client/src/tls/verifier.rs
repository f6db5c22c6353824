//! Which server certificates are accepted.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, SignatureScheme};

use super::key_possession;
use super::refused_certificate::{RefusedCertificate, Shown, fits};
use super::roots::Roots;
use super::server::Server;
use crate::request::Pin;

/// Decides over the certificates of a server.
#[derive(Debug)]
pub(super) struct CertificateVerifier {
    pub(super) accepts: Accepts,
    pub(super) algorithms: WebPkiSupportedAlgorithms,
    pub(super) server: Server,
}

/// What is accepted.
#[derive(Debug)]
pub(super) enum Accepts {
    /// What has been issued by a CA that is trusted.
    Trusted(Roots),
    /// The certificate that fits one of these, whatever is in it, from a server that proves to hold its key. It must be the
    /// server's own: a CA's key would let in whatever that CA issues for other hosts.
    Pinned(Vec<Pin>),
    /// Any: `"verify": false`. Where anyone may answer, proof of a key proves nothing, so certificates whose keys are
    /// too weak to check pass, too.
    Anything,
}

/// rustls' check of a handshake's signature, for TLS 1.2 or 1.3.
type Check = fn(
    &[u8],
    &CertificateDer<'_>,
    &DigitallySignedStruct,
    &WebPkiSupportedAlgorithms,
) -> Result<HandshakeSignatureValid, rustls::Error>;

impl CertificateVerifier {
    fn verify_signature(
        &self,
        check: Check,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let proven = || key_possession::verify(&self.algorithms, message, certificate, signature);
        let verified = match self.accepts {
            Accepts::Trusted(_) => match check(message, certificate, signature, &self.algorithms) {
                Ok(_) => Ok(()),
                // rustls calls it a wrong signature, too, where the key is the server's but too weak.
                Err(error) => match proven() {
                    Ok(()) => Err(key_possession::weak_key().into()),
                    Err(weak) if weak == key_possession::weak_key() => Err(weak.into()),
                    Err(_) => Err(error),
                },
            },
            Accepts::Pinned(_) => proven().map_err(Into::into),
            Accepts::Anything => Ok(()),
        };
        let shown = Shown { certificate, intermediates: &[], host: None, now: UnixTime::now() };
        verified.map_err(|error| self.explained(error, &shown)).map(|()| HandshakeSignatureValid::assertion())
    }

    /// What was wrong with the certificate, as a [`RefusedCertificate`].
    fn explained(&self, error: rustls::Error, shown: &Shown<'_>) -> rustls::Error {
        let pins = match &self.accepts {
            Accepts::Pinned(pins) => pins.as_slice(),
            Accepts::Trusted(_) | Accepts::Anything => &[],
        };
        match error {
            rustls::Error::InvalidCertificate(reason) => {
                RefusedCertificate::new(&reason, shown, pins, self.server).into_rustls()
            }
            other => other,
        }
    }
}

impl ServerCertVerifier for CertificateVerifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let accepted = match &self.accepts {
            Accepts::Trusted(roots) => roots.verify(certificate, name, now, |verifier| {
                verifier.verify_server_cert(certificate, intermediates, name, ocsp, now)
            }),
            Accepts::Pinned(pins) if pins.iter().any(|pin| fits(pin, certificate)) => {
                Ok(ServerCertVerified::assertion())
            }
            Accepts::Pinned(_) => Err(CertificateError::ApplicationVerificationFailure.into()),
            Accepts::Anything => Ok(ServerCertVerified::assertion()),
        };
        let shown = Shown { certificate, intermediates, host: Some(name), now };
        accepted.map_err(|error| self.explained(error, &shown))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verify_signature(verify_tls12_signature, message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verify_signature(verify_tls13_signature, message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        key_possession::pss_sha256_first(self.algorithms.supported_schemes())
    }
}
