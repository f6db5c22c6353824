//! What was uploaded. Of a large file only what it was is kept, so that an emulator left running does not grow for ever.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use serde::Serialize;

const FILES_KEPT: usize = 100;
/// Longest file whose content is kept.
pub const CONTENT_LIMIT: usize = 1 << 20;
/// Of the newest files.
const CONTENTS_KEPT: usize = 16;

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct File {
    pub file_id: String,
    /// The form's field.
    pub field: String,
    pub name: String,
    pub content_type: String,
    pub bytes: u64,
    pub sha256: String,
    /// By the emulator's clock, in milliseconds since 1970.
    pub time: i64,
    #[serde(skip)]
    pub content: Option<Bytes>,
}

#[derive(Default)]
pub struct Files(Mutex<VecDeque<File>>);

impl Files {
    pub fn add(&self, file: File) {
        let mut files = self.book();
        files.push_front(file);
        files.truncate(FILES_KEPT);
        if let Some(older) = files.get_mut(CONTENTS_KEPT) {
            older.content = None;
        }
    }

    /// The newest first.
    pub fn list(&self) -> Vec<File> {
        self.book().iter().cloned().collect()
    }

    pub fn get(&self, id: &str) -> Option<File> {
        self.book().iter().find(|file| file.file_id == id).cloned()
    }

    fn book(&self) -> MutexGuard<'_, VecDeque<File>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_book_does_not_grow_for_ever() {
        let files = Files::default();
        for n in 0..3 * FILES_KEPT {
            files.add(File {
                file_id: n.to_string(),
                field: "f".to_owned(),
                name: "月结.xlsx".to_owned(),
                content_type: String::new(),
                bytes: 1,
                sha256: String::new(),
                time: 0,
                content: Some(Bytes::from_static(b"a")),
            });
        }
        let list = files.list();
        assert_eq!(
            (list.len(), list.iter().filter(|file| file.content.is_some()).count()),
            (FILES_KEPT, CONTENTS_KEPT)
        );
        assert!(files.get("299").is_some() && files.get("0").is_none());
    }
}
