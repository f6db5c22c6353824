//! The names that a certificate is for, each of its kind: a DNS name never stands for an address, nor the other way round.

use std::net::IpAddr;

use der::asn1::ObjectIdentifier;
use der::{AnyRef, Decode, Result, Tagged};

use super::asn1::{elements, is_tagged};
use super::shown::shown;

/// The subject alternative names (RFC 5280, section 4.2.1.6) by which a server can be called.
#[derive(Debug, Default)]
pub(super) struct ServerNames {
    pub(super) dns: Vec<String>,
    pub(super) addresses: Vec<IpAddr>,
}

impl ServerNames {
    /// The names among a certificate's extensions.
    pub(super) fn of_extensions(extensions: AnyRef<'_>) -> Result<ServerNames> {
        const SUBJECT_ALT_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");
        let mut names = ServerNames::default();
        for extension in elements(extensions)? {
            let parts = elements(extension)?;
            // Between the two may be a flag: critical or not.
            let (Some(name), Some(value)) = (parts.first(), parts.last()) else { continue };
            if name.decode_as::<ObjectIdentifier>()? == SUBJECT_ALT_NAME {
                elements(AnyRef::from_der(value.value())?)?.into_iter().for_each(|name| names.add(name));
            }
        }
        Ok(names)
    }

    /// A GeneralName. Those of other kinds, such as mail addresses, are nobody's host.
    fn add(&mut self, name: AnyRef<'_>) {
        let bytes = name.value();
        if is_tagged(name.tag(), 2) {
            self.dns.push(String::from_utf8_lossy(bytes).into_owned());
        } else if is_tagged(name.tag(), 7) {
            let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
            self.addresses.extend(v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.dns.is_empty() && self.addresses.is_empty()
    }

    /// All of them with their kinds, or that there are none.
    pub(super) fn in_words(&self) -> String {
        let addresses: Vec<_> = self.addresses.iter().map(IpAddr::to_string).collect();
        let kinds = [list(&self.dns, "DNS name", "DNS names"), list(&addresses, "IP address", "IP addresses")];
        let kinds: Vec<_> = kinds.into_iter().flatten().collect();
        match kinds.is_empty() {
            true => "no name at all".to_owned(),
            false => kinds.join(" and "),
        }
    }
}

fn list(names: &[String], one: &str, several: &str) -> Option<String> {
    const MOST: usize = 20;
    let (kind, list) = match names {
        [] => return None,
        [name] => (one, shown(name)),
        names => (several, names.iter().take(MOST).map(|name| shown(name)).collect::<Vec<_>>().join(", ")),
    };
    match names.len().checked_sub(MOST) {
        None | Some(0) => Some(format!("{list} ({kind})")),
        Some(more) => Some(format!("{list} and {more} more ({kind})")),
    }
}
