//! A reply that is no JSON: a file of a size, or one that was uploaded, with the headers that it was asked for.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use futures_util::stream;
use ring::digest::{Context, SHA256};

use crate::Center;
use crate::call::Call;
use crate::envelope::{Answer, Outcome, Refusal};
use crate::params::Params;
use crate::percent::Encoding;

const SIZE_MOST: u64 = 8 << 30;
const PIECE: usize = 64 << 10;
const FLUSHED: Duration = Duration::from_millis(20);
/// Byte n of a file that is made up is n modulo this.
const PERIOD: u64 = 251;

pub async fn list(State(center): State<Arc<Center>>, _: Call) -> Result<Answer, Refusal> {
    Ok(Answer::new("files", center.files.list()))
}

pub async fn download(State(center): State<Arc<Center>>, call: Call) -> Result<Response, Refusal> {
    let params = call.params()?;
    let (content, name, content_type) = match params.optional_text("fileId")? {
        Some(id) => {
            let file = center.files.get(id).ok_or_else(|| Refusal::business(106, "文件不存在", "no such file"))?;
            let content =
                file.content.ok_or_else(|| Refusal::business(107, "文件内容未保留", "its content was not kept"))?;
            (Content::Kept(content), file.name, file.content_type)
        }
        None => {
            let size = params.number("size", 0..=SIZE_MOST)?.unwrap_or(1024);
            (Content::MadeUp(size), "月结报表.xlsx".to_owned(), "application/octet-stream".to_owned())
        }
    };
    let name = params.optional_text("name")?.unwrap_or(&name);
    let content_type = params.optional_text("contentType")?.unwrap_or(&content_type);
    let cut_at = params.number("cutAt", 0..=u64::MAX)?;
    let pause = Duration::from_millis(params.number("pauseMillis", 0..=60_000)?.unwrap_or(0));

    let mut headers = vec![(CONTENT_TYPE, value("contentType", content_type.as_bytes())?)];
    headers.extend(disposition(&params, name)?);
    headers.extend(digest(&params, &content).await?);
    if params.optional_text("chunked")?.is_none() {
        headers.push((CONTENT_LENGTH, HeaderValue::from(content.size())));
    }
    let mut response = Response::new(Body::from_stream(pieces(content, cut_at, pause)));
    response.headers_mut().extend(headers);
    let reason = "file".into();
    response.extensions_mut().insert(Outcome { code: None, reason });
    center.counts.downloaded();
    Ok(response)
}

enum Content {
    Kept(Bytes),
    MadeUp(u64),
}

impl Content {
    fn size(&self) -> u64 {
        match self {
            Self::Kept(bytes) => bytes.len() as u64,
            Self::MadeUp(size) => *size,
        }
    }

    /// At most a piece from a place; empty at the end.
    fn piece(&self, from: u64) -> Bytes {
        let length = self.size().saturating_sub(from).min(PIECE as u64);
        match self {
            Self::Kept(bytes) => bytes.slice(from as usize..(from + length) as usize),
            Self::MadeUp(_) => (from..from + length).map(|n| (n % PERIOD) as u8).collect(),
        }
    }
}

/// The content, up to where the connection is to break.
fn pieces(content: Content, cut_at: Option<u64>, pause: Duration) -> impl stream::Stream<Item = io::Result<Bytes>> {
    stream::unfold((content, 0), move |(content, from)| async move {
        let mut piece = content.piece(from);
        if let Some(left) = cut_at.map(|at| at.saturating_sub(from)) {
            if left == 0 {
                // What went before is sent while the connection waits, and not thrown away with it.
                tokio::time::sleep(FLUSHED).await;
                return Some((Err(io::Error::other("cut, as told")), (content, from)));
            }
            piece.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        }
        if piece.is_empty() {
            return None;
        }
        if from > 0 && !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        let next = from + piece.len() as u64;
        Some((Ok(piece), (content, next)))
    })
}

/// The file's name, in the form that is asked for: by RFC 6266 in `filename*`, or raw UTF-8, or both.
fn disposition(params: &Params, name: &str) -> Result<Option<(HeaderName, HeaderValue)>, Refusal> {
    let extended = format!("filename*=UTF-8''{}", Encoding::Java.encode(name.as_bytes()));
    let text = match params.optional_text("nameForm")?.unwrap_or("both") {
        "none" => return Ok(None),
        "raw" => format!("attachment; filename=\"{name}\""),
        "star" => format!("attachment; {extended}"),
        "both" => format!("attachment; filename=\"download.bin\"; {extended}"),
        _ => {
            return Err(Refusal::parameter(
                "nameForm应为none、raw、star或both",
                "parameter nameForm must be none, raw, star or both",
            ));
        }
    };
    Ok(Some((CONTENT_DISPOSITION, value("name", text.as_bytes())?)))
}

/// A digest of the content, right or `wrong`, in the header that is asked for.
async fn digest(params: &Params, content: &Content) -> Result<Option<(HeaderName, HeaderValue)>, Refusal> {
    let header = match params.optional_text("digest")? {
        None => return Ok(None),
        Some(header) => header.to_ascii_lowercase(),
    };
    let mut hash = Context::new(&SHA256);
    let mut from = 0;
    loop {
        let piece = content.piece(from);
        if piece.is_empty() {
            break;
        }
        hash.update(&piece);
        from += piece.len() as u64;
        tokio::task::yield_now().await;
    }
    let mut sum = hash.finish().as_ref().to_vec();
    if params.optional_text("wrongDigest")?.is_some() {
        sum.reverse();
    }
    let sum = BASE64.encode(sum);
    let text = match header.as_str() {
        "digest" => format!("SHA-256={sum}"),
        "content-digest" | "repr-digest" => format!("sha-256=:{sum}:"),
        _ => {
            return Err(Refusal::parameter(
                "digest应为Digest、Content-Digest或Repr-Digest",
                "parameter digest must be Digest, Content-Digest or Repr-Digest",
            ));
        }
    };
    let name = HeaderName::try_from(header).map_err(|_| Refusal::parameter("digest", "no header's name"))?;
    Ok(Some((name, value("digest", text.as_bytes())?)))
}

fn value(name: &str, bytes: &[u8]) -> Result<HeaderValue, Refusal> {
    HeaderValue::from_bytes(bytes).map_err(|_| {
        Refusal::parameter(format!("{name}不能作为HTTP头"), format!("parameter {name} cannot be a header's value"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::StreamExt;

    async fn read(content: Content, cut_at: Option<u64>) -> (usize, bool) {
        let mut pieces = Box::pin(pieces(content, cut_at, Duration::ZERO));
        let mut size = 0;
        while let Some(piece) = pieces.next().await {
            match piece {
                Ok(piece) => size += piece.len(),
                Err(_) => return (size, true),
            }
        }
        (size, false)
    }

    #[tokio::test]
    async fn a_file_has_its_size_unless_it_is_cut() {
        let size = 3 * PIECE + 1;
        assert_eq!(read(Content::MadeUp(size as u64), None).await, (size, false));
        for cut_at in [0, 1, PIECE, PIECE + 1, size] {
            assert_eq!(read(Content::MadeUp(size as u64), Some(cut_at as u64)).await, (cut_at, true));
        }
        assert_eq!(read(Content::MadeUp(0), None).await, (0, false));
        assert_eq!(read(Content::Kept(Bytes::from_static(b"abc")), None).await, (3, false));
    }

    #[test]
    fn a_made_up_byte_tells_its_place() {
        let content = Content::MadeUp(1 << 20);
        assert_eq!(content.piece(1000)[..3], [(1000 % PERIOD) as u8, (1001 % PERIOD) as u8, (1002 % PERIOD) as u8]);
    }
}
