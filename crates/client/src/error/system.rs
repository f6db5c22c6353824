//! The system's errors in fixed English. The system itself tells them in the language of its user (Chinese Windows says
//! `由于目标计算机积极拒绝`), and a text that is searched for must not depend on that.

use std::io;

/// What happened, in English, and the system's number where there is one: `connection refused (os error 10061)`.
pub(crate) fn in_english(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(code) => of_code(code),
        None => translated(&error.to_string()),
    }
}

/// What to do where a file cannot be made or written, in Chinese and in English, as it goes on after the file's name.
pub(crate) fn of_new_file(error: &io::Error) -> (&'static str, &'static str) {
    match error.kind() {
        io::ErrorKind::NotFound => ("的文件夹不存在,请先建立", "; make its folder first"),
        io::ErrorKind::PermissionDenied => {
            ("不可写,请给运行机器人的用户该文件夹的写权限", "; its folder must be writable for the user that runs this")
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ("的磁盘已满,请清理", "; make room on its drive"),
        _ => ("不可用,请换一个路径", "; give another path"),
    }
}

/// A text that was made from a system's error, by another crate for instance: of that the number alone is kept.
pub(crate) fn translated(text: &str) -> String {
    if let Some(code) = number_within(text) {
        return of_code(code);
    }
    match text.strip_prefix(LOOKUP) {
        Some(reason) => of_lookup(reason.trim_start_matches([':', ' '])),
        None => text.to_owned(),
    }
}

/// What Rust writes before the reason that `getaddrinfo` gives, which glibc translates as well, and which has no number.
const LOOKUP: &str = "failed to lookup address information";

fn of_lookup(reason: &str) -> String {
    // glibc's, musl's and macOS' words for the usual reasons.
    let no_such_name =
        ["Name or service not known", "Name does not resolve", "nodename nor servname provided, or not known"];
    let no_address = ["No address associated with hostname", "Name has no usable address"];
    match reason {
        reason if no_such_name.contains(&reason) => "no such name".to_owned(),
        reason if no_address.contains(&reason) => "the name has no address".to_owned(),
        "Temporary failure in name resolution" | "Try again" => "the name server does not answer for now".to_owned(),
        _ => "the system's lookup failed".to_owned(),
    }
}

/// The number that Rust puts behind the system's words: `... (os error 5)`.
fn number_within(text: &str) -> Option<i32> {
    let (_, behind) = text.rsplit_once("(os error ")?;
    behind.split_once(')')?.0.parse().ok()
}

fn of_code(code: i32) -> String {
    let known = if cfg!(windows) { of_windows(code) } else { of_unix(code) };
    match known {
        Some(words) => format!("{words} (os error {code})"),
        // The names that Rust has for the kinds of errors are English on every system.
        None => match io::Error::from_raw_os_error(code).kind().to_string().as_str() {
            "uncategorized error" | "other error" => format!("the system's error {code} (os error {code})"),
            kind => format!("{kind} (os error {code})"),
        },
    }
}

/// The numbers of Windows that a call can meet: files, networks, Winsock, certificates.
fn of_windows(code: i32) -> Option<&'static str> {
    Some(match code {
        2 => "no such file",
        3 => "no such folder",
        4 | 10024 => "too many files and connections are open",
        5 => "access denied",
        8 | 14 => "out of memory",
        15 => "no such drive",
        19 => "the medium is write-protected",
        21 => "the drive is not ready",
        32 | 33 => "another program has the file open",
        39 | 112 => "the disk is full",
        51 | 53 | 67 | 1203 | 1231 => "the network drive or its server cannot be found",
        54 | 71 => "the server of the network drive takes no more connections",
        59 | 64 | 1236 => "the connection to the network drive broke",
        65 => "the network drive denies access",
        80 | 183 => "it exists already",
        87 | 10022 => "the system refuses an argument",
        121 | 258 | 10060 => "timed out",
        123 | 161 => "not a valid path",
        145 => "the folder is not empty",
        206 => "the path is too long",
        267 => "not a folder",
        1311 | 1326 | 1327 | 1330 | 1331 | 1909 => "the network drive refuses this user",
        10004 => "interrupted",
        10013 => "not permitted; a firewall or a virus scanner of this machine may forbid it",
        10035 => "it would block",
        10040 => "the message is too long",
        10048 => "the address is in use",
        10049 => "not an address that can be reached from here",
        10050 => "the network is down",
        10051 => "network unreachable",
        10052 => "the network dropped the connection",
        10053 => "connection aborted by this machine",
        10054 => "connection reset by the other side",
        10055 => "the system has no room for more connections",
        10057 => "not connected",
        10058 => "the connection is closed already",
        10061 | 1225 => "connection refused",
        10064 => "the host is down",
        10065 | 1232 => "host unreachable",
        10047 => "this machine does not support that kind of address",
        10091 | 10093 => "the system's network is not ready",
        11001 => "no such name",
        11002 => "the name server does not answer for now",
        11003 => "the name server failed",
        11004 => "the name has no address",
        -2146885614 | -2146885613 => "its revocation cannot be checked now",
        -2146762479 | -2146762478 => "its CA is distrusted on this machine",
        -2146762486 => "no chain of certificates leads to a trusted root",
        -2146762480 => "it is not meant for this use",
        -2146762476 => "its CA may not issue it for this name",
        _ => return None,
    })
}

/// The numbers of Unix for which Rust has no name, or one that says little of files and connections. They are the same
/// on Linux, macOS and the BSDs.
fn of_unix(code: i32) -> Option<&'static str> {
    Some(match code {
        2 => "no such file or folder",
        5 => "input or output error",
        6 | 19 => "no such device",
        23 | 24 => "too many files and connections are open",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Chinese Windows would have said it.
    #[test]
    fn windows_errors_are_told_in_english_by_their_number() {
        for (code, expected) in [
            (10061, "connection refused"),
            (10060, "timed out"),
            (10065, "host unreachable"),
            (10054, "connection reset by the other side"),
            (11001, "no such name"),
            (11004, "the name has no address"),
            (5, "access denied"),
            (32, "another program has the file open"),
            (53, "the network drive or its server cannot be found"),
            (112, "the disk is full"),
            (-2146885613, "its revocation cannot be checked now"),
        ] {
            assert_eq!(of_windows(code), Some(expected), "{code}");
        }
        assert_eq!(of_windows(0x7fff_ffff), None);
        for code in -5000..20_000 {
            assert!(of_windows(code).is_none_or(|words| words.is_ascii() && !words.is_empty()), "{code}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn errors_of_linux_are_told_by_their_number() {
        for (code, expected) in [
            (111, "connection refused (os error 111)"),
            (101, "network unreachable (os error 101)"),
            (113, "host unreachable (os error 113)"),
            (104, "connection reset (os error 104)"),
            (2, "no such file or folder (os error 2)"),
            (13, "permission denied (os error 13)"),
            (28, "no storage space (os error 28)"),
            (24, "too many files and connections are open (os error 24)"),
            (9999, "the system's error 9999 (os error 9999)"),
        ] {
            assert_eq!(in_english(&io::Error::from_raw_os_error(code)), expected);
        }
    }

    /// Another crate made a text of the system's error, or wrapped it.
    #[test]
    #[cfg(target_os = "linux")]
    fn of_a_text_in_the_systems_language_the_number_is_kept() {
        for text in ["拒绝连接 (os error 111)", "io: Verbindungsaufbau abgelehnt (os error 111)"] {
            assert_eq!(translated(text), "connection refused (os error 111)");
            assert_eq!(in_english(&io::Error::other(text)), "connection refused (os error 111)");
        }
        assert_eq!(translated("it does not speak SOCKS5"), "it does not speak SOCKS5");
        assert_eq!(translated("odd (os error x)"), "odd (os error x)");
    }

    #[test]
    fn a_lookup_that_failed_is_told_in_english() {
        for (reason, expected) in [
            ("Name or service not known", "no such name"),
            ("Temporary failure in name resolution", "the name server does not answer for now"),
            ("No address associated with hostname", "the name has no address"),
            ("未知的名称或服务", "the system's lookup failed"),
            ("", "the system's lookup failed"),
        ] {
            assert_eq!(translated(&format!("failed to lookup address information: {reason}")), expected);
        }
    }
}
