//! The client certificate that this library does not have: what is known is whether a server asked for one.

use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, ThreadId};

use crate::basics::locks::lock;

use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::sign::CertifiedKey;

/// Of all connections under the same settings, since rustls resumes no session under another resolver. A handshake runs on
/// one thread from start to end, so the thread tells which connection it was.
#[derive(Debug, Default)]
pub(super) struct ClientCertificate {
    wanted: Mutex<Vec<ThreadId>>,
}

impl ClientCertificate {
    /// Whether the handshake that this runs was asked for a certificate, besides its result.
    pub(super) fn watch<T>(&self, handshake: impl FnOnce() -> T) -> (T, bool) {
        self.take();
        let result = handshake();
        (result, self.take())
    }

    fn take(&self) -> bool {
        let mut wanted = self.lock();
        let before = wanted.len();
        wanted.retain(|thread| *thread != thread::current().id());
        wanted.len() < before
    }

    fn lock(&self) -> MutexGuard<'_, Vec<ThreadId>> {
        lock(&self.wanted)
    }
}

impl ResolvesClientCert for ClientCertificate {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.lock().push(thread::current().id());
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_other_threads_are_asked_does_not_count() {
        let certificate = ClientCertificate::default();
        let ask = || drop(certificate.resolve(&[], &[]));
        let ((), wanted) = certificate.watch(|| thread::scope(|scope| scope.spawn(ask).join().unwrap()));
        assert!(!wanted);
        assert!(certificate.watch(ask).1);
        assert!(!certificate.watch(|| ()).1, "of another handshake");
    }
}
