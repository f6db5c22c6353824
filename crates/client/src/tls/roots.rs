//! The certificates of CAs that a server's certificate is verified by: those of `ca_file` and the system's.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustls::client::danger::{ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, Error, OtherError, RootCertStore};
use rustls_platform_verifier::Verifier;

use super::certificate::{Certificate, Validity};
use crate::basics::locks::lock;

#[derive(Debug)]
pub(super) struct Roots {
    given: Vec<CertificateDer<'static>>,
    /// Verifies by the given ones alone.
    by_given: Option<Arc<WebPkiServerVerifier>>,
    /// To read the system's certificates takes milliseconds: as long as the given ones suffice, nobody does.
    system: Mutex<Option<System>>,
    provider: Arc<CryptoProvider>,
}

/// On Windows and macOS the system itself verifies, so that a company's policies hold; elsewhere it is done by the
/// certificates of the system's store, as they were when it was read. The given ones count as well.
#[derive(Debug, Clone)]
struct System {
    verifier: Arc<Verifier>,
    read: Instant,
}

/// What was read so lately is not read again where it does not vouch for a certificate.
const FRESH: Duration = Duration::from_secs(5);

impl Roots {
    pub(super) fn new(given: Vec<CertificateDer<'static>>, provider: Arc<CryptoProvider>) -> Result<Roots, Error> {
        let is_systems_choice = cfg!(any(windows, target_vendor = "apple"));
        let by_given = (!is_systems_choice && !given.is_empty()).then(|| by_given(&given, &provider)).transpose()?;
        let roots = Roots { given, by_given, system: Mutex::new(None), provider };
        if roots.by_given.is_none() {
            roots.system(None)?;
        }
        Ok(roots)
    }

    /// The system's verifier. Where it is still the `old` one, it is read anew: of several threads that want that, the
    /// first reads, and the others take what it has read.
    fn system(&self, old: Option<&System>) -> Result<System, Error> {
        let mut kept = lock(&self.system);
        if let Some(system) =
            kept.as_ref().filter(|system| old.is_none_or(|old| !Arc::ptr_eq(&old.verifier, &system.verifier)))
        {
            return Ok(system.clone());
        }
        let verifier = Verifier::new_with_extra_roots(self.given.iter().cloned(), self.provider.clone())?;
        Ok(kept.insert(System { verifier: Arc::new(verifier), read: Instant::now() }).clone())
    }

    /// Whether the certificate is held itself, or passes one of the verifiers.
    pub(super) fn verify(
        &self,
        certificate: &CertificateDer<'_>,
        name: &ServerName<'_>,
        now: UnixTime,
        passes: impl Fn(&dyn ServerCertVerifier) -> Result<ServerCertVerified, Error>,
    ) -> Result<ServerCertVerified, Error> {
        if self.given.iter().any(|given| given == certificate) {
            return held(certificate, name, now);
        }
        if let Some(Ok(verified)) = self.by_given.as_deref().map(|verifier| passes(verifier)) {
            return Ok(verified);
        }
        let system = self.system(None)?;
        let verified = passes(&*system.verifier);
        if verified.is_ok() || system.read.elapsed() < FRESH {
            return verified;
        }
        // A CA may have come into the store since it was read, or it could not be read whole then.
        match self.system(Some(&system)) {
            Ok(anew) => passes(&*anew.verifier),
            Err(_) => verified,
        }
    }
}

/// A self-signed certificate as OpenSSL makes it by default says that it is a CA's, and no verifier takes a CA's for a
/// server's. If it is in `ca_file`, it is meant to be trusted; its name and its time must be right all the same.
fn held(certificate: &CertificateDer<'_>, name: &ServerName<'_>, now: UnixTime) -> Result<ServerCertVerified, Error> {
    verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
    let read = Certificate::read(certificate).map_err(|_| CertificateError::BadEncoding)?;
    match read.validity_at(now) {
        Validity::Valid => Ok(ServerCertVerified::assertion()),
        Validity::NotYet(_) => Err(CertificateError::NotValidYet.into()),
        Validity::Expired(_) => Err(CertificateError::Expired.into()),
    }
}

fn by_given(
    given: &[CertificateDer<'static>],
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, Error> {
    let mut roots = RootCertStore::empty();
    for certificate in given {
        roots.add(certificate.clone())?;
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build();
    verifier.map_err(|error| Error::Other(OtherError(Arc::new(error))))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

    use super::*;

    fn ca() -> CertifiedIssuer<'static, KeyPair> {
        let mut ca = CertificateParams::new([]).unwrap();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        CertifiedIssuer::self_signed(ca, KeyPair::generate().unwrap()).unwrap()
    }

    #[test]
    fn the_systems_store_is_read_once_the_given_certificates_do_not_suffice() {
        let (given, other) = (ca(), ca());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let roots = Roots::new(vec![given.der().clone()], provider).unwrap();
        let name = ServerName::try_from("a.example").unwrap();
        let is_accepted = |issuer: &CertifiedIssuer<'_, KeyPair>| {
            let server = CertificateParams::new(["a.example".to_owned()]).unwrap();
            let server = server.signed_by(&KeyPair::generate().unwrap(), issuer).unwrap();
            let (server, now) = (server.der(), UnixTime::now());
            roots.verify(server, &name, now, |by| by.verify_server_cert(server, &[], &name, &[], now)).is_ok()
        };
        let is_read = || roots.system.lock().unwrap().is_some();
        assert!(is_accepted(&given) && !is_read());
        assert!(!is_accepted(&other) && is_read());
    }

    #[test]
    fn the_systems_store_is_read_anew_once_it_is_no_longer_fresh() {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let roots = Roots::new(vec![ca().der().clone()], provider).unwrap();
        let first = roots.system(None).unwrap();
        let is_first = |system: &System| Arc::ptr_eq(&system.verifier, &first.verifier);
        assert!(is_first(&roots.system(None).unwrap()));
        let second = roots.system(Some(&first)).unwrap();
        assert!(!is_first(&second));
        // Another thread, which still has the first one, takes the second.
        assert!(Arc::ptr_eq(&roots.system(Some(&first)).unwrap().verifier, &second.verifier));
    }
}
