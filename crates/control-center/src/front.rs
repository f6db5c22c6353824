//! Around every request: the body is read whole, the reply gets its date, the log its line.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;

use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::http::header::DATE;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::Center;
use crate::envelope::{Outcome, Refusal};

/// Longest body that is looked at.
const BODY_LIMIT: usize = 64 << 20;
/// Longest body that is read to its end, so that its sender sees the refusal and not a broken connection.
const DISCARD_LIMIT: usize = 1 << 30;
/// Longest path or method that is written to the log.
const LOGGED_LIMIT: usize = 120;

/// Reads the body before anything is answered: a reply before the request is whole breaks the connection.
pub async fn front(State(center): State<Arc<Center>>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let mut line = Line::new(&center, &parts.method, parts.uri.path());
    let mut response = match read(body).await {
        Ok(_) if parts.method == Method::HEAD => wrong_method().await.into_response(),
        Ok(body) => next.run(Request::from_parts(parts, Body::from(body))).await,
        Err(refusal) => refusal.into_response(),
    };
    if let Ok(date) = HeaderValue::try_from(center.clock.http_date()) {
        response.headers_mut().insert(DATE, date);
    }
    line.answered(&response);
    response
}

/// A HEAD lands here too: the protocol has four methods, and axum would answer it as a GET.
pub async fn wrong_method() -> Refusal {
    Refusal::http(StatusCode::METHOD_NOT_ALLOWED, "请求方法不支持", "wrong method for this path")
}

async fn read(body: Body) -> Result<Vec<u8>, Refusal> {
    let mut body = body;
    let mut read = Vec::new();
    let mut size = 0;
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let frame = frame.map_err(|_| {
            let reason = "the connection ended, or the chunks were broken, within the body";
            Refusal::http(StatusCode::BAD_REQUEST, "请求体不完整", reason)
        })?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        size += data.len();
        if size > DISCARD_LIMIT {
            break;
        } else if size > BODY_LIMIT {
            read = Vec::new();
        } else {
            read.extend_from_slice(&data);
        }
    }
    if size > BODY_LIMIT {
        let status = StatusCode::PAYLOAD_TOO_LARGE;
        return Err(Refusal::http(status, "请求体过大", "the body is over 64 MiB"));
    }
    Ok(read)
}

/// The log line of one request. One that is dropped unanswered is written too: its client has gone.
struct Line<'a> {
    center: &'a Center,
    request: String,
    answered: bool,
}

impl<'a> Line<'a> {
    fn new(center: &'a Center, method: &Method, path: &str) -> Self {
        Self { center, request: format!("{:<6} {:<22}", printable(method.as_str()), printable(path)), answered: false }
    }

    fn answered(&mut self, response: &Response) {
        self.answered = true;
        let status = response.status().as_u16();
        let outcome = response.extensions().get::<Outcome>();
        let code = match outcome.and_then(|outcome| outcome.code) {
            Some(code) => format!("code {code}"),
            None => "no code".to_owned(),
        };
        let reason = outcome.map_or("", |outcome| &outcome.reason);
        self.write(&format!("{status}  {code:<8}  {reason}"));
    }

    fn write(&self, outcome: &str) {
        let time = self.center.clock.time_of_day();
        let line = format!("{time}  {}  {outcome}", self.request);
        self.center.log.line(line.trim_end().to_owned());
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        if !self.answered {
            self.write("---  no reply  the client closed the connection");
        }
    }
}

/// Keeps a client's control characters from a reader's terminal.
fn printable(text: &str) -> String {
    let printable: String =
        text.chars().take(LOGGED_LIMIT).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    match text.chars().nth(LOGGED_LIMIT) {
        Some(_) => printable + "...",
        None => printable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_has_no_control_characters_and_no_endless_path() {
        assert_eq!(printable("/a\u{1b}[31m\u{9b}"), "/a\u{fffd}[31m\u{fffd}");
        assert_eq!(printable("/oapi/v1/中文"), "/oapi/v1/中文");
        assert_eq!(printable(&"中".repeat(121)).chars().count(), 123);
    }
}
