//! `tls.ca_file`, read within a time limit: it may lie on a network drive that does not answer.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

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
    let kept = || READ.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(read) = kept().iter().find(|read| read.path == path && read.at.elapsed() < FRESH) {
        return Ok(read.certificates.clone());
    }
    let certificates = UNDER_WAY.wait(path.to_owned(), limit, |path| read(path));
    let timeout = || refuse("读取超时", "cannot be read within the time limit; is it on a network drive?");
    let certificates = Arc::new(certificates.ok().flatten().ok_or_else(timeout)??);
    let mut kept = kept();
    kept.retain(|read| read.path != path && read.at.elapsed() < FRESH);
    kept.push(Read { path: path.to_owned(), at: Instant::now(), certificates: certificates.clone() });
    Ok(certificates)
}

fn read(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let unreadable =
        |error: std::io::Error| refuse("无法读取", &format!("cannot be read: {}", system::in_english(&error)));
    let metadata = fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() || metadata.len() > LARGEST {
        return Err(refuse("不是PEM文件", "is not a file of certificates: it must be a PEM file of at most 1 MiB"));
    }
    let pem = fs::read(path).map_err(unreadable)?;
    let certificates = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>();
    match certificates {
        Ok(certificates) if certificates.is_empty() => {
            Err(refuse("中没有证书", "holds no certificate: it must be PEM, with lines `-----BEGIN CERTIFICATE-----`"))
        }
        Ok(certificates) => Ok(certificates),
        Err(_) => Err(refuse("不是有效的PEM文件", "is not well-formed PEM")),
    }
}

/// An error over the file.
pub(crate) fn refuse(cause: &str, detail: &str) -> Error {
    Error::argument("tls.ca_file", format!("字段tls.ca_file{cause}"), format!("`tls.ca_file` {detail}"))
}
