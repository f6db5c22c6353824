//! The emulator's identity: a fresh self-signed certificate, and the file that lets a client trust it.

use std::error::Error;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{Certificate, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose};
use ring::digest;
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::random;

const DAY: Duration = Duration::from_secs(86_400);

pub struct Identity {
    pub config: Arc<ServerConfig>,
    /// SHA-256 of the certificate's DER bytes, upper-case hex with colons.
    pub fingerprint: String,
    pem: PemFile,
}

impl Identity {
    pub fn fresh(names: &[String], pem: Option<&Path>) -> Result<Self, Box<dyn Error>> {
        let key = KeyPair::generate()?;
        let certificate =
            self_signed(names, &key).map_err(|e| format!("no certificate for the names {names:?}: {e}"))?;
        Ok(Self {
            config: Arc::new(server_config(&certificate, &key)?),
            fingerprint: fingerprint(certificate.der()),
            pem: PemFile::write(&certificate.pem(), pem)?,
        })
    }

    pub fn pem_path(&self) -> &Path {
        &self.pem.path
    }
}

/// Not a CA, since rustls-webpki refuses a CA's certificate as a server's; it takes one that is no CA
/// as its own trust anchor. Valid from yesterday, so that a client's clock may be behind.
fn self_signed(names: &[String], key: &KeyPair) -> Result<Certificate, rcgen::Error> {
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "control center emulator");
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let now = SystemTime::now();
    params.not_before = (now - DAY).into();
    params.not_after = (now + 397 * DAY).into();
    params.self_signed(key)
}

/// ring is named here, since a process may hold two providers and then has no default.
fn server_config(certificate: &Certificate, key: &KeyPair) -> Result<ServerConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec(), b"http/1.0".to_vec()];
    Ok(config)
}

fn fingerprint(der: &[u8]) -> String {
    let digest = digest::digest(&digest::SHA256, der);
    let bytes = digest.as_ref().iter();
    bytes.map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
}

/// The certificate as a file. One that the emulator named itself is removed again.
struct PemFile {
    path: PathBuf,
    remove: bool,
}

impl PemFile {
    fn write(pem: &str, chosen: Option<&Path>) -> Result<Self, Box<dyn Error>> {
        let file = match chosen {
            Some(path) => Self { path: std::path::absolute(path)?, remove: false },
            None => Self::new_temporary().ok_or("the system has no random bytes to give")?,
        };
        file.fill(pem).map_err(|e| format!("cannot write the certificate to {}: {e}", file.path.display()))?;
        Ok(file)
    }

    fn new_temporary() -> Option<Self> {
        let name = format!("control_center-{}.pem", random::token()?);
        Some(Self { path: std::env::temp_dir().join(name), remove: true })
    }

    fn fill(&self, pem: &str) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true);
        match self.remove {
            true => options.create_new(true),
            false => options.create(true).truncate(true),
        };
        options.open(&self.path)?.write_all(pem.as_bytes())
    }
}

impl Drop for PemFile {
    fn drop(&mut self) {
        if self.remove {
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::RootCertStore;
    use rustls::client::WebPkiServerVerifier;
    use rustls::client::danger::ServerCertVerifier;
    use rustls::pki_types::{CertificateDer, ServerName, UnixTime};

    fn certificate(names: &[&str]) -> CertificateDer<'static> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let key = KeyPair::generate().unwrap();
        self_signed(&names, &key).unwrap().der().clone()
    }

    #[test]
    fn the_certificate_is_its_own_trust_anchor() {
        let certificate = certificate(&["localhost", "127.0.0.1", "::1"]);
        let mut roots = RootCertStore::empty();
        roots.add(certificate.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
        let verify = |name: &str| {
            let name = ServerName::try_from(name.to_owned()).unwrap();
            verifier.verify_server_cert(&certificate, &[], &name, &[], UnixTime::now())
        };
        for name in ["localhost", "127.0.0.1", "::1"] {
            verify(name).unwrap();
        }
        verify("example.com").unwrap_err();
    }

    #[test]
    fn a_fingerprint_is_32_bytes_with_colons() {
        let text = fingerprint(b"");
        assert!(text.starts_with("E3:B0:C4:42:98:FC"));
        assert_eq!(text.len(), 32 * 3 - 1);
    }

    #[test]
    fn a_temporary_file_is_removed_and_a_chosen_one_kept() {
        let temporary = PemFile::write("pem", None).unwrap();
        let path = temporary.path.clone();
        assert_eq!(fs::read_to_string(&path).unwrap(), "pem");
        drop(temporary);
        assert!(!path.exists());

        drop(PemFile::write("first, and longer", Some(&path)).unwrap());
        drop(PemFile::write("chosen", Some(&path)).unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap(), "chosen");
        fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_name_that_cannot_be_is_refused() {
        assert!(Identity::fresh(&["中文".to_owned()], None).is_err());
    }

    #[test]
    fn the_server_speaks_http_1_only() {
        let key = KeyPair::generate().unwrap();
        let certificate = self_signed(&["localhost".to_owned()], &key).unwrap();
        let config = server_config(&certificate, &key).unwrap();
        assert_eq!(config.alpn_protocols, [b"http/1.1", b"http/1.0"]);
    }
}
