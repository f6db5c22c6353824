//! The proof, in the handshake, that a server holds the key of a pinned certificate.
//!
//! rustls' own check takes certificates of X.509 version 3 and RSA keys of 2048 bits and more. Who pins a certificate
//! means that one, whatever it is: here the key counts, and any that TLS 1.2 or 1.3 can use.

use rsa::pkcs1::DecodeRsaPublicKey;
use rsa::{Pkcs1v15Sign, PublicKey};
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::{CertificateError, DigitallySignedStruct, SignatureScheme};
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::certificate;

/// Whether the key of `certificate` made the signature over `message`.
pub(super) fn verify(
    algorithms: &WebPkiSupportedAlgorithms,
    message: &[u8],
    certificate: &[u8],
    signed: &DigitallySignedStruct,
) -> Result<(), CertificateError> {
    let key = certificate::public_key(certificate).ok_or(CertificateError::BadEncoding)?;
    // A scheme has an algorithm for each curve; a key fits one of them.
    let mapped = algorithms.mapping.iter().filter(|(scheme, _)| *scheme == signed.scheme);
    let mut fitting = mapped.flat_map(|(_, algorithms)| algorithms.iter());
    let proven = fitting.any(|algorithm| algorithm.verify_signature(key, message, signed.signature()).is_ok())
        || verify_short_rsa(key, message, signed).is_some();
    if proven { Ok(()) } else { Err(CertificateError::BadSignature) }
}

/// RSA keys from 1024 bits on.
fn verify_short_rsa(key: &[u8], message: &[u8], signed: &DigitallySignedStruct) -> Option<()> {
    use rsa::pss::Pss;
    let key = PublicKey::from_pkcs1_der(key).ok()?;
    let (sha256, sha384, sha512) = (Sha256::digest, Sha384::digest, Sha512::digest);
    let signature = signed.signature();
    let verified = match signed.scheme {
        SignatureScheme::RSA_PKCS1_SHA256 => key.verify(Pkcs1v15Sign::new::<Sha256>(), &sha256(message), signature),
        SignatureScheme::RSA_PKCS1_SHA384 => key.verify(Pkcs1v15Sign::new::<Sha384>(), &sha384(message), signature),
        SignatureScheme::RSA_PKCS1_SHA512 => key.verify(Pkcs1v15Sign::new::<Sha512>(), &sha512(message), signature),
        SignatureScheme::RSA_PSS_SHA256 => key.verify(Pss::<Sha256>::new(), &sha256(message), signature),
        SignatureScheme::RSA_PSS_SHA384 => key.verify(Pss::<Sha384>::new(), &sha384(message), signature),
        SignatureScheme::RSA_PSS_SHA512 => key.verify(Pss::<Sha512>::new(), &sha512(message), signature),
        _ => return None,
    };
    verified.ok()
}
