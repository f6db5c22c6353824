//! The certificates of CAs that a server's certificate is verified by: those of `ca_file` and the system's.

use std::sync::{Arc, OnceLock};

use rustls::client::danger::ServerCertVerifier;
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{Error, OtherError, RootCertStore};
use rustls_platform_verifier::Verifier;

use super::certificate;

#[derive(Debug)]
pub(super) struct Roots {
    given: Vec<CertificateDer<'static>>,
    /// Verifies by the given ones alone.
    by_given: Option<Arc<WebPkiServerVerifier>>,
    /// On Windows and macOS the system itself, so that a company's policies hold; elsewhere the certificates of its store.
    /// To read those takes milliseconds: as long as the given ones suffice, nobody does.
    system: OnceLock<Result<Verifier, Error>>,
    provider: Arc<CryptoProvider>,
}

impl Roots {
    pub(super) fn new(given: Vec<CertificateDer<'static>>, provider: Arc<CryptoProvider>) -> Result<Roots, Error> {
        let is_systems_choice = cfg!(any(windows, target_vendor = "apple"));
        let by_given = (!is_systems_choice && !given.is_empty()).then(|| by_given(&given, &provider)).transpose()?;
        let roots = Roots { given, by_given, system: OnceLock::new(), provider };
        if roots.by_given.is_none() {
            roots.system()?;
        }
        Ok(roots)
    }

    fn system(&self) -> Result<&Verifier, Error> {
        let build = || Verifier::new_with_extra_roots(self.given.iter().cloned(), self.provider.clone());
        self.system.get_or_init(build).as_ref().map_err(Error::clone)
    }

    pub(super) fn verify(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<(), Error> {
        if self.holds(certificate, name, now) {
            return Ok(());
        }
        let verify = |verifier: &dyn ServerCertVerifier| {
            verifier.verify_server_cert(certificate, intermediates, name, ocsp, now).map(|_| ())
        };
        match &self.by_given {
            Some(verifier) if verify(&**verifier).is_ok() => Ok(()),
            _ => verify(self.system()?),
        }
    }

    /// A self-signed certificate as OpenSSL makes it by default says that it is a CA, and no verifier takes a CA's for a
    /// server's. If it is in `ca_file`, it is meant to be trusted; its name and its time must be right all the same.
    fn holds(&self, certificate: &CertificateDer<'_>, name: &ServerName<'_>, now: UnixTime) -> bool {
        let named = || ParsedCertificate::try_from(certificate).and_then(|parsed| verify_server_name(&parsed, name));
        self.given.iter().any(|root| root == certificate)
            && named().is_ok()
            && certificate::is_valid_at(certificate, now)
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
