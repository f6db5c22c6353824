//! The TLS settings: one for each kind of trust, kept for the life of the process, since reading the system's certificates
//! takes milliseconds and a session that can be resumed saves half a handshake.

use std::process;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use crate::basics::locks::lock;
use crate::basics::recent::Recent;
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

/// The slot is inserted empty, so that threads that start together read the certificates once, and wait for those alone.
type Slot = Arc<OnceLock<Result<Arc<Settings>, Error>>>;

static SETTINGS: Mutex<Recent<Key, Slot>> = Mutex::new(Recent::new(MOST_SETTINGS));

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
        lock(&SETTINGS).retain(|other| !Arc::ptr_eq(other, &slot));
    }
    settings
}

fn slot(key: &Key) -> Slot {
    let mut settings = lock(&SETTINGS);
    match settings.get(|other| other == key) {
        Some(slot) => slot.clone(),
        None => settings.insert(key.clone(), Slot::default()).clone(),
    }
}

/// Forgets all of them.
pub(super) fn forget_all() {
    lock(&SETTINGS).retain(|_| false);
}

fn make(key: &Key) -> Result<Arc<Settings>, Error> {
    let further_roots = key.further_roots.as_deref().map_or(&[][..], Vec::as_slice);
    client_config(&key.trust, further_roots).map(|config| Arc::new(Settings::new(config)))
}
