//! The fields of a certificate that matter to whoever decides whether to trust it.
//!
//! It is read with the crate `der` alone: x509-cert, which has a type for every field and a name for every object
//! identifier, would be a tenth of the library.

use std::time::Duration;

use der::asn1::{BitStringRef, GeneralizedTime, UtcTime};
use der::{AnyRef, DateTime, Decode, Reader, Result, SliceReader, Tag, Tagged};
use rustls::pki_types::UnixTime;
use sha2::{Digest, Sha256};

use super::asn1::is_tagged;
use super::distinguished_name;
use super::server_names::ServerNames;

/// The SHA-256 fingerprint of a certificate in DER.
pub(super) fn fingerprint(der: &[u8]) -> [u8; 32] {
    Sha256::digest(der).into()
}

/// The fields of a certificate (RFC 5280, section 4.1).
pub(super) struct Certificate<'a> {
    issuer: AnyRef<'a>,
    pub(super) not_before: DateTime,
    pub(super) not_after: DateTime,
    subject: AnyRef<'a>,
    /// The key and the name of its algorithm, in DER.
    key_info: &'a [u8],
    key: BitStringRef<'a>,
    /// The subject alternative names; the common name does not count (RFC 9525).
    pub(super) names: ServerNames,
}

/// How a moment lies to a certificate's validity.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Validity {
    Valid,
    /// It begins so much later.
    NotYet(Duration),
    /// It ended so long ago.
    Expired(Duration),
}

impl<'a> Certificate<'a> {
    pub(super) fn read(der: &'a [u8]) -> Result<Self> {
        AnyRef::from_der(der)?.sequence(|signed| {
            let certificate = signed.sequence(Self::read_content)?;
            let _algorithm = AnyRef::decode(signed)?;
            let _signature = AnyRef::decode(signed)?;
            Ok(certificate)
        })
    }

    fn read_content(content: &mut SliceReader<'a>) -> Result<Self> {
        // A certificate of version 1 does not name its version.
        if is_tagged(Tag::peek(content)?, 0) {
            let _version = AnyRef::decode(content)?;
        }
        let _serial_number = AnyRef::decode(content)?;
        let _algorithm = AnyRef::decode(content)?;
        let issuer = AnyRef::decode(content)?;
        let (not_before, not_after) =
            content.sequence(|validity| Ok::<_, der::Error>((time(validity)?, time(validity)?)))?;
        let subject = AnyRef::decode(content)?;
        let key_info = content.tlv_bytes()?;
        let key = SliceReader::new(key_info)?.sequence(|key| {
            let _algorithm = AnyRef::decode(key)?;
            BitStringRef::decode(key)
        })?;
        let mut names = ServerNames::default();
        while !content.is_finished() {
            let further = AnyRef::decode(content)?;
            if is_tagged(further.tag(), 3) {
                // A pinned certificate is used whatever its extensions hold, so malformed ones count as no names.
                if let Ok(found) = AnyRef::from_der(further.value()).and_then(ServerNames::of_extensions) {
                    names = found;
                }
            }
        }
        Ok(Certificate { issuer, not_before, not_after, subject, key_info, key, names })
    }

    /// The public key, without the name of its algorithm. It is `None` where its bits do not fill bytes.
    pub(super) fn public_key(&self) -> Option<&'a [u8]> {
        self.key.as_bytes()
    }

    /// The SHA-256 of the key with the name of its algorithm, as curl and RFC 7469 pin it.
    pub(super) fn key_fingerprint(&self) -> [u8; 32] {
        Sha256::digest(self.key_info).into()
    }

    /// Whether subject and issuer are the same, as in a self-signed certificate.
    pub(super) fn is_self_issued(&self) -> bool {
        self.subject == self.issuer
    }

    pub(super) fn subject(&self) -> String {
        distinguished_name::text(self.subject)
    }

    pub(super) fn issuer(&self) -> String {
        distinguished_name::text(self.issuer)
    }

    /// The subject's common name, by which browsers went until 2017.
    pub(super) fn common_name(&self) -> Option<String> {
        distinguished_name::common_name(self.subject)
    }

    pub(super) fn validity_at(&self, now: UnixTime) -> Validity {
        let (from, to) = (self.not_before.unix_duration(), self.not_after.unix_duration());
        let now = Duration::from_secs(now.as_secs());
        match (from.checked_sub(now), now.checked_sub(to)) {
            (Some(early), _) if !early.is_zero() => Validity::NotYet(early),
            (_, Some(late)) if !late.is_zero() => Validity::Expired(late),
            _ => Validity::Valid,
        }
    }
}

fn time(reader: &mut SliceReader<'_>) -> Result<DateTime> {
    match Tag::peek(reader)? {
        Tag::UtcTime => UtcTime::decode(reader).map(|time| time.to_date_time()),
        _ => GeneralizedTime::decode(reader).map(|time| time.to_date_time()),
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, CustomExtension, KeyPair};
    use ring::digest;

    use super::*;

    #[test]
    fn a_key_is_read_whatever_the_extensions_hold() {
        let mut parameters = CertificateParams::default();
        for content in [&b"\x05\x00"[..], b"\x30\x03\x82\x01a\x00\x00", b"\x30\x05\x82\x01", b""] {
            let names = CustomExtension::from_oid_content(&[2, 5, 29, 17], content.to_vec());
            parameters.custom_extensions = vec![names];
            let key = KeyPair::generate().unwrap();
            let der = parameters.self_signed(&key).unwrap().der().to_vec();
            let certificate = Certificate::read(&der).unwrap();
            assert_eq!(certificate.public_key(), Some(key.public_key_raw()), "{content:?}");
            assert!(certificate.names.is_empty(), "{content:?}");
        }
    }

    #[test]
    fn a_certificate_that_is_cut_or_longer_is_not_read() {
        let certificate = CertificateParams::new(["a.example".to_owned()]).unwrap();
        let mut der = certificate.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec();
        assert!(Certificate::read(&der).is_ok());
        for end in 0..der.len() {
            assert!(Certificate::read(&der[..end]).is_err(), "{end} bytes");
        }
        der.push(0);
        assert!(Certificate::read(&der).is_err());
    }

    #[test]
    fn a_renewed_certificate_has_the_same_key_fingerprint() {
        use rcgen::PublicKeyData;
        let key = KeyPair::generate().unwrap();
        let expected = digest::digest(&digest::SHA256, &key.subject_public_key_info());
        for name in ["old.example", "new.example"] {
            let der = CertificateParams::new([name.to_owned()]).unwrap().self_signed(&key).unwrap().der().to_vec();
            assert_eq!(Certificate::read(&der).unwrap().key_fingerprint(), expected.as_ref());
        }
    }

    #[test]
    fn both_ends_of_the_validity_belong_to_it() {
        let mut parameters = CertificateParams::default();
        parameters.not_before = rcgen::date_time_ymd(2020, 1, 1);
        parameters.not_after = rcgen::date_time_ymd(2021, 1, 1);
        let der = parameters.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec();
        let certificate = Certificate::read(&der).unwrap();
        let (from, to) = (1_577_836_800, 1_609_459_200);
        let at = |seconds| certificate.validity_at(UnixTime::since_unix_epoch(Duration::from_secs(seconds)));
        assert_eq!([at(from), at(to)], [Validity::Valid, Validity::Valid]);
        assert_eq!(at(from - 60), Validity::NotYet(Duration::from_secs(60)));
        assert_eq!(at(to + 1), Validity::Expired(Duration::from_secs(1)));
    }
}
