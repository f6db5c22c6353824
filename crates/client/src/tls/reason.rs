//! The reasons for which rustls and the system refuse a certificate, in words.

use rustls::{CertificateError, OtherError};

/// What is wrong, for `msg` and for `detail`.
pub(super) fn in_words(reason: &CertificateError) -> (&'static str, String) {
    let (cause, why) = match reason {
        CertificateError::UnknownIssuer => ("证书不受信任", "its issuer is not trusted"),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => ("证书已过期", "it has expired"),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            ("证书尚未生效", "it is not valid yet by this machine's clock")
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            ("证书与主机名不符", "it is not for the host that was called")
        }
        CertificateError::Revoked => ("证书已被吊销", "it has been revoked"),
        CertificateError::BadSignature => (
            "证书签名不符",
            "a signature does not fit: the server does not hold this certificate's key, or the certificate was not issued by the CA that it names",
        ),
        CertificateError::BadEncoding => ("证书格式错误", "it is not a well-formed certificate"),
        CertificateError::UnsupportedSignatureAlgorithmContext { .. } => {
            ("证书算法太弱", "it is signed with an algorithm that is too weak or unknown, such as SHA-1")
        }
        CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            ("证书算法太弱", "its key is of a kind or a size that is not accepted, such as RSA with 1024 bits")
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            ("证书用途不符", "it is not meant for servers")
        }
        CertificateError::UnhandledCriticalExtension => {
            ("证书不受信任", "it has a critical extension that this library does not know")
        }
        CertificateError::Other(other) => return ("证书不受信任", other_in_words(&name(other))),
        other => return ("证书不受信任", format!("it cannot be verified ({other})")),
    };
    (cause, why.to_owned())
}

/// The reasons that rustls has no name for reach us as the names that webpki has for them.
fn name(other: &OtherError) -> String {
    format!("{:?}", other.0)
}

fn other_in_words(name: &str) -> String {
    let known = match name {
        CA_AS_SERVER => "it says of itself that it is a CA's, not a server's",
        "EkuError" => "it is not meant for servers",
        "EndEntityUsedAsCa" => "one of its issuers is no CA",
        "SignatureAlgorithmMismatch" => "it names two different algorithms for its one signature",
        "UnsupportedCriticalExtension" => "it has a critical extension that this library does not know",
        "UnsupportedCertVersion" => "it is of X.509 version 1 or 2, not 3",
        "NameConstraintViolation" => "its CA may not issue certificates for this host",
        "PathLenConstraintViolated" => "there are more CAs between it and its root than the root allows",
        unknown => return format!("it cannot be verified ({unknown})"),
    };
    known.to_owned()
}

const CA_AS_SERVER: &str = "CaUsedAsEndEntity";

/// Whether a server shows a CA's certificate, as OpenSSL makes self-signed ones by default.
pub(super) fn is_ca_as_server(reason: &CertificateError) -> bool {
    matches!(reason, CertificateError::Other(other) if name(other) == CA_AS_SERVER)
}

/// Whether it is the time. Windows has one reason for what is over and what is still to come.
pub(super) fn is_of_time(reason: &CertificateError) -> bool {
    matches!(
        reason,
        CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. }
    )
}

/// Whether it is the name.
pub(super) fn is_of_name(reason: &CertificateError) -> bool {
    matches!(reason, CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. })
}
