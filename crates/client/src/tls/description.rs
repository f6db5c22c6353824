//! What a certificate says of itself, in a sentence, for the one who must decide whether to trust it.

use std::fmt::Write;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::certificate::{self, Certificate};
use super::shown::shown;

/// Subject, issuer, names, validity, and both fingerprints as `tls.pin_sha256` takes them. A certificate that cannot be
/// read still has a fingerprint.
pub(super) fn describe(der: &[u8]) -> String {
    let mut text = String::from("the certificate ");
    let certificate = Certificate::read(der).ok();
    if let Some(certificate) = &certificate {
        text.push_str(&summary(certificate));
        text.push_str(" and ");
    }
    text.push_str("has the SHA-256 fingerprint ");
    for (index, byte) in certificate::fingerprint(der).iter().enumerate() {
        let separator = if index > 0 { ":" } else { "" };
        write!(text, "{separator}{byte:02X}").expect("writing to a String cannot fail");
    }
    if let Some(certificate) = &certificate {
        text.push_str(", its key sha256//");
        text.push_str(&BASE64_STANDARD.encode(certificate.key_fingerprint()));
    }
    text
}

/// What is in a certificate, to follow the word "certificate".
pub(super) fn summary(certificate: &Certificate<'_>) -> String {
    format!(
        "has the subject \"{}\", the issuer \"{}\", is for {}, is valid from {} to {},",
        shown(&certificate.subject()),
        shown(&certificate.issuer()),
        certificate.names.in_words(),
        certificate.not_before,
        certificate.not_after,
    )
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, PublicKeyData, SanType};
    use ring::digest;

    use super::*;

    fn described(common_name: &str, names: usize) -> String {
        let names: Vec<_> = (0..names).map(|number| format!("host{number}.example")).collect();
        let mut parameters = CertificateParams::new(names).unwrap();
        parameters.distinguished_name.push(DnType::CommonName, common_name);
        describe(parameters.self_signed(&KeyPair::generate().unwrap()).unwrap().der())
    }

    #[test]
    fn what_others_wrote_is_cut_and_cleaned() {
        let text = described("a\r\n\u{1b}[31m\u{202e}b", 20);
        assert!(text.contains("CN=a") && !text.contains(char::is_control) && !text.contains('\u{202e}'), "{text}");
        assert!(text.contains("host18.example, host19.example (DNS names), is valid from "), "{text}");
        assert!(described("a", 1000).contains("host19.example and 980 more (DNS names), is valid from "));
        assert!(described(&"x".repeat(30_000), 1000).len() < 1500);
        assert!(described("a", 0).contains("is for no name at all, "));
    }

    #[test]
    fn each_name_is_told_with_its_kind() {
        let mut parameters = CertificateParams::new(["a.example".to_owned()]).unwrap();
        for address in ["10.0.0.5", "fe80::1"] {
            parameters.subject_alt_names.push(SanType::IpAddress(address.parse().unwrap()));
        }
        let text = describe(parameters.self_signed(&KeyPair::generate().unwrap()).unwrap().der());
        assert!(text.contains("is for a.example (DNS name) and 10.0.0.5, fe80::1 (IP addresses), "), "{text}");
    }

    #[test]
    fn both_fingerprints_are_told_as_a_pin_is_written() {
        let key = KeyPair::generate().unwrap();
        let text = describe(CertificateParams::default().self_signed(&key).unwrap().der());
        let expected = digest::digest(&digest::SHA256, &key.subject_public_key_info());
        let (before, key) = text.split_once(", its key sha256//").expect(&text);
        assert_eq!(key, BASE64_STANDARD.encode(expected));
        assert_eq!(before.rsplit_once(' ').unwrap().1.len(), 95, "{text}");
        assert!(describe(b"x").starts_with("the certificate has the SHA-256 fingerprint "));
        assert!(!describe(b"x").contains("key"));
    }
}
