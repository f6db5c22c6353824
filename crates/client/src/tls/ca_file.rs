//! `tls.ca_file`, read within a time limit: it may lie on a network drive that does not answer.

use std::fs;
use std::path::{self, Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::basics::locks::lock;
use crate::error::{Error, system};
use crate::wait::single_flight::SingleFlight;

/// The certificates of a file.
pub(crate) type Certificates = Arc<Vec<CertificateDer<'static>>>;

/// A file that was read is not read again for this long. After that a changed one is noticed.
const FRESH: Duration = Duration::from_secs(5);
/// All the roots of a system are less than half of this.
const LARGEST: u64 = 1 << 20;

struct Read {
    path: PathBuf,
    at: Instant,
    certificates: Certificates,
}

static UNDER_WAY: SingleFlight<PathBuf, Result<Vec<CertificateDer<'static>>, Error>> = SingleFlight::new();

static READ: Mutex<Vec<Read>> = Mutex::new(Vec::new());

/// The certificates in a PEM file.
pub(crate) fn certificates(path: &Path, limit: Duration) -> Result<Certificates, Error> {
    let kept = || lock(&READ);
    if let Some(read) = kept().iter().find(|read| read.path == path && read.at.elapsed() < FRESH) {
        return Ok(read.certificates.clone());
    }
    let certificates = UNDER_WAY.wait(path.to_owned(), limit, |path| read(path));
    let timeout = || refuse(path, "读取超时", "cannot be read within the time limit; is it on a network drive?");
    let certificates = Arc::new(certificates.ok().flatten().ok_or_else(timeout)??);
    let mut kept = kept();
    kept.retain(|read| read.path != path && read.at.elapsed() < FRESH);
    kept.push(Read { path: path.to_owned(), at: Instant::now(), certificates: certificates.clone() });
    Ok(certificates)
}

fn read(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let unreadable = |error: std::io::Error| {
        refuse(path, "无法读取,请检查路径", &format!("cannot be read: {}", system::in_english(&error)))
    };
    let metadata = fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() || metadata.len() > LARGEST {
        let wanted = "is not a file of certificates: it must be a PEM file of at most 1 MiB";
        return Err(refuse(path, "不是PEM文件", wanted));
    }
    let pem = fs::read(path).map_err(unreadable)?;
    let certificates = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        // A SEQUENCE: what Windows exports unless Base64 is chosen, or a PKCS #12 file.
        Ok(_) if pem.starts_with(b"\x30") => Err(refuse(
            path,
            "是DER等二进制格式,请导出为Base64编码(PEM)的证书",
            "is binary (DER or PKCS #12): export the certificate as \"Base64 encoded X.509\", which is PEM",
        )),
        Ok(_) => Err(refuse(
            path,
            "中没有证书",
            "holds no certificate: it must be PEM, with lines `-----BEGIN CERTIFICATE-----`",
        )),
        Err(_) => Err(refuse(path, "不是有效的PEM文件", "is not well-formed PEM")),
    }
}

/// An error over the file. A path that does not begin at a root counts from the program's folder, which few know.
fn refuse(path: &Path, cause: &str, detail: &str) -> Error {
    let whole = path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let whole = whole.display();
    Error::argument(
        "tls.ca_file",
        format!("字段tls.ca_file{cause}:{whole}"),
        format!("`tls.ca_file` {detail}; the path is {whole}"),
    )
}

#[cfg(test)]
mod tests {
    use rpa_test_support::folder::Folder;

    use super::*;

    #[test]
    fn a_file_that_is_of_no_use_is_told_with_its_path_and_fault() {
        let folder = Folder::new("ca-file");
        let told = |name: &str, content: Option<&[u8]>| {
            let path = folder.join(name);
            if let Some(content) = content {
                fs::write(&path, content).unwrap();
            }
            let error = read(&path).unwrap_err();
            assert!(error.cause.ends_with(&path.display().to_string()), "{}", error.cause);
            assert!(error.detail.ends_with(&path.display().to_string()), "{}", error.detail);
            (error.cause, error.detail)
        };
        for (name, content, cause, detail) in [
            ("not there", None, "无法读取", "cannot be read"),
            ("empty.pem", Some(&b""[..]), "中没有证书", "holds no certificate"),
            ("text.pem", Some(b"hello"), "中没有证书", "holds no certificate"),
            (
                "key.pem",
                Some(b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
                "中没有证书",
                "no cert",
            ),
            ("ca.cer", Some(b"\x30\x82\x01\x01"), "Base64编码", "export the certificate as"),
            ("cut.pem", Some(b"-----BEGIN CERTIFICATE-----\nAAAA\n"), "不是有效的PEM", "not well-formed"),
        ] {
            let (told_cause, told_detail) = told(name, content);
            assert!(told_cause.contains(cause) && told_detail.contains(detail), "{name}: {told_cause} {told_detail}");
        }
        let error = read(Path::new("no-such-file.pem")).unwrap_err();
        let whole = path::absolute("no-such-file.pem").unwrap();
        assert!(error.detail.ends_with(&whole.display().to_string()), "{}", error.detail);
    }
}
