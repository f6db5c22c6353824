//! Which server certificates are accepted.

use std::borrow::Cow;
use std::fmt;
#[cfg(feature = "redis")]
use std::path::Path;
use std::sync::Arc;
#[cfg(feature = "redis")]
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, KeyProvider, WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::sign::SigningKey;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, OtherError, SignatureScheme};

#[cfg(feature = "redis")]
use super::ca_file;
use super::roots::Roots;
use super::{certificate, proof};
use crate::error::{Error, Kind, system};
use crate::request::Trust;

/// The TLS settings for one kind of trust. Without further roots it reads the system's store, which takes milliseconds.
pub(crate) fn client_config(trust: &Trust, further_roots: &[CertificateDer<'static>]) -> Result<ClientConfig, Error> {
    let provider = Arc::new(CryptoProvider { key_provider: &NoKeys, ..ring::default_provider() });
    let algorithms = provider.signature_verification_algorithms;
    let accepts = match trust {
        Trust::System { .. } => {
            let roots = Roots::new(further_roots.to_vec(), provider.clone());
            Accepts::Trusted(roots.map_err(|error| unusable(&error))?)
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

/// The TLS settings for a Redis server: its certificate is judged as a control center's is.
#[cfg(feature = "redis")]
pub(crate) fn tls_for_redis(ca_file: Option<&Path>) -> Result<Arc<rustls::ClientConfig>, Error> {
    let further_roots = ca_file.map(|path| ca_file::certificates(path, Duration::from_secs(1))).transpose()?;
    let trust = Trust::System { ca_file: None };
    client_config(&trust, further_roots.as_deref().map(Vec::as_slice).unwrap_or_default()).map(Arc::new)
}

fn unusable(error: &rustls::Error) -> Error {
    let detail = format!(
        "the certificates to trust cannot be used: {}; install the system's (on Linux the package ca-certificates), check `tls.ca_file`, \
         or pin the server's certificate with `tls.pin_sha256`",
        system::translated(&error.to_string())
    );
    Error::new(Kind::Tls, "系统证书不可用", detail)
}

/// Why a certificate was refused, and what it was.
#[derive(Debug)]
pub(crate) struct Untrusted {
    pub(crate) cause: &'static str,
    pub(crate) detail: String,
}

impl Untrusted {
    fn new(reason: &CertificateError, certificate: &[u8]) -> Untrusted {
        let (cause, mut why) = in_words(reason);
        if is_over_time(reason) && certificate::is_valid_at(certificate, UnixTime::now()) {
            why = "the certificate of a CA above it has expired, or is not valid yet".into();
        }
        let remedy = match reason {
            CertificateError::BadSignature => "it may be an impostor's, or belong to another machine: do not trust it",
            CertificateError::UnknownIssuer if certificate::is_self_issued(certificate) => {
                "to trust it, check this fingerprint and give it as `tls.pin_sha256`, or give its PEM file as `tls.ca_file`"
            }
            CertificateError::UnknownIssuer => {
                "to trust it, give the issuing CA's PEM file as `tls.ca_file`, or this fingerprint, once it is checked, as `tls.pin_sha256`; \
                 if that CA is trusted already, the server fails to send an intermediate certificate: mend the server, or add the intermediate to `tls.ca_file`"
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

fn is_over_time(reason: &CertificateError) -> bool {
    matches!(reason, CertificateError::ExpiredContext { .. } | CertificateError::NotValidYetContext { .. })
}

/// What is wrong, for `msg` and for `detail`.
fn in_words(reason: &CertificateError) -> (&'static str, Cow<'static, str>) {
    let (cause, why) = match reason {
        CertificateError::UnknownIssuer => ("证书不受信任", "its issuer is not trusted"),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => ("证书已过期", "it has expired"),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            ("证书尚未生效", "it is not valid yet by this machine's clock")
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            ("证书与主机名不符", "it is not for the host that was called")
        }
        CertificateError::Revoked => ("证书已被吊销", "it has been revoked"),
        CertificateError::ApplicationVerificationFailure => {
            ("证书指纹不符", "its fingerprint is not the one in `tls.pin_sha256`")
        }
        CertificateError::BadSignature => (
            "证书签名不符",
            "a signature does not fit: the server does not hold this certificate's key, or the certificate was not issued by the CA that it names",
        ),
        CertificateError::BadEncoding => ("证书格式错误", "it is not a well-formed certificate"),
        CertificateError::UnsupportedSignatureAlgorithmContext { .. } => {
            ("证书算法太弱", "it is signed with an algorithm that is too weak or unknown, such as SHA-1")
        }
        CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            ("证书算法太弱", "its key is of a kind or a size that is not accepted, such as RSA with 1024 bits")
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            ("证书用途不符", "it is not meant for servers")
        }
        CertificateError::UnhandledCriticalExtension => {
            ("证书不受信任", "it has a critical extension that this library does not know")
        }
        CertificateError::Other(other) => return ("证书不受信任", other_in_words(other).into()),
        other => return ("证书不受信任", format!("it cannot be verified ({other})").into()),
    };
    (cause, why.into())
}

/// The reasons that rustls has no name for reach us as the names that webpki has for them.
fn other_in_words(other: &OtherError) -> String {
    if let Some(error) = other.0.downcast_ref() {
        return format!("it cannot be verified: {}", system::in_english(error));
    }
    let name = format!("{:?}", other.0);
    let known = match name.as_str() {
        "CaUsedAsEndEntity" => "it says of itself that it is a CA's, not a server's",
        "EkuError" => "it is not meant for servers",
        "EndEntityUsedAsCa" => "one of its issuers is no CA",
        "SignatureAlgorithmMismatch" => "it names two different algorithms for its one signature",
        "UnsupportedCriticalExtension" => "it has a critical extension that this library does not know",
        "UnsupportedCertVersion" => "it is of X.509 version 1 or 2, not 3",
        "NameConstraintViolation" => "its CA may not issue certificates for this host",
        "PathLenConstraintViolated" => "there are more CAs between it and its root than the root allows",
        _ => "",
    };
    if known.is_empty() { format!("it cannot be verified ({name})") } else { known.to_owned() }
}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Untrusted {}

/// Without a certificate to show there is no key to sign with, and none of the code that would: 60 KB of the library.
#[derive(Debug)]
struct NoKeys;

impl KeyProvider for NoKeys {
    fn load_private_key(&self, _: PrivateKeyDer<'static>) -> Result<Arc<dyn SigningKey>, rustls::Error> {
        Err(rustls::Error::General("there are no client certificates".into()))
    }
}

/// Decides over server certificates.
#[derive(Debug)]
struct Judge {
    accepts: Accepts,
    algorithms: WebPkiSupportedAlgorithms,
}

#[derive(Debug)]
enum Accepts {
    /// What has been issued by a CA that is trusted.
    Trusted(Roots),
    /// The certificate with this fingerprint, whatever is in it, from a server that proves to hold its key.
    Pinned([u8; 32]),
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

impl Judge {
    fn verify_signature(
        &self,
        check: Check,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let proven = || proof::verify(&self.algorithms, message, certificate, signature);
        let verified = match self.accepts {
            Accepts::Trusted(_) => match check(message, certificate, signature, &self.algorithms) {
                Ok(_) => Ok(()),
                // The key is the server's, but too weak: rustls makes no difference.
                Err(error) => match proven() {
                    Ok(()) => Err(proof::weak_key().into()),
                    Err(weak) if weak == proof::weak_key() => Err(weak.into()),
                    Err(_) => Err(error),
                },
            },
            Accepts::Pinned(_) => proven().map_err(Into::into),
            Accepts::Anything => Ok(()),
        };
        verified.map_err(|error| explained(error, certificate)).map(|()| HandshakeSignatureValid::assertion())
    }
}

/// What was wrong with the certificate, in the words of [`Untrusted`].
fn explained(error: rustls::Error, certificate: &[u8]) -> rustls::Error {
    match error {
        rustls::Error::InvalidCertificate(reason) => Untrusted::new(&reason, certificate).into_rustls(),
        other => other,
    }
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
            Accepts::Trusted(roots) => roots.verify(certificate, name, now, |verifier| {
                verifier.verify_server_cert(certificate, intermediates, name, ocsp, now)
            }),
            Accepts::Pinned(pin) if certificate::fingerprint(certificate) == *pin => {
                Ok(ServerCertVerified::assertion())
            }
            Accepts::Pinned(_) => Err(CertificateError::ApplicationVerificationFailure.into()),
            Accepts::Anything => Ok(ServerCertVerified::assertion()),
        };
        accepted.map_err(|error| explained(error, certificate))
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
        proof::pss_sha256_first(self.algorithms.supported_schemes())
    }
}
