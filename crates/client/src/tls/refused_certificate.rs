//! Why a certificate was refused, what it was, and what would make it trusted.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use der::DateTime;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, OtherError};

use super::certificate::{self, Certificate, Validity};
use super::description::{describe, summary};
use super::reason::{in_words, is_ca_as_server, is_of_name, is_of_time};
use super::server::Server;
use super::wrong_name::{self, WrongName};
use crate::basics::time::span;
use crate::request::Pin;

/// What is wrong with a refused certificate, as far as it decides what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is not the pinned one.
    Pin,
    /// It is for another host.
    Name,
    /// It has expired, or is not valid yet.
    Time,
    /// It vouches for itself.
    SelfSigned,
    /// Nobody knows its issuer, or the issuer's key is another.
    Issuer,
    Other,
}

/// A refused certificate. It travels through rustls as the source of its error.
#[derive(Debug)]
pub(crate) struct RefusedCertificate {
    pub(crate) fault: Fault,
    /// For `msg`.
    pub(crate) cause: String,
    pub(crate) detail: String,
}

/// What a server has shown in a handshake.
pub(super) struct Shown<'a> {
    pub(super) certificate: &'a [u8],
    pub(super) intermediates: &'a [CertificateDer<'a>],
    /// The host that was called; rustls does not tell it where the handshake's signature is checked.
    pub(super) host: Option<&'a ServerName<'a>>,
    pub(super) now: UnixTime,
}

/// Why, for `msg` and for `detail`, and what to do.
struct Words {
    cause: String,
    why: String,
    remedy: String,
}

impl RefusedCertificate {
    /// By `reason`; `pins` are those that were given, if any.
    pub(super) fn new(
        reason: &CertificateError,
        shown: &Shown<'_>,
        pins: &[Pin],
        server: Server,
    ) -> RefusedCertificate {
        let certificate = Certificate::read(shown.certificate).ok();
        let name = shown.host.and_then(|host| match (&certificate, is_of_name(reason)) {
            // The system's own verifier has judged the name.
            (Some(certificate), true) => Some(wrong_name::explain(certificate, host, server)),
            _ => wrong_name::find(shown.certificate, host, server),
        });
        let (fault, words) = match (&name, certificate.as_ref()) {
            _ if matches!(reason, CertificateError::ApplicationVerificationFailure) => {
                (Fault::Pin, wrong_pin(shown, pins))
            }
            (Some(name), _) if is_of_name(reason) => (Fault::Name, of_name(name, server)),
            (_, Some(certificate)) if is_of_time(reason) => (Fault::Time, of_time(certificate, shown, server)),
            (_, Some(certificate)) if is_untrusted_alone(reason, certificate) => {
                (Fault::SelfSigned, self_signed(reason, name.as_ref(), server))
            }
            _ if matches!(reason, CertificateError::BadSignature) && shown.host.is_some() => {
                (Fault::Issuer, of_another_ca(server))
            }
            _ if matches!(reason, CertificateError::UnknownIssuer) => (Fault::Issuer, other(reason, server)),
            _ => (Fault::Other, other(reason, server)),
        };
        let mut detail = format!(
            "{}'s certificate is not trusted: {}; {}; {}",
            server.name(),
            words.why,
            describe(shown.certificate),
            words.remedy
        );
        if let Some(name) = name.filter(|_| !is_of_name(reason) && pins.is_empty()) {
            detail.push_str("; besides, ");
            detail.push_str(&name.why);
            detail.push_str(": ");
            detail.push_str(&name.remedy);
        }
        RefusedCertificate { fault, cause: words.cause, detail }
    }

    pub(super) fn into_rustls(self) -> rustls::Error {
        CertificateError::Other(OtherError(Arc::new(self))).into()
    }

    /// The refusal that an error of rustls' is about.
    pub(crate) fn of(error: &rustls::Error) -> Option<&RefusedCertificate> {
        match error {
            rustls::Error::InvalidCertificate(CertificateError::Other(other)) => other.0.downcast_ref(),
            _ => None,
        }
    }
}

impl fmt::Display for RefusedCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for RefusedCertificate {}

/// A certificate that vouches for itself: no CA's certificate would help.
fn is_untrusted_alone(reason: &CertificateError, certificate: &Certificate<'_>) -> bool {
    (matches!(reason, CertificateError::UnknownIssuer) || is_ca_as_server(reason)) && certificate.is_self_issued()
}

fn self_signed(reason: &CertificateError, name: Option<&WrongName>, server: Server) -> Words {
    let (_, why) = in_words(reason);
    let (cause, remedy) = match (server, name) {
        (Server::ControlCenter, None) => (
            "证书不受信任(自签名),请核对指纹后填入tls.pin_sha256",
            "to trust it, check this fingerprint and give it as `tls.pin_sha256`, or give its PEM file as `tls.ca_file`",
        ),
        (Server::ControlCenter, Some(_)) => (
            "证书不受信任(自签名,主机名也不符),请核对指纹后填入tls.pin_sha256",
            "to trust it, check this fingerprint and give it as `tls.pin_sha256`; its PEM file as `tls.ca_file` would not do",
        ),
        (Server::Redis, _) => (
            "证书不受信任(自签名),请把该证书的PEM文件填入tls.ca_file",
            "to trust it, give its PEM file as `tls.ca_file`",
        ),
    };
    Words { cause: cause.to_owned(), why, remedy: remedy.to_owned() }
}

fn of_name(name: &WrongName, server: Server) -> Words {
    let (mut cause, mut remedy) = (format!("{},{}", name.cause, name.remedy_zh), name.remedy.clone());
    if server.takes_pins() {
        cause.push_str(",或核对指纹后填入tls.pin_sha256");
        remedy = format!("{remedy}; {TRUST_ALL_THE_SAME}");
    }
    Words { cause, why: name.why.clone(), remedy }
}

const TRUST_ALL_THE_SAME: &str =
    "to trust exactly this certificate all the same, check the fingerprint and give it as `tls.pin_sha256`";

/// What to do where a certificate is at fault by itself.
fn remedy(server: Server) -> String {
    match server {
        Server::ControlCenter => TRUST_ALL_THE_SAME.to_owned(),
        Server::Redis => "have it replaced on that server".to_owned(),
    }
}

/// Its issuer's name is that of a trusted CA, or its own is that of a trusted certificate, but the key is another: so it is
/// where a CA or a self-signed certificate was made anew.
fn of_another_ca(server: Server) -> Words {
    let or_pin = if server.takes_pins() { ", or check the fingerprint and give it as `tls.pin_sha256`" } else { "" };
    Words {
        cause: "证书签名不符,CA或自签名证书若已重做,请更新tls.ca_file,否则可能是冒充的服务器".to_owned(),
        why: "its signature does not fit: a trusted certificate has the name of its issuer, but another key".to_owned(),
        remedy: format!(
            "if that CA, or the self-signed certificate, was made anew, give its new PEM file as `tls.ca_file`{or_pin}; else it may be an impostor's: do not trust it"
        ),
    }
}

fn other(reason: &CertificateError, server: Server) -> Words {
    let (cause, why) = in_words(reason);
    let (step, remedy) = match reason {
        CertificateError::BadSignature => (
            ",可能是冒充的服务器,请联系管理员",
            "it may be an impostor's, or belong to another machine: do not trust it".to_owned(),
        ),
        CertificateError::UnknownIssuer => {
            let or_pin = match server {
                Server::ControlCenter => ", or this fingerprint, once it is checked, as `tls.pin_sha256`",
                Server::Redis => "",
            };
            let remedy = format!(
                "to trust it, give the issuing CA's PEM file as `tls.ca_file`{or_pin}; \
                 if that CA is trusted already, the server fails to send an intermediate certificate: mend the server, or add the intermediate to `tls.ca_file`"
            );
            (",请把签发它的CA证书(PEM文件)填入tls.ca_file", remedy)
        }
        _ if server.takes_pins() => (",请更换服务器的证书,或核对指纹后填入tls.pin_sha256", remedy(server)),
        _ => (",请更换服务器的证书", remedy(server)),
    };
    Words { cause: format!("{cause}{step}"), why, remedy }
}

/// A certificate that is not valid at this time, or one of a CA above it.
fn of_time(certificate: &Certificate<'_>, shown: &Shown<'_>, server: Server) -> Words {
    let clock = moment(shown.now);
    let (cause, why) = match certificate.validity_at(shown.now) {
        Validity::NotYet(early) => (
            format!("证书尚未生效(从{}起),请检查本机时间(现为{clock})", certificate.not_before),
            format!(
                "it is not valid yet by this machine's clock, which says {clock}: it becomes valid {} later; set the clock if it is wrong",
                span(early.as_secs())
            ),
        ),
        Validity::Expired(late) => (
            format!("证书已过期({}),请更换服务器的证书(本机时间{clock})", certificate.not_after),
            format!("it has expired {} ago by this machine's clock, which says {clock}", span(late.as_secs())),
        ),
        Validity::Valid => {
            let cas = shown.intermediates.iter().filter_map(|ca| Certificate::read(ca).ok());
            let culprit = cas.into_iter().find(|ca| ca.validity_at(shown.now) != Validity::Valid);
            let which = culprit.map_or(String::new(), |ca| format!(" (it {})", summary(&ca).trim_end_matches(',')));
            (
                format!("上级CA证书已过期或尚未生效,请更换服务器的证书链(本机时间{clock})"),
                format!(
                    "the certificate of a CA above it has expired, or is not valid yet{which}; this machine's clock says {clock}"
                ),
            )
        }
    };
    Words { cause, why, remedy: remedy(server) }
}

fn moment(time: UnixTime) -> String {
    match DateTime::from_unix_duration(Duration::from_secs(time.as_secs())) {
        Ok(time) => time.to_string(),
        Err(_) => "a time after the year 9999".to_owned(),
    }
}

fn wrong_pin(shown: &Shown<'_>, pins: &[Pin]) -> Words {
    let mut why = match pins {
        [Pin::Certificate(_)] => "its fingerprint is not the one in `tls.pin_sha256` (1 pin was given)".to_owned(),
        [Pin::Key(_)] => "its key's fingerprint is not the one in `tls.pin_sha256` (1 pin was given)".to_owned(),
        several => format!("it fits none of the {} pins in `tls.pin_sha256`", several.len()),
    };
    let is_pinned = |ca: &&CertificateDer<'_>| pins.iter().any(|pin| fits(pin, ca));
    if let Some(ca) = shown.intermediates.iter().find(is_pinned).and_then(|ca| Certificate::read(ca).ok()) {
        why = format!(
            "{why}; the pin fits the CA above it, whose certificate {}: a pin must be of the server's own certificate or key",
            summary(&ca).trim_end_matches(',')
        );
    }
    Words {
        cause: "证书指纹不符,服务器若换过证书,请核对后把新指纹填入tls.pin_sha256".to_owned(),
        why,
        remedy: format!("{TRUST_ALL_THE_SAME}; the key's, `sha256//...`, stays the same where a renewal keeps the key"),
    }
}

/// Whether a certificate is the pinned one, or has the pinned key.
pub(super) fn fits(pin: &Pin, der: &[u8]) -> bool {
    match pin {
        Pin::Certificate(fingerprint) => certificate::fingerprint(der) == *fingerprint,
        Pin::Key(fingerprint) => {
            Certificate::read(der).is_ok_and(|certificate| certificate.key_fingerprint() == *fingerprint)
        }
    }
}
