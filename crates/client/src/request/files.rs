//! The fields `files` and `save_to`: what is sent from files, and where a reply goes that is one.

use std::path::{Path, PathBuf};

use super::fields::Fields;
use crate::basics::members::Members;
use crate::basics::pointer::items;
use crate::error::Error;

/// A file that is sent.
#[derive(Debug)]
pub(crate) struct FileToSend {
    /// The name of the form's field.
    pub(crate) field: String,
    pub(crate) path: PathBuf,
    /// Its name for the server.
    pub(crate) name: String,
    pub(crate) content_type: String,
    /// The name goes as `filename*`, too, for servers that know that alone.
    pub(crate) with_star: bool,
}

/// Where a reply goes that is no JSON.
#[derive(Debug, Clone)]
pub(crate) struct SaveTo {
    pub(crate) path: PathBuf,
    pub(crate) overwrite: bool,
    pub(crate) max_bytes: u64,
}

const MOST_FILES: usize = 100;

/// The files of a request, in their order.
pub(super) fn files(fields: &Fields<'_>) -> Result<Vec<FileToSend>, Error> {
    let Some(raw) = fields.raw("files") else { return Ok(Vec::new()) };
    let wanted = || fields.wrong_type("files", "an object of paths", "JSON对象,值为路径", raw);
    let Members(members) = serde_json::from_str(raw.get()).map_err(|_| wanted())?;
    let mut files = Vec::new();
    for (name, value) in &members {
        let several = if value.get().starts_with('[') { items(value.get()) } else { vec![*value] };
        for value in several {
            files.push(file(name, value.get()).map_err(|why| why.unwrap_or_else(wanted))?);
        }
    }
    if files.is_empty() || files.len() > MOST_FILES {
        return Err(fields.refuse(
            "files",
            "必须有1到100个文件",
            "must hold 1 to 100 files; leave it out to send none",
        ));
    }
    Ok(files)
}

/// One of them: its path, or an object. No error of its own where it is neither.
fn file(field: &str, value: &str) -> Result<FileToSend, Option<Error>> {
    let text = ["{\"path\":", value, "}"].concat();
    let file = Fields::of_text(if value.starts_with('{') { value } else { &text }, "files.*.").ok_or(None)?;
    file.only(&[&["path", "name", "type", "filename_star"]])?;
    let path = file.text("path")?.ok_or_else(|| file.missing("path"))?;
    file.check_file("path", &path)?;
    let own = || Path::new(&path).file_name().map(|name| name.to_string_lossy().into_owned());
    let name = file.text("name")?.filter(|name| !name.is_empty()).or_else(own).unwrap_or_default();
    let content_type = file.text("type")?.unwrap_or_else(|| "application/octet-stream".to_owned());
    if content_type.is_empty() || !content_type.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Err(Some(file.refuse("type", "必须是可见ASCII字符", "must be visible ASCII, such as `text/csv`")));
    }
    let with_star = file.flag("filename_star")?.unwrap_or(false);
    Ok(FileToSend { field: field.to_owned(), path: PathBuf::from(path), name, content_type, with_star })
}

/// The file that a reply is to become.
pub(super) fn save_to(fields: &Fields<'_>) -> Result<Option<SaveTo>, Error> {
    let Some(raw) = fields.raw("save_to") else { return Ok(None) };
    let text = ["{\"path\":", raw.get(), "}"].concat();
    let save = match raw.get().as_bytes().first() {
        Some(b'{') => fields.object("save_to", "save_to.")?,
        Some(b'"') => Fields::of_text(&text, "save_to."),
        _ => None,
    };
    let Some(save) = save else {
        return Err(fields.wrong_type("save_to", "text or an object", "路径或JSON对象", raw));
    };
    save.only(&[&["path", "overwrite", "max_bytes"]])?;
    let path = save.text("path")?.ok_or_else(|| save.missing("path"))?;
    save.check_file("path", &path)?;
    if path.ends_with(['/', '\\']) {
        return Err(save.refuse("path", "是文件夹,请写出文件名", "is a folder: give the path of a file"));
    }
    Ok(Some(SaveTo {
        path: PathBuf::from(path),
        overwrite: save.flag("overwrite")?.unwrap_or(false),
        max_bytes: save.number("max_bytes", 1..=1 << 40)?.unwrap_or(1 << 30),
    }))
}

impl SaveTo {
    /// An error over the file. The texts go on after its field's name.
    pub(crate) fn refuse(&self, cause: &str, detail: &str) -> Error {
        Error::argument("save_to", ["字段save_to", cause].concat(), ["`save_to` ", detail].concat())
    }
}
