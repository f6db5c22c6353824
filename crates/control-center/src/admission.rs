//! Lets a call through to its handler once its generation's checks have passed.

use std::sync::Arc;

use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;

use crate::Center;
use crate::call::{Call, pairs};
use crate::envelope::Refusal;
use crate::notes::Notes;
use crate::scheme;

impl FromRequest<Arc<Center>> for Call {
    type Rejection = Refusal;

    async fn from_request(request: Request, center: &Arc<Center>) -> Result<Self, Refusal> {
        let (parts, body) = request.into_parts();
        // The front has read the body whole already, and has limited it.
        let body = to_bytes(body, usize::MAX)
            .await
            .map_err(|_| Refusal::http(StatusCode::BAD_REQUEST, "请求体不完整", "the body is incomplete"))?;
        let notes = notes(&parts);
        let call = arrived(center, parts, body)?;
        scheme::verify(center, &call, &notes)?;
        Ok(call)
    }
}

pub fn arrived(center: &Center, parts: Parts, body: Bytes) -> Result<Call, Refusal> {
    Ok(Call {
        query: pairs(parts.uri.query())?,
        by_query: scheme::by_query(center.generation, &parts.method),
        method: parts.method,
        uri: parts.uri,
        headers: parts.headers,
        body,
    })
}

pub fn notes(parts: &Parts) -> Notes {
    parts.extensions.get::<Notes>().cloned().unwrap_or_default()
}
