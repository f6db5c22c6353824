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

/// The user's name; empty where nobody tells it.
pub(crate) fn user() -> &'static str {
    static USER: OnceLock<String> = OnceLock::new();
    let named = || ["USERNAME", "USER", "LOGNAME"].iter().find_map(|name| env::var(name).ok());
    USER.get_or_init(|| named().filter(|name| !name.is_empty()).or_else(owner).unwrap_or_default())
}

/// As whom the process runs, where the environment does not tell it: a service, or a job of cron.
#[cfg(unix)]
fn owner() -> Option<String> {
    let number = std::os::unix::fs::MetadataExt::uid(&fs::metadata("/proc/self").ok()?).to_string();
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let of = |line: &str| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == number).then(|| name.to_owned())
    };
    users.lines().find_map(of).or(Some(number))
}

#[cfg(not(unix))]
fn owner() -> Option<String> {
    None
}
