//! What a certificate says of itself, for the one who must decide whether to trust it.

use std::fmt::Write;
use std::net::IpAddr;
use std::time::Duration;

use rustls::pki_types::UnixTime;
use sha2::{Digest, Sha256};
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

/// The SHA-256 fingerprint of a certificate in DER.
pub(super) fn fingerprint(der: &[u8]) -> [u8; 32] {
    Sha256::digest(der).into()
}

/// Subject, issuer, names, validity and fingerprint in a sentence. A certificate that cannot be read still has a
/// fingerprint.
pub(super) fn describe(der: &[u8]) -> String {
    let mut text = String::from("the certificate ");
    if let Ok(certificate) = Certificate::from_der(der) {
        let content = certificate.tbs_certificate();
        let names = in_words(&names(&certificate));
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "has the subject \"{}\", the issuer \"{}\", is for {names}, is valid from {} to {}, and ",
            shown(&content.subject().to_string()),
            shown(&content.issuer().to_string()),
            content.validity().not_before,
            content.validity().not_after,
        );
    }
    text.push_str("has the SHA-256 fingerprint ");
    for (index, byte) in fingerprint(der).iter().enumerate() {
        let _ = write!(text, "{}{byte:02X}", if index > 0 { ":" } else { "" });
    }
    text
}

/// A text of the certificate, which anybody may have made: no control characters, and no more of it than anyone reads.
fn shown(text: &str) -> String {
    const MOST: usize = 200;
    text.chars().take(MOST).map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

fn in_words(names: &[String]) -> String {
    const MOST: usize = 20;
    let list = names.iter().take(MOST).map(|name| shown(name)).collect::<Vec<_>>().join(", ");
    match names.len().checked_sub(MOST) {
        _ if names.is_empty() => "no name at all".to_owned(),
        None | Some(0) => list,
        Some(more) => format!("{list} and {more} more"),
    }
}

/// The public key, without the name of its algorithm.
pub(super) fn public_key(der: &[u8]) -> Option<Vec<u8>> {
    let certificate = Certificate::from_der(der).ok()?;
    let key = &certificate.tbs_certificate().subject_public_key_info().subject_public_key;
    key.as_bytes().map(<[u8]>::to_vec)
}

/// Whether subject and issuer are the same, as in a self-signed certificate.
pub(super) fn is_self_issued(der: &[u8]) -> bool {
    let Ok(certificate) = Certificate::from_der(der) else { return false };
    certificate.tbs_certificate().subject() == certificate.tbs_certificate().issuer()
}

/// Whether the time lies within the certificate's validity.
pub(super) fn is_valid_at(der: &[u8], now: UnixTime) -> bool {
    let Ok(certificate) = Certificate::from_der(der) else { return false };
    let validity = certificate.tbs_certificate().validity();
    let (from, to) = (validity.not_before.to_unix_duration(), validity.not_after.to_unix_duration());
    (from..=to).contains(&Duration::from_secs(now.as_secs()))
}

/// The subject alternative names; the common name no longer counts (RFC 9525).
fn names(certificate: &Certificate) -> Vec<String> {
    let Ok(Some((_, SubjectAltName(names)))) = certificate.tbs_certificate().get_extension::<SubjectAltName>() else {
        return Vec::new();
    };
    let shown = |name: &GeneralName| match name {
        GeneralName::DnsName(name) => Some(name.to_string()),
        GeneralName::IpAddress(address) => match address.as_bytes() {
            bytes if bytes.len() == 4 => <[u8; 4]>::try_from(bytes).ok().map(|bytes| IpAddr::from(bytes).to_string()),
            bytes => <[u8; 16]>::try_from(bytes).ok().map(|bytes| IpAddr::from(bytes).to_string()),
        },
        _ => None,
    };
    names.iter().filter_map(shown).collect()
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair};

    use super::*;

    fn described(common_name: &str, names: usize) -> String {
        let names: Vec<_> = (0..names).map(|number| format!("host{number}.example")).collect();
        let mut parameters = CertificateParams::new(names).unwrap();
        parameters.distinguished_name.push(DnType::CommonName, common_name);
        describe(parameters.self_signed(&KeyPair::generate().unwrap()).unwrap().der())
    }

    #[test]
    fn what_others_wrote_is_cut_and_cleaned() {
        let text = described("a\r\n\u{1b}[31mb", 20);
        assert!(text.contains("CN=a") && !text.contains(char::is_control), "{text}");
        assert!(text.contains("host18.example, host19.example, is valid from "), "{text}");
        assert!(described("a", 1000).contains("host19.example and 980 more, is valid from "));
        assert!(described(&"x".repeat(30_000), 1000).len() < 1500);
        assert!(described("a", 0).contains("is for no name at all, "));
    }
}
