//! What stands at a path, and beside it.

use std::ffi::OsString;
use std::fs::{self, File, FileType, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::patience::patiently;

/// The path with an end.
pub(super) fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(end);
    PathBuf::from(name)
}

/// The length of the regular file at a path; `None` if nothing is there. Asked before it is opened: to open a pipe would
/// wait for somebody at its other end.
pub(super) fn regular_file(path: &Path) -> io::Result<Option<u64>> {
    match fs::metadata(path) {
        Ok(found) if found.is_file() => Ok(Some(found.len())),
        Ok(found) => {
            let (kind, kind_zh) = in_words(found.file_type());
            let told = format!(
                "it is {kind}, and is left alone: give the path of a file, which need not exist yet (该路径是{kind_zh},不是文件,请改为一个文件的路径)"
            );
            Err(io::Error::other(told))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn in_words(kind: FileType) -> (&'static str, &'static str) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if kind.is_fifo() {
            return ("a named pipe", "命名管道");
        }
        if kind.is_socket() {
            return ("a socket", "套接字");
        }
        if kind.is_char_device() || kind.is_block_device() {
            return ("a device", "设备");
        }
    }
    if kind.is_dir() { ("a folder", "文件夹") } else { ("no regular file", "特殊文件") }
}

/// Opens a file that its owner alone can read, or makes it, and its folder. (On Windows it has the rights of its folder.)
pub(super) fn private(options: &mut OpenOptions, path: &Path, until: Instant) -> io::Result<File> {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    match patiently(until, || options.open(path)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            path.parent().map_or(Ok(()), fs::create_dir_all)?;
            options.open(path)
        }
        file => file,
    }
}
