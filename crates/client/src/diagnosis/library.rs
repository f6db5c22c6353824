//! Which library runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::check::Facts;

pub(super) fn facts(file: Option<PathBuf>) -> Facts {
    let mut facts = Facts::default();
    facts.text("version", env!("CARGO_PKG_VERSION"));
    facts.text("commit", crate::COMMIT);
    let file = file.or_else(own_file);
    let text = |text: Option<String>| text.map_or(Value::Null, Value::String);
    // It is read once: what is loaded does not change with the file.
    static DIGEST: OnceLock<Option<String>> = OnceLock::new();
    let digest = DIGEST.get_or_init(|| file.as_deref().and_then(digest)).clone();
    facts.put("file", text(file.as_ref().map(|file| file.display().to_string())));
    facts.put("sha256", text(digest));
    facts.number("bits", i64::from(usize::BITS));
    let environment = if cfg!(target_env = "gnu") {
        "-gnu"
    } else if cfg!(target_env = "msvc") {
        "-msvc"
    } else if cfg!(target_env = "musl") {
        "-musl"
    } else {
        ""
    };
    facts.text("target", &[std::env::consts::ARCH, "-", std::env::consts::OS, environment].concat());
    let features = if cfg!(feature = "redis") { vec![Value::String("redis".to_owned())] } else { Vec::new() };
    facts.put("features", Value::Array(features));
    facts
}

/// The file that this code was loaded from, as Linux tells it.
fn own_file() -> Option<PathBuf> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let own = own_file as fn() -> Option<PathBuf> as usize;
    let maps = fs::read_to_string("/proc/self/maps").ok()?;
    maps.lines().find_map(|line| {
        let (range, _) = line.split_once(' ')?;
        let (from, to) = range.split_once('-')?;
        let address = |digits: &str| usize::from_str_radix(digits, 16).ok();
        let path = line.find('/').and_then(|at| line.get(at..))?;
        (address(from)?..address(to)?).contains(&own).then(|| PathBuf::from(path))
    })
}

fn digest(file: &Path) -> Option<String> {
    let digest: [u8; 32] = Sha256::digest(fs::read(file).ok()?).into();
    Some(base16ct::lower::encode_string(&digest))
}
