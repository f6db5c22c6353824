//! The proof, in the handshake, that a server holds the key of a pinned certificate.
//!
//! rustls' own check refuses certificates of X.509 version 1 and RSA keys below 2048 bits. A pinned certificate is to be
//! accepted whatever it is, so here the key alone counts. The crate `rsa` verifies with such short public keys and nothing
//! else: its timing leak (RUSTSEC-2023-0071) concerns operations with a private key, and there is none here.

use ring::digest::{SHA256, SHA384, SHA512, digest};
use rsa::pkcs1::DecodeRsaPublicKey;
use rsa::pss::Pss;
use rsa::traits::PublicKeyParts;
use rsa::{Pkcs1v15Sign, PublicKey};
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::{CertificateError, DigitallySignedStruct, SignatureScheme};
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::certificate::Certificate;

/// Whether the key of `certificate` made the signature over `message`.
pub(super) fn verify(
    algorithms: &WebPkiSupportedAlgorithms,
    message: &[u8],
    certificate: &[u8],
    signed: &DigitallySignedStruct,
) -> Result<(), CertificateError> {
    let certificate = Certificate::read(certificate).map_err(|_| CertificateError::BadEncoding)?;
    let key = certificate.public_key().ok_or(CertificateError::BadEncoding)?;
    // A scheme has an algorithm for each curve; a key fits one of them.
    let mapped = algorithms.mapping.iter().filter(|(scheme, _)| *scheme == signed.scheme);
    let mut fitting = mapped.flat_map(|(_, algorithms)| algorithms.iter());
    if fitting.any(|algorithm| algorithm.verify_signature(key, message, signed.signature()).is_ok()) {
        return Ok(());
    }
    match PublicKey::from_pkcs1_der(key) {
        Ok(key) if key.size() < SHORTEST_OF_RUSTLS => verify_short_rsa(&key, message, signed),
        _ => Err(CertificateError::BadSignature),
    }
}

/// In bytes.
const SHORTEST_OF_RUSTLS: usize = 256;

/// A key of a kind or a size that is not accepted.
pub(super) fn weak_key() -> CertificateError {
    let (signature_algorithm_id, public_key_algorithm_id) = (Vec::new(), Vec::new());
    CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext {
        signature_algorithm_id,
        public_key_algorithm_id,
    }
}

/// RSA keys from 1024 bits on. Of the PSS schemes the one with SHA-256, which is offered before the others
/// ([`pss_sha256_first`]): those would bring a second SHA-512.
fn verify_short_rsa(key: &PublicKey, message: &[u8], signed: &DigitallySignedStruct) -> Result<(), CertificateError> {
    let (padding, hash) = match signed.scheme {
        SignatureScheme::RSA_PSS_SHA256 => {
            let verified = key.verify(Pss::<Sha256>::new(), &Sha256::digest(message), signed.signature());
            return verified.map_err(|_| CertificateError::BadSignature);
        }
        SignatureScheme::RSA_PKCS1_SHA256 => (Pkcs1v15Sign::new::<Sha256>(), &SHA256),
        SignatureScheme::RSA_PKCS1_SHA384 => (Pkcs1v15Sign::new::<Sha384>(), &SHA384),
        SignatureScheme::RSA_PKCS1_SHA512 => (Pkcs1v15Sign::new::<Sha512>(), &SHA512),
        // The signature is as long as this key makes them, so that nothing speaks of an impostor.
        _ if signed.signature().len() == key.size() => return Err(weak_key()),
        _ => return Err(CertificateError::BadSignature),
    };
    let verified = key.verify(padding, digest(hash, message).as_ref(), signed.signature());
    verified.map_err(|_| CertificateError::BadSignature)
}

/// The schemes that a server may sign with, PSS with SHA-384 and SHA-512 last, so that a server that goes by the client's
/// order does not choose one of those.
pub(super) fn pss_sha256_first(schemes: Vec<SignatureScheme>) -> Vec<SignatureScheme> {
    let is_last = |scheme: &_| matches!(scheme, SignatureScheme::RSA_PSS_SHA384 | SignatureScheme::RSA_PSS_SHA512);
    let (last, mut schemes): (Vec<_>, Vec<_>) = schemes.into_iter().partition(is_last);
    schemes.extend(last);
    schemes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_key_is_asked_for_what_it_can_be_checked_by() {
        let offered = rustls::crypto::ring::default_provider().signature_verification_algorithms.supported_schemes();
        let ordered = pss_sha256_first(offered.clone());
        assert_eq!(ordered.len(), offered.len());
        let place = |scheme| ordered.iter().position(|other| *other == scheme).unwrap();
        assert!(place(SignatureScheme::RSA_PSS_SHA256) < place(SignatureScheme::RSA_PSS_SHA384));
        assert!(place(SignatureScheme::RSA_PSS_SHA256) < place(SignatureScheme::RSA_PSS_SHA512));
    }
}
