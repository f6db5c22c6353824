//! Files, as generation 2020.5 has them: uploads that are read as they come, and downloads that are no JSON.

pub mod book;
pub mod download;
mod multipart;
mod part_head;
pub mod upload;
