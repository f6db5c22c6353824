//! The proof, in the handshake, that a server holds the key of a pinned certificate.
//!
//! rustls' own check takes certificates of X.509 version 3 and RSA keys of 2048 bits and more. Who pins a certificate
//! means that one, whatever it is: here the key counts, and any that TLS 1.2 or 1.3 can use.

use ring::digest::{SHA256, SHA384, SHA512, digest};
use rsa::pkcs1::DecodeRsaPublicKey;
use rsa::pss::Pss;
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

/// RSA keys from 1024 bits on. Of the PSS schemes the one that every server takes first ([`preferred_first`]): the others
/// would bring a second SHA-512.
fn verify_short_rsa(key: &[u8], message: &[u8], signed: &DigitallySignedStruct) -> Option<()> {
    let key = PublicKey::from_pkcs1_der(key).ok()?;
    let (padding, hash) = match signed.scheme {
        SignatureScheme::RSA_PSS_SHA256 => {
            return key.verify(Pss::<Sha256>::new(), &Sha256::digest(message), signed.signature()).ok();
        }
        SignatureScheme::RSA_PKCS1_SHA256 => (Pkcs1v15Sign::new::<Sha256>(), &SHA256),
        SignatureScheme::RSA_PKCS1_SHA384 => (Pkcs1v15Sign::new::<Sha384>(), &SHA384),
        SignatureScheme::RSA_PKCS1_SHA512 => (Pkcs1v15Sign::new::<Sha512>(), &SHA512),
        _ => return None,
    };
    key.verify(padding, digest(hash, message).as_ref(), signed.signature()).ok()
}

/// The schemes that a server may sign with, those with SHA-256 first: a server that goes by the client's order would
/// sign with SHA-512, or SHA-384 where its key is too short for that.
pub(super) fn preferred_first(schemes: Vec<SignatureScheme>) -> Vec<SignatureScheme> {
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
        let ordered = preferred_first(offered.clone());
        assert_eq!(ordered.len(), offered.len());
        let place = |scheme| ordered.iter().position(|other| *other == scheme).unwrap();
        assert!(place(SignatureScheme::RSA_PSS_SHA256) < place(SignatureScheme::RSA_PSS_SHA384));
        assert!(place(SignatureScheme::RSA_PSS_SHA256) < place(SignatureScheme::RSA_PSS_SHA512));
    }
}
