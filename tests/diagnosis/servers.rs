//! Servers that answer as a control center does, or as something else does, plain and under TLS, and proxies before them.

use std::io::{Read, Write};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::server::{Connection, Server};

/// What a control center says of a token call without keys, at this machine's time.
pub fn envelope() -> String {
    page("400 Bad Request", "application/json", "{\"code\":400,\"msg\":\"缺少accessKey\",\"result\":null}")
}

/// A reply of this kind, with the present date.
pub fn page(status: &str, kind: &str, body: &str) -> String {
    let date = httpdate::fmt_http_date(SystemTime::now());
    format!("HTTP/1.1 {status}\r\nDate: {date}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// A plain server that answers so.
pub fn answering(reply: impl Fn() -> String + Send + Sync + 'static) -> Server {
    Server::start(move |connection| while connection.request().is_some() && connection.send(reply().as_bytes()) {})
}

/// A CA, by its name.
pub struct Authority {
    pub pem: String,
    issuer: Issuer<'static, KeyPair>,
    der: CertificateDer<'static>,
}

impl Authority {
    pub fn new(name: &str) -> Authority {
        let key = KeyPair::generate().unwrap();
        let mut parameters = CertificateParams::new([]).unwrap();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.distinguished_name.push(DnType::CommonName, name);
        let certificate = parameters.self_signed(&key).unwrap();
        let (pem, der) = (certificate.pem(), certificate.der().clone());
        Authority { pem, issuer: Issuer::new(parameters, key), der }
    }

    /// The settings of a server whose certificate it has issued: for this name, valid from so many days before now to
    /// so many after.
    pub fn issue(&self, name: &str, days: (i64, i64)) -> Arc<ServerConfig> {
        let key = KeyPair::generate().unwrap();
        let mut parameters = CertificateParams::new([name.to_owned()]).unwrap();
        parameters.distinguished_name.push(DnType::CommonName, "control center");
        let at = |days: i64| {
            let moment = SystemTime::now();
            let span = Duration::from_secs(days.unsigned_abs() * 86_400 + 3600);
            if days < 0 { moment - span } else { moment + span }
        };
        parameters.not_before = at(days.0).into();
        parameters.not_after = at(days.1).into();
        let certificate = parameters.signed_by(&key, &self.issuer).unwrap();
        config(vec![certificate.der().clone(), self.der.clone()], &key)
    }
}

fn config(chain: Vec<CertificateDer<'static>>, key: &KeyPair) -> Arc<ServerConfig> {
    let private = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(config.with_no_client_auth().with_single_cert(chain, private).unwrap())
}

/// Answers under TLS, as a control center.
pub fn serve_tls(connection: &mut Connection, config: &Arc<ServerConfig>) {
    let session = rustls::ServerConnection::new(config.clone()).unwrap();
    let mut stream = rustls::StreamOwned::new(session, &mut connection.stream);
    while stream.read(&mut [0; 4096]).is_ok_and(|amount| amount > 0) {
        if stream.write_all(envelope().as_bytes()).is_err() {
            return;
        }
    }
}

/// A control center under TLS.
pub fn tls(config: Arc<ServerConfig>) -> Server {
    Server::start(move |connection| serve_tls(connection, &config))
}

/// Its address.
pub fn https(server: &Server) -> String {
    server.url().replace("http://", "https://")
}

/// A proxy that answers every request so.
pub fn refusing_proxy(status: &'static str, headers: &'static str, body: &'static str) -> Server {
    answering(move || format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len()))
}

/// A proxy that opens tunnels, and ends TLS in them itself.
pub fn inspecting_proxy(config: Arc<ServerConfig>) -> Server {
    Server::start(move |connection| {
        if connection.request().is_some() && connection.send(b"HTTP/1.1 200 Connection established\r\n\r\n") {
            serve_tls(connection, &config);
        }
    })
}

/// A proxy that opens tunnels to where it is asked.
pub fn tunnelling_proxy() -> Server {
    Server::start(|connection| {
        let Some(asked) = connection.request() else { return };
        let target = asked.split(' ').nth(1).unwrap().to_owned();
        let Ok(there) = std::net::TcpStream::connect(&target) else {
            connection.send(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
            return;
        };
        connection.send(b"HTTP/1.1 200 OK\r\n\r\n");
        let (mut up, mut down) = (there.try_clone().unwrap(), there);
        let mut from = connection.stream.try_clone().unwrap();
        let mut back = connection.stream.try_clone().unwrap();
        let forth = std::thread::spawn(move || std::io::copy(&mut from, &mut up).is_ok());
        let _ = std::io::copy(&mut down, &mut back);
        let _ = back.shutdown(std::net::Shutdown::Both);
        let _ = forth.join();
    })
}
