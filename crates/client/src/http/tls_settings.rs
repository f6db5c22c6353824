//! The TLS settings: one for each kind of trust, kept for the life of the process, since reading the system's certificates
//! takes milliseconds and a session that can be resumed saves half a handshake.

use std::process;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use crate::error::Error;
use crate::request::{Options, Trust};
use crate::tls::ca_file::{self, Certificates};
use crate::tls::session::Settings;
use crate::tls::settings::client_config;

/// Settings beyond this number are forgotten, those that were not used for longest first.
const MOST_SETTINGS: usize = 32;

#[derive(PartialEq, Clone)]
struct Key {
    trust: Trust,
    /// What was in the `ca_file`: a changed file is another kind of trust.
    further_roots: Option<Certificates>,
    /// A process that was forked shares no sessions with its parent.
    process: u32,
}

/// In its place before it is filled, so that threads that start together read the certificates once and wait for that alone.
type Slot = Arc<OnceLock<Result<Arc<Settings>, Error>>>;

/// In order of use, the latest last.
static SETTINGS: Mutex<Vec<(Key, Slot)>> = Mutex::new(Vec::new());

/// The settings for this kind of trust.
pub(super) fn find(options: &Options, limit: Duration) -> Result<Arc<Settings>, Error> {
    let further_roots = match &options.trust {
        Trust::System { ca_file: Some(path) } => Some(ca_file::certificates(path, limit)?),
        _ => None,
    };
    let key = Key { trust: options.trust.clone(), further_roots, process: process::id() };
    let slot = slot(&key);
    let settings = slot.get_or_init(|| make(&key)).clone();
    if settings.is_err() {
        // What failed may succeed the next time.
        lock().retain(|(_, other)| !Arc::ptr_eq(other, &slot));
    }
    settings
}

fn lock() -> MutexGuard<'static, Vec<(Key, Slot)>> {
    SETTINGS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn slot(key: &Key) -> Slot {
    let mut settings = lock();
    let kept = settings.iter().position(|(other, _)| other == key).map(|place| settings.remove(place));
    let (key, slot) = kept.unwrap_or_else(|| (key.clone(), Slot::default()));
    if settings.len() >= MOST_SETTINGS {
        settings.remove(0);
    }
    settings.push((key, slot.clone()));
    slot
}

/// Forgets all of them.
pub(super) fn forget_all() {
    lock().clear();
}

fn make(key: &Key) -> Result<Arc<Settings>, Error> {
    let further_roots = key.further_roots.as_deref().map_or(&[][..], Vec::as_slice);
    client_config(&key.trust, further_roots).map(|config| Arc::new(Settings::new(config)))
}
