//! Names of subjects and issuers, as people read them.

use std::borrow::Cow;

use der::asn1::ObjectIdentifier;
use der::{AnyRef, Decode, Error, Result, Tag, Tagged};

use super::asn1::elements;

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

/// What parts of a name are called; others are shown by their number.
const ATTRIBUTES: [(ObjectIdentifier, &str); 11] = [
    (COMMON_NAME, "CN"),
    (ObjectIdentifier::new_unwrap("2.5.4.5"), "SERIALNUMBER"),
    (ObjectIdentifier::new_unwrap("2.5.4.6"), "C"),
    (ObjectIdentifier::new_unwrap("2.5.4.7"), "L"),
    (ObjectIdentifier::new_unwrap("2.5.4.8"), "ST"),
    (ObjectIdentifier::new_unwrap("2.5.4.9"), "STREET"),
    (ObjectIdentifier::new_unwrap("2.5.4.10"), "O"),
    (ObjectIdentifier::new_unwrap("2.5.4.11"), "OU"),
    (ObjectIdentifier::new_unwrap("0.9.2342.19200300.100.1.1"), "UID"),
    (ObjectIdentifier::new_unwrap("0.9.2342.19200300.100.1.25"), "DC"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.1"), "emailAddress"),
];

/// A name much as RFC 4514 has it, the last part first: `CN=control center,O=Example`. One that cannot be read is shown as
/// such, for the certificate counts without it.
pub(super) fn text(name: AnyRef<'_>) -> String {
    written(name).unwrap_or_else(|_| "(unreadable)".to_owned())
}

/// The common name, the last one where there are several.
pub(super) fn common_name(name: AnyRef<'_>) -> Option<String> {
    let attributes = elements(name).ok()?.into_iter().rev().filter_map(|part| elements(part).ok()).flatten();
    let mut pairs = attributes.filter_map(|attribute| kind_and_value(attribute).ok());
    pairs.find(|(kind, _)| *kind == COMMON_NAME).map(|(_, value)| decoded(value).into_owned())
}

fn kind_and_value(attribute: AnyRef<'_>) -> Result<(ObjectIdentifier, AnyRef<'_>)> {
    attribute.sequence(|parts| Ok::<_, Error>((ObjectIdentifier::decode(parts)?, AnyRef::decode(parts)?)))
}

fn written(name: AnyRef<'_>) -> Result<String> {
    let mut text = String::new();
    for part in elements(name)?.into_iter().rev() {
        let mut separator = if text.is_empty() { "" } else { "," };
        for attribute in elements(part)? {
            let (kind, value) = kind_and_value(attribute)?;
            text.push_str(separator);
            push_attribute(&mut text, kind, value);
            separator = "+";
        }
    }
    Ok(text)
}

fn push_attribute(text: &mut String, kind: ObjectIdentifier, value: AnyRef<'_>) {
    match ATTRIBUTES.iter().find(|(known, _)| *known == kind) {
        Some((_, name)) => text.push_str(name),
        None => text.push_str(&kind.to_string()),
    }
    text.push('=');
    for c in decoded(value).chars() {
        if matches!(c, '"' | '+' | ',' | ';' | '<' | '>' | '\\') {
            text.push('\\');
        }
        text.push(c);
    }
}

fn decoded(value: AnyRef<'_>) -> Cow<'_, str> {
    match value.tag() {
        // Some CAs write what is not English in UTF-16.
        Tag::BmpString => {
            let units = value.value().chunks_exact(2).filter_map(|unit| unit.try_into().ok()).map(u16::from_be_bytes);
            char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
        _ => String::from_utf8_lossy(value.value()),
    }
}

#[cfg(test)]
mod tests {
    use der::{Any, Encode};

    use super::*;

    fn attribute(kind: &str, tag: Tag, value: &[u8]) -> Vec<u8> {
        let kind = ObjectIdentifier::new_unwrap(kind).to_der().unwrap();
        sequence(&[kind, Any::new(tag, value).unwrap().to_der().unwrap()].concat())
    }

    fn sequence(content: &[u8]) -> Vec<u8> {
        Any::new(Tag::Sequence, content).unwrap().to_der().unwrap()
    }

    fn set(content: &[u8]) -> Vec<u8> {
        Any::new(Tag::Set, content).unwrap().to_der().unwrap()
    }

    #[test]
    fn names_are_written_as_in_rfc_4514() {
        let country = set(&attribute("2.5.4.6", Tag::PrintableString, b"CN"));
        let chinese = "财务部".encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>();
        let unit = set(&attribute("2.5.4.11", Tag::BmpString, &chinese));
        let both = [
            attribute("2.5.4.3", Tag::Utf8String, "控制中心, \"一\"".as_bytes()),
            attribute("1.2.3", Tag::Utf8String, b"x"),
        ];
        let name = sequence(&[country, unit, set(&both.concat())].concat());
        let name = AnyRef::from_der(&name).unwrap();
        assert_eq!(text(name), "CN=控制中心\\, \\\"一\\\"+1.2.3=x,OU=财务部,C=CN");
        assert_eq!(common_name(name).unwrap(), "控制中心, \"一\"");
        let (empty, text_alone) = (sequence(&[]), Any::new(Tag::Utf8String, *b"x").unwrap().to_der().unwrap());
        assert_eq!(text(AnyRef::from_der(&empty).unwrap()), "");
        assert_eq!(text(AnyRef::from_der(&text_alone).unwrap()), "(unreadable)");
        assert_eq!(common_name(AnyRef::from_der(&text_alone).unwrap()), None);
    }
}
