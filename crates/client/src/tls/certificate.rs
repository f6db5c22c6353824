//! What a certificate says of itself, for the one who must decide whether to trust it.
//!
//! Read with the crate `der` alone: x509-cert, which has a type for every field and a name for every object identifier,
//! would be a tenth of the library.

use std::fmt::Write;
use std::net::IpAddr;
use std::time::Duration;

use der::asn1::{BitStringRef, GeneralizedTime, ObjectIdentifier, UtcTime};
use der::{AnyRef, DateTime, Decode, Reader, Result, SliceReader, Tag, Tagged};
use rustls::pki_types::UnixTime;
use sha2::{Digest, Sha256};

use super::distinguished_name;

/// The SHA-256 fingerprint of a certificate in DER.
pub(crate) fn fingerprint(der: &[u8]) -> [u8; 32] {
    Sha256::digest(der).into()
}

/// Subject, issuer, names, validity and fingerprint in a sentence. A certificate that cannot be read still has a
/// fingerprint.
pub(crate) fn describe(der: &[u8]) -> String {
    let mut text = String::from("the certificate ");
    if let Ok(certificate) = Certificate::read(der) {
        let name = |name| shown(&distinguished_name::text(name).unwrap_or_default());
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "has the subject \"{}\", the issuer \"{}\", is for {}, is valid from {} to {}, and ",
            name(certificate.subject),
            name(certificate.issuer),
            in_words(&certificate.names),
            certificate.not_before,
            certificate.not_after,
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
pub(crate) fn public_key(der: &[u8]) -> Option<&[u8]> {
    Certificate::read(der).ok()?.public_key.as_bytes()
}

/// Whether subject and issuer are the same, as in a self-signed certificate.
pub(crate) fn is_self_issued(der: &[u8]) -> bool {
    Certificate::read(der).is_ok_and(|certificate| certificate.subject == certificate.issuer)
}

/// Whether the time lies within the certificate's validity.
pub(crate) fn is_valid_at(der: &[u8], now: UnixTime) -> bool {
    let Ok(certificate) = Certificate::read(der) else { return false };
    let (from, to) = (certificate.not_before.unix_duration(), certificate.not_after.unix_duration());
    (from..=to).contains(&Duration::from_secs(now.as_secs()))
}

/// What is told of a certificate (RFC 5280, section 4.1).
struct Certificate<'a> {
    issuer: AnyRef<'a>,
    not_before: DateTime,
    not_after: DateTime,
    subject: AnyRef<'a>,
    public_key: BitStringRef<'a>,
    /// The subject alternative names; the common name no longer counts (RFC 9525).
    names: Vec<String>,
}

impl<'a> Certificate<'a> {
    fn read(der: &'a [u8]) -> Result<Self> {
        AnyRef::from_der(der)?.sequence(|signed| {
            let certificate = signed.sequence(Self::read_content)?;
            let _algorithm = AnyRef::decode(signed)?;
            let _signature = AnyRef::decode(signed)?;
            Ok(certificate)
        })
    }

    fn read_content(content: &mut SliceReader<'a>) -> Result<Self> {
        // Not there in version 1.
        if is_tagged(Tag::peek(content)?, 0) {
            let _version = AnyRef::decode(content)?;
        }
        let _serial_number = AnyRef::decode(content)?;
        let _algorithm = AnyRef::decode(content)?;
        let issuer = AnyRef::decode(content)?;
        let (not_before, not_after) =
            content.sequence(|validity| Ok::<_, der::Error>((time(validity)?, time(validity)?)))?;
        let subject = AnyRef::decode(content)?;
        let public_key = content.sequence(|key| {
            let _algorithm = AnyRef::decode(key)?;
            BitStringRef::decode(key)
        })?;
        let mut names = Vec::new();
        while !content.is_finished() {
            let further = AnyRef::decode(content)?;
            if is_tagged(further.tag(), 3) {
                // Who pins a certificate means that one, whatever its extensions hold.
                names = AnyRef::from_der(further.value()).and_then(alternative_names).unwrap_or_default();
            }
        }
        Ok(Certificate { issuer, not_before, not_after, subject, public_key, names })
    }
}

fn is_tagged(tag: Tag, number: u32) -> bool {
    tag.is_context_specific() && tag.number().value() == number
}

fn time(reader: &mut SliceReader<'_>) -> Result<DateTime> {
    match Tag::peek(reader)? {
        Tag::UtcTime => UtcTime::decode(reader).map(|time| time.to_date_time()),
        _ => GeneralizedTime::decode(reader).map(|time| time.to_date_time()),
    }
}

fn alternative_names(extensions: AnyRef<'_>) -> Result<Vec<String>> {
    const SUBJECT_ALT_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");
    let mut names = Vec::new();
    for extension in elements(extensions)? {
        let parts = elements(extension)?;
        // Between the two may be a flag: critical or not.
        let (Some(name), Some(value)) = (parts.first(), parts.last()) else { continue };
        if name.decode_as::<ObjectIdentifier>()? == SUBJECT_ALT_NAME {
            names.extend(elements(AnyRef::from_der(value.value())?)?.into_iter().filter_map(general_name));
        }
    }
    Ok(names)
}

/// A host's name or address; there are mail addresses and others, too.
fn general_name(name: AnyRef<'_>) -> Option<String> {
    let address = |bytes: &[u8]| match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from),
        _ => <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from),
    };
    match name.tag() {
        tag if is_tagged(tag, 2) => Some(String::from_utf8_lossy(name.value()).into_owned()),
        tag if is_tagged(tag, 7) => address(name.value()).map(|address| address.to_string()),
        _ => None,
    }
}

/// The elements of a SEQUENCE OF or a SET OF.
pub(crate) fn elements(list: AnyRef<'_>) -> Result<Vec<AnyRef<'_>>> {
    if !matches!(list.tag(), Tag::Sequence | Tag::Set) {
        return Err(list.tag().value_error().into());
    }
    let mut reader = SliceReader::new(list.value())?;
    let mut elements = Vec::new();
    while !reader.is_finished() {
        elements.push(AnyRef::decode(&mut reader)?);
    }
    Ok(elements)
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, CustomExtension, DnType, KeyPair};

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

    #[test]
    fn a_key_is_read_whatever_the_extensions_hold() {
        let mut parameters = CertificateParams::default();
        for content in [&b"\x05\x00"[..], b"\x30\x03\x82\x01a\x00\x00", b"\x30\x05\x82\x01", b""] {
            let names = CustomExtension::from_oid_content(&[2, 5, 29, 17], content.to_vec());
            parameters.custom_extensions = vec![names];
            let key = KeyPair::generate().unwrap();
            let der = parameters.self_signed(&key).unwrap().der().to_vec();
            assert_eq!(public_key(&der), Some(key.public_key_raw()), "{content:?}");
            assert!(describe(&der).contains("is for no name at all, "), "{content:?}");
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
        assert!(describe(&der).starts_with("the certificate has the SHA-256 fingerprint "));
    }
}
