//! Certificates of every kind that a control center was ever seen with: rcgen makes what is well-formed today, openssl what
//! nobody should make any more.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, CustomExtension, DnType, ExtendedKeyUsagePurpose, GeneralSubtree,
    IsCa, Issuer, KeyPair, NameConstraints, PublicKeyData, SignatureAlgorithm,
};
use rpa_test_support::folder::Folder;
use sha2::{Digest, Sha256};

/// A server's certificate, as files, and what the library should say of it.
#[derive(Clone)]
pub struct Certificate {
    pub name: String,
    /// The chain that the server shows.
    pub chain: PathBuf,
    pub key: PathBuf,
    pub fingerprint: String,
}

/// A folder of certificates, and the authorities that issue them.
pub struct Workshop {
    pub folder: Folder,
    root: Authority,
    intermediate: Authority,
    other: Authority,
}

/// A CA.
pub struct Authority {
    pub pem: PathBuf,
    key: PathBuf,
    text: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Workshop {
    pub fn new(name: &str) -> Workshop {
        let folder = Folder::new(name);
        let root = authority(&folder, "root", None, |_| {});
        let intermediate = authority(&folder, "intermediate", Some(&root), |_| {});
        let other = authority(&folder, "other-root", None, |_| {});
        Workshop { folder, root, intermediate, other }
    }

    /// The company's CA.
    pub fn root(&self) -> &Path {
        &self.root.pem
    }

    /// A CA that has issued nothing here.
    pub fn other_root(&self) -> &Path {
        &self.other.pem
    }

    /// Both of the company's CAs.
    pub fn root_and_intermediate(&self) -> PathBuf {
        let both = self.folder.join("both.pem");
        fs::write(&both, self.root.text.clone() + &self.intermediate.text).unwrap();
        both
    }

    /// Issued by the root, for 127.0.0.1, changed by `change`.
    pub fn issued(&self, name: &str, change: impl Fn(&mut CertificateParams)) -> Certificate {
        self.made(name, Some(&self.root), &rcgen::PKCS_ECDSA_P256_SHA256, change, "")
    }

    /// The same with another kind of key.
    pub fn issued_with(&self, name: &str, key: &'static SignatureAlgorithm) -> Certificate {
        self.made(name, Some(&self.root), key, |_| {}, "")
    }

    /// A new certificate for the key of another one, as a renewal gives it.
    pub fn renewed(&self, old: &Certificate) -> Certificate {
        let key = KeyPair::from_pem(&fs::read_to_string(&old.key).unwrap()).unwrap();
        let mut parameters = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        parameters.distinguished_name.push(DnType::CommonName, format!("{} renewed", old.name));
        let certificate = parameters.signed_by(&key, &self.root.issuer).unwrap();
        let mut made = self.place(&format!("{} renewed", old.name), certificate.der());
        fs::write(&made.chain, certificate.pem()).unwrap();
        made.key = old.key.clone();
        made
    }

    pub fn self_signed(&self, name: &str, change: impl Fn(&mut CertificateParams)) -> Certificate {
        self.made(name, None, &rcgen::PKCS_ECDSA_P256_SHA256, change, "")
    }

    /// Issued by the intermediate, which the server shows or does not.
    pub fn issued_below(&self, name: &str, whole_chain: bool) -> Certificate {
        let further = if whole_chain { self.intermediate.text.as_str() } else { "" };
        self.made(name, Some(&self.intermediate), &rcgen::PKCS_ECDSA_P256_SHA256, |_| {}, further)
    }

    /// Issued by an intermediate of its own, changed by `change`, which the server shows.
    pub fn issued_below_another(&self, name: &str, change: impl Fn(&mut CertificateParams)) -> Certificate {
        let between = authority(&self.folder, &format!("{name} CA"), Some(&self.root), change);
        self.made(name, Some(&between), &rcgen::PKCS_ECDSA_P256_SHA256, |_| {}, &between.text)
    }

    fn made(
        &self,
        name: &str,
        issuer: Option<&Authority>,
        algorithm: &'static SignatureAlgorithm,
        change: impl Fn(&mut CertificateParams),
        further: &str,
    ) -> Certificate {
        let key = KeyPair::generate_for(algorithm).unwrap();
        let mut parameters = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        change(&mut parameters);
        let certificate = match issuer {
            Some(issuer) => parameters.signed_by(&key, &issuer.issuer).unwrap(),
            None => parameters.self_signed(&key).unwrap(),
        };
        let made = self.place(name, certificate.der());
        fs::write(&made.chain, certificate.pem() + further).unwrap();
        fs::write(&made.key, key.serialize_pem()).unwrap();
        made
    }

    fn place(&self, name: &str, der: &[u8]) -> Certificate {
        let file = |end: &str| self.folder.join(format!("{}.{end}", name.replace(' ', "-")));
        Certificate { name: name.to_owned(), chain: file("pem"), key: file("key"), fingerprint: fingerprint(der) }
    }

    /// Made by openssl: a key such as `rsa:1024`, a digest such as `sha1`, self-signed or issued by the root.
    pub fn by_openssl(&self, name: &str, key: &str, digest: &str, by_root: bool) -> Certificate {
        let mut made = self.place(name, b"");
        let mut openssl = openssl();
        openssl.args(["req", "-x509", "-newkey", key, "-nodes", &format!("-{digest}"), "-days", "30"]);
        openssl.args(["-subj", &format!("/CN={name}"), "-addext", "subjectAltName=IP:127.0.0.1"]);
        openssl
            .args(["-addext", "basicConstraints=critical,CA:FALSE"])
            .arg("-out")
            .arg(&made.chain)
            .arg("-keyout")
            .arg(&made.key);
        if by_root {
            openssl.arg("-CA").arg(&self.root.pem).arg("-CAkey").arg(&self.root.key);
        }
        run(&mut openssl);
        made.fingerprint = fingerprint(&der(&made.chain));
        made
    }

    /// Of X.509 version 1, self-signed.
    pub fn version_1(&self, name: &str) -> Certificate {
        let mut made = self.place(name, b"");
        let request = self.folder.join("v1.csr");
        let subject = format!("/CN={name}");
        let mut ask = openssl();
        ask.args(["req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", &subject]).arg("-keyout").arg(&made.key);
        run(ask.arg("-out").arg(&request));
        let mut sign = openssl();
        sign.args(["x509", "-req", "-days", "30"]).arg("-in").arg(&request).arg("-signkey").arg(&made.key);
        run(sign.arg("-out").arg(&made.chain));
        made.fingerprint = fingerprint(&der(&made.chain));
        made
    }
}

/// A CA of some name, self-signed or issued by another.
fn authority(
    folder: &Path,
    name: &str,
    issuer: Option<&Authority>,
    change: impl Fn(&mut CertificateParams),
) -> Authority {
    let key = KeyPair::generate().unwrap();
    let mut parameters = CertificateParams::new([]).unwrap();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.distinguished_name.push(DnType::CommonName, name);
    change(&mut parameters);
    let certificate = match issuer {
        Some(issuer) => parameters.signed_by(&key, &issuer.issuer).unwrap(),
        None => parameters.self_signed(&key).unwrap(),
    };
    let file = |end: &str| folder.join(format!("{}.{end}", name.replace(' ', "-")));
    let (pem, text) = (file("pem"), certificate.pem());
    fs::write(&pem, &text).unwrap();
    fs::write(file("key"), key.serialize_pem()).unwrap();
    Authority { pem, key: file("key"), text, issuer: Issuer::new(parameters, key) }
}

/// Valid in these years alone.
pub fn years(from: i32, to: i32) -> impl Fn(&mut CertificateParams) {
    move |parameters| {
        parameters.not_before = rcgen::date_time_ymd(from, 1, 1);
        parameters.not_after = rcgen::date_time_ymd(to, 1, 1);
    }
}

/// May issue certificates for 10.0.0.0/8 alone.
pub fn constrained(parameters: &mut CertificateParams) {
    let permitted_subtrees = vec![GeneralSubtree::IpAddress(CidrSubnet::V4([10, 0, 0, 0], [255, 0, 0, 0]))];
    parameters.name_constraints = Some(NameConstraints { permitted_subtrees, excluded_subtrees: Vec::new() });
}

/// Has an extension that nobody knows, and whoever does not know it must not go on.
pub fn unknown_and_critical(parameters: &mut CertificateParams) {
    let mut extension = CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
    extension.set_criticality(true);
    parameters.custom_extensions = vec![extension];
}

pub fn der(pem: &Path) -> Vec<u8> {
    use rustls::pki_types::{CertificateDer, pem::PemObject};
    CertificateDer::from_pem_file(pem).unwrap().to_vec()
}

/// The pin of a key, as curl writes it.
pub fn key_pin(key: &Path) -> String {
    let key = KeyPair::from_pem(&fs::read_to_string(key).unwrap()).unwrap();
    format!("sha256//{}", BASE64_STANDARD.encode(Sha256::digest(key.subject_public_key_info())))
}

/// As `tls.pin_sha256` takes it.
pub fn fingerprint(der: &[u8]) -> String {
    Sha256::digest(der).iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
}

fn openssl() -> Command {
    Command::new("openssl")
}

fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().expect("openssl can be run");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
