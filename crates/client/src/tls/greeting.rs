//! What the first bytes from a server tell of the protocol that it speaks.

/// How the other side begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Greeting {
    /// It said nothing.
    Silence,
    /// TLS, and the version that it has chosen or, in an alert, speaks.
    Tls(Version),
    /// GB/T 38636, the Chinese protocol with SM2, SM3 and SM4. Its records bear version 1.1.
    Tlcp,
    Http,
    /// Another service, by its name.
    Service(&'static str),
    Unknown,
}

/// A version of TLS as its records and hellos have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    Ssl3,
    Tls10,
    Tls11,
    /// 1.2, or 1.3, which bears the number of 1.2.
    Tls12OrLater,
}

impl Version {
    pub(super) fn name(self) -> &'static str {
        match self {
            Version::Ssl3 => "SSL 3.0",
            Version::Tls10 => "TLS 1.0",
            Version::Tls11 => "TLS 1.1",
            Version::Tls12OrLater => "TLS 1.2 or later",
        }
    }
}

/// Services that are called by mistake, by what they say first. Those that wait for the client's word do not show here.
const SERVICES: [(&[u8], &str); 15] = [
    (b"SSH-", "SSH"),
    (b"220 ", "SMTP or FTP"),
    (b"220-", "SMTP or FTP"),
    (b"421 ", "SMTP or FTP"),
    (b"554 ", "SMTP"),
    (b"+OK", "POP3"),
    (b"* OK", "IMAP"),
    (b"RFB 00", "VNC"),
    (b"-ERR", "Redis"),
    (b"-DENIED", "Redis"),
    (b"-NOAUTH", "Redis"),
    (b"AMQP", "AMQP"),
    (b"ERROR\r\n", "memcached"),
    (b"\x03\0\0", "RDP"),
    (b"\xff\xfb", "Telnet"),
];

impl Greeting {
    pub(super) fn of(first: &[u8]) -> Greeting {
        if let Some((_, service)) = SERVICES.iter().find(|(beginning, _)| first.starts_with(beginning)) {
            return Greeting::Service(service);
        }
        // Some answer with a page and no head, as HTTP/0.9 had it.
        if [&b"HTTP/"[..], b"<!DOCTYPE", b"<!doctype", b"<html", b"<HTML"].iter().any(|http| first.starts_with(http)) {
            return Greeting::Http;
        }
        match first {
            [] => Greeting::Silence,
            // Change of cipher, alert, handshake, data, and TLCP's site to site type.
            [20..=23 | 80, 1, 1, ..] => Greeting::Tlcp,
            [20..=23, 3, minor, rest @ ..] => Greeting::Tls(hello_version(rest).unwrap_or(version(*minor))),
            // MySQL: a packet's length and number, its protocol's version 10, and its own version in digits.
            [_, _, 0, 0, 10, b'0'..=b'9', ..] => Greeting::Service("MySQL"),
            [b'E', 0, 0, _, _, b'S', ..] => Greeting::Service("PostgreSQL"),
            _ => Greeting::Unknown,
        }
    }
}

/// The version that a ServerHello has chosen: its record may bear another. What precedes is the type, the version and the
/// length of the record.
fn hello_version(after_record_version: &[u8]) -> Option<Version> {
    match after_record_version {
        [_, _, 2, _, _, _, 3, minor, ..] => Some(version(*minor)),
        _ => None,
    }
}

fn version(minor: u8) -> Version {
    match minor {
        0 => Version::Ssl3,
        1 => Version::Tls10,
        2 => Version::Tls11,
        _ => Version::Tls12OrLater,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_bytes_tell_the_protocol() {
        for (first, expected) in [
            (&b""[..], Greeting::Silence),
            (b"HTTP/1.1 400 Bad Request", Greeting::Http),
            (b"<html>", Greeting::Http),
            (b"SSH-2.0-OpenSSH_9.2", Greeting::Service("SSH")),
            (b"220 mail.example ESMTP", Greeting::Service("SMTP or FTP")),
            (b"\x4a\0\0\0\x0a5.7.44\0", Greeting::Service("MySQL")),
            (b"E\0\0\0\x5aSFATAL\0", Greeting::Service("PostgreSQL")),
            (b"\x15\x03\x01\0\x02\x02\x28", Greeting::Tls(Version::Tls10)),
            (b"\x15\x03\x03\0\x02\x02\x28", Greeting::Tls(Version::Tls12OrLater)),
            // The hello counts, not the record around it.
            (b"\x16\x03\x01\0\x51\x02\0\0\x4d\x03\x03", Greeting::Tls(Version::Tls12OrLater)),
            (b"\x16\x03\x03\0\x51\x02\0\0\x4d\x03\x02", Greeting::Tls(Version::Tls11)),
            (b"\x16\x01\x01\0\x51\x02", Greeting::Tlcp),
            (b"\x15\x01\x01\0\x02\x02\x46", Greeting::Tlcp),
            (b"\x15", Greeting::Unknown),
            (b"\x80\x2e\x04\x01", Greeting::Unknown),
            (b"hello\r\n", Greeting::Unknown),
        ] {
            assert_eq!(Greeting::of(first), expected, "{first:?}");
        }
    }
}
