//! What a server has shown in a handshake, for the one who looks into it.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rustls::pki_types::{CertificateDer, UnixTime};

use super::certificate::{self, Certificate, Validity};
use super::shown::shown;

/// What a handshake has come to.
pub(crate) struct Agreed {
    pub(crate) version: &'static str,
    pub(crate) cipher: &'static str,
    /// The server's own certificate first.
    pub(crate) chain: Vec<CertificateDer<'static>>,
}

/// A certificate in texts.
pub(crate) struct Portrait {
    pub(crate) subject: String,
    pub(crate) issuer: String,
    pub(crate) names: String,
    pub(crate) from: String,
    pub(crate) to: String,
    /// Seconds since 1970.
    pub(crate) ends: u64,
    /// As `tls.pin_sha256` takes them.
    pub(crate) fingerprint: String,
    pub(crate) key_fingerprint: String,
}

impl Portrait {
    /// `None` of what is no certificate.
    pub(crate) fn of(der: &[u8]) -> Option<Portrait> {
        let read = Certificate::read(der).ok()?;
        Some(Portrait {
            subject: shown(&read.subject()),
            issuer: shown(&read.issuer()),
            names: read.names.in_words(),
            from: read.not_before.to_string(),
            to: read.not_after.to_string(),
            ends: read.not_after.unix_duration().as_secs(),
            fingerprint: base16ct::lower::encode_string(&certificate::fingerprint(der)),
            key_fingerprint: ["sha256//", &BASE64_STANDARD.encode(read.key_fingerprint())].concat(),
        })
    }
}

/// Whether a certificate is valid at this time, in seconds since 1970.
pub(crate) fn is_valid_at(der: &[u8], time: u64) -> bool {
    let time = UnixTime::since_unix_epoch(std::time::Duration::from_secs(time));
    Certificate::read(der).is_ok_and(|read| read.validity_at(time) == Validity::Valid)
}
