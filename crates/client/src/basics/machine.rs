//! On which machine, and as whom. The environment is read once: see `proxy::environment`.

use std::sync::OnceLock;
use std::{env, fs};

/// The machine's name; empty where it has none.
pub(crate) fn name() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| {
        let name = env::var("COMPUTERNAME").ok();
        let name = name.or_else(|| fs::read_to_string("/proc/sys/kernel/hostname").ok());
        name.map_or_else(String::new, |name| name.trim().to_owned())
    })
}

/// The user's name; empty where the environment does not tell it.
pub(crate) fn user() -> &'static str {
    static USER: OnceLock<String> = OnceLock::new();
    USER.get_or_init(|| ["USERNAME", "USER", "LOGNAME"].iter().find_map(|name| env::var(name).ok()).unwrap_or_default())
}
