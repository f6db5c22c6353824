//! On which machine, as whom, in which program.

use std::env;
use std::process;
use std::time::SystemTime;

use super::check::Facts;
use crate::basics::local_time::local;
use crate::basics::machine;

pub(super) fn facts() -> Facts {
    let mut facts = Facts::default();
    facts.text("name", machine::name());
    facts.text("user", machine::user());
    let program = env::current_exe().ok().and_then(|file| Some(file.file_name()?.to_string_lossy().into_owned()));
    facts.text("process", &program.unwrap_or_default());
    facts.number("pid", i64::from(process::id()));
    facts.text("system", env::consts::OS);
    facts.text("system_version", &system_version());
    facts.text("time", &local(SystemTime::now()));
    facts
}

#[cfg(windows)]
fn system_version() -> String {
    use winreg::{RegKey, enums::HKEY_LOCAL_MACHINE};

    let path = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion";
    let Ok(key) = RegKey::predef(HKEY_LOCAL_MACHINE).open_subkey(path) else { return String::new() };
    let text = |name: &str| key.get_value::<String, _>(name).unwrap_or_default();
    [text("ProductName"), text("DisplayVersion"), text("CurrentBuild")].join(" ").trim().to_owned()
}

#[cfg(not(windows))]
fn system_version() -> String {
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    [name.unwrap_or_default().trim_matches('"'), kernel.trim()].join(" ").trim().to_owned()
}
