//! The certificates of CAs that a server's certificate is verified by: those of `ca_file` and the system's.

use std::sync::{Arc, OnceLock};

use rustls::client::danger::{ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{Error, OtherError, RootCertStore};
use rustls_platform_verifier::Verifier;

use super::certificate;

#[derive(Debug)]
pub(crate) struct Roots {
    given: Vec<CertificateDer<'static>>,
    /// Verifies by the given ones alone.
    by_given: Option<Arc<WebPkiServerVerifier>>,
    /// On Windows and macOS the system itself, so that a company's policies hold; elsewhere the certificates of its store.
    /// To read those takes milliseconds: as long as the given ones suffice, nobody does.
    system: OnceLock<Result<Verifier, Error>>,
    provider: Arc<CryptoProvider>,
}

impl Roots {
    pub(crate) fn new(given: Vec<CertificateDer<'static>>, provider: Arc<CryptoProvider>) -> Result<Roots, Error> {
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

    /// Whether the certificate is held itself, or passes one of the verifiers.
    pub(crate) fn verify(
        &self,
        certificate: &CertificateDer<'_>,
        name: &ServerName<'_>,
        now: UnixTime,
        passes: impl Fn(&dyn ServerCertVerifier) -> Result<ServerCertVerified, Error>,
    ) -> Result<ServerCertVerified, Error> {
        if self.holds(certificate, name, now) {
            return Ok(ServerCertVerified::assertion());
        }
        match self.by_given.as_deref().map(|verifier| passes(verifier)) {
            Some(Ok(verified)) => Ok(verified),
            _ => passes(self.system()?),
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
        assert!(is_accepted(&given) && roots.system.get().is_none());
        assert!(!is_accepted(&other) && roots.system.get().is_some());
    }
}
