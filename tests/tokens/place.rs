//! Where tokens are kept: an empty file, an empty Redis.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::redis::Redis;
use crate::{folder, tools};

/// A folder of one test.
pub struct Folder(folder::Folder);

impl Folder {
    pub fn new() -> Folder {
        Folder(folder::Folder::new("令牌 "))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// A store in a file, in a folder that does not exist yet.
    pub fn store(&self) -> Value {
        json!({ "file": self.0.join("下级").join("令牌.json") })
    }

    /// All files in it and below it.
    pub fn files(&self) -> Vec<PathBuf> {
        let mut folders = vec![self.0.to_path_buf()];
        let mut files = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { files.push(path) }
            }
        }
        files
    }
}

pub fn in_file(test: impl FnOnce(&Value)) {
    let folder = Folder::new();
    test(&folder.store());
}

/// Skipped where the machine has no Redis.
pub fn in_redis(test: impl FnOnce(&Value)) {
    if let Some(redis) = start_redis(&[]) {
        test(&json!({ "redis": redis.url() }));
    }
}

pub fn start_redis(options: &[&str]) -> Option<Redis> {
    let has_redis = tools::all_run(&["redis-server", "redis-cli"], "a token in Redis");
    has_redis.then(|| Redis::start(options))
}
