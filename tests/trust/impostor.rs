//! A TLS server that shows one certificate and signs with the key of another.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion};

use super::certificates::Certificate;

pub struct Impostor {
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
    ending: Arc<AtomicBool>,
}

#[derive(Debug)]
struct Shows(Arc<CertifiedKey>);

impl ResolvesServerCert for Shows {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }
}

/// Shows the certificate of `shown` with the key of `held`.
pub fn start(shown: &Certificate, held: &Certificate, version: &'static SupportedProtocolVersion) -> Impostor {
    start_with(WebPkiClientVerifier::no_client_auth(), shown, held, version)
}

/// An honest one, that lets in whom this CA knows.
pub fn start_for_clients_of(ca: &Path, shown: &Certificate, version: &'static SupportedProtocolVersion) -> Impostor {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
    start_with(verifier, shown, shown, version)
}

fn start_with(
    clients: Arc<dyn ClientCertVerifier>,
    shown: &Certificate,
    held: &Certificate,
    version: &'static SupportedProtocolVersion,
) -> Impostor {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let chain = CertificateDer::pem_file_iter(&shown.chain).unwrap().map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(&held.key).unwrap();
    let shows = Shows(Arc::new(CertifiedKey::new(chain, provider.key_provider.load_private_key(key).unwrap())));
    let config = ServerConfig::builder_with_provider(provider).with_protocol_versions(&[version]).unwrap();
    let config = Arc::new(config.with_client_cert_verifier(clients).with_cert_resolver(Arc::new(shows)));

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (requests, connections) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let ending = Arc::new(AtomicBool::new(false));
    let (seen, accepted, end) = (requests.clone(), connections.clone(), ending.clone());
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            if end.load(Ordering::SeqCst) {
                return;
            }
            accepted.fetch_add(1, Ordering::SeqCst);
            serve(stream, &config, &seen);
        }
    });
    Impostor { address, requests, connections, ending }
}

/// Answers one request.
fn serve(stream: TcpStream, config: &Arc<ServerConfig>, requests: &AtomicUsize) {
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let mut stream = StreamOwned::new(ServerConnection::new(config.clone()).unwrap(), stream);
    if stream.read(&mut [0; 4096]).is_ok_and(|amount| amount > 0) {
        requests.fetch_add(1, Ordering::SeqCst);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 10\r\n\r\n{\"code\":0}");
        stream.conn.send_close_notify();
        let _ = stream.flush();
    }
}

impl Impostor {
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// How many requests were let through to it.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

impl Impostor {
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Impostor {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
    }
}
