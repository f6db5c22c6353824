//! An upload: its query is signed as a get's, its files are read as they come, hashed and counted.

use std::collections::BTreeMap;
use std::panic;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use ring::digest::{Context, SHA256};
use serde_json::json;

use super::book::{CONTENT_LIMIT, File};
use super::multipart::{ENDED_EARLY, Multipart, boundary};
use super::part_head::PartHead;
use crate::admission::{arrived, notes};
use crate::envelope::{Answer, Refusal};
use crate::generation::Generation;
use crate::params::Params;
use crate::random::{hex, uuid};
use crate::{Center, scheme};

pub const PATH: &str = "/oapi/v1/file/upload";
/// Longest value of a field that is no file.
const FIELD_LIMIT: usize = 64 << 10;
const PARTS_LIMIT: usize = 100;

/// Whether a request's body is left to [`upload`].
pub fn is_one(center: &Center, parts: &Parts) -> bool {
    center.generation == Generation::V2020_5 && parts.method == Method::POST && parts.uri.path() == PATH
}

pub async fn upload(State(center): State<Arc<Center>>, request: Request) -> Result<Answer, Refusal> {
    let (parts, body) = request.into_parts();
    let content_type = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let boundary = content_type.and_then(boundary);
    let mut multipart = Multipart::new(body, boundary.as_deref().unwrap_or("none"));
    let taken = take(&center, parts, boundary.is_some(), &mut multipart).await;
    if taken.is_err() {
        multipart.discard().await;
    }
    taken
}

async fn take(center: &Center, parts: Parts, has_boundary: bool, multipart: &mut Multipart) -> Result<Answer, Refusal> {
    let notes = notes(&parts);
    let call = arrived(center, parts, Bytes::new())?;
    scheme::verify_upload(center, &call, &notes)?;
    if !has_boundary {
        let reason = "wrong content type, an upload takes multipart/form-data with a boundary";
        return Err(Refusal::http(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Content-Type错误", reason));
    }
    let params = Params::new(call.query.iter().map(|(key, value)| (key.clone(), value.clone().into())).collect());
    let cut_at = params.number("cutAt", 0..=u64::MAX)?;

    let (mut files, mut fields) = (Vec::new(), BTreeMap::new());
    let (mut taken, mut seen) = (0, 0);
    while let Some(head) = multipart.next_part().await.map_err(broken)? {
        seen += 1;
        if seen > PARTS_LIMIT {
            return Err(broken("the body has over 100 parts"));
        }
        if head.file_name.is_some() {
            files.push(file(center, multipart, head, &mut taken, cut_at).await?);
        } else {
            let name = head.name.clone();
            fields.insert(name, field(multipart).await?);
        }
    }
    let described = files.iter().map(|file| format!("{} ({} bytes, SHA-256 {})", file.name, file.bytes, file.sha256));
    let described = described.collect::<Vec<_>>().join("\n");
    notes.add(|noted| noted.body = Some(described));
    if files.is_empty() {
        return Err(Refusal::parameter("没有文件", "the form has no file"));
    }
    for file in &files {
        center.counts.uploaded(file.bytes);
        center.files.add(file.clone());
    }
    Ok(Answer::new("files uploaded", json!({"files": files, "fields": fields, "params": params.without(&[])})))
}

/// Reads a file to its end: its content is kept only while it is short.
async fn file(
    center: &Center,
    multipart: &mut Multipart,
    head: PartHead,
    taken: &mut u64,
    cut_at: Option<u64>,
) -> Result<File, Refusal> {
    let mut hash = Context::new(&SHA256);
    let (mut bytes, mut content) = (0, Some(Vec::new()));
    while let Some(piece) = multipart.piece().await.map_err(broken)? {
        hash.update(&piece);
        bytes += piece.len() as u64;
        *taken += piece.len() as u64;
        if cut_at.is_some_and(|at| *taken >= at) {
            // Ends the connection without a reply, as a server that dies does. No message: nothing went wrong here.
            panic::resume_unwind(Box::new(()));
        }
        content = content.filter(|content| content.len() + piece.len() <= CONTENT_LIMIT);
        if let Some(content) = &mut content {
            content.extend_from_slice(&piece);
        }
    }
    Ok(File {
        file_id: uuid().ok_or_else(Refusal::no_random_bytes)?,
        field: head.name,
        name: head.file_name.unwrap_or_default(),
        content_type: head.content_type.unwrap_or_default(),
        bytes,
        sha256: hex(hash.finish().as_ref()),
        time: center.clock.now_ms(),
        content: content.map(Bytes::from),
    })
}

async fn field(multipart: &mut Multipart) -> Result<String, Refusal> {
    let mut value = Vec::new();
    while let Some(piece) = multipart.piece().await.map_err(broken)? {
        value.extend_from_slice(&piece);
        if value.len() > FIELD_LIMIT {
            return Err(broken("a field that is no file is over 64 KiB"));
        }
    }
    String::from_utf8(value).map_err(|_| broken("a field is not UTF-8"))
}

fn broken(reason: &'static str) -> Refusal {
    if reason == ENDED_EARLY {
        return Refusal::http(StatusCode::BAD_REQUEST, "请求体不完整", reason);
    }
    Refusal::parameter("multipart格式错误", reason)
}
