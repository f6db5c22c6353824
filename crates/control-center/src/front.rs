//! Around every request: the body is read whole, the reply gets its date, the log its line, the page its record.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;

use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::http::header::DATE;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::Center;
use crate::envelope::{Outcome, Refusal};
use crate::files::upload;
use crate::notes::Notes;
use crate::visit::Beginning;

/// Longest body that is looked at.
const BODY_LIMIT: usize = 64 << 20;
/// Longest body that is read to its end, so that its sender sees the refusal and not a broken connection.
pub const DISCARD_LIMIT: usize = 1 << 30;
/// Longest path or method that is written to the log.
const LOGGED_LIMIT: usize = 120;

/// Reads the body before anything is answered: a reply before the request is whole breaks the connection. An upload's
/// body is read by its handler.
pub async fn front(State(center): State<Arc<Center>>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let mut record = Record::new(&center, &parts);
    parts.extensions.insert(record.notes.clone());
    let mut response = if upload::is_one(&center, &parts) {
        next.run(Request::from_parts(parts, body)).await
    } else {
        match read(body).await {
            Ok(_) if parts.method == Method::HEAD => wrong_method().await.into_response(),
            Ok(body) => {
                record.body(&body);
                next.run(Request::from_parts(parts, Body::from(body))).await
            }
            Err(refusal) => refusal.into_response(),
        }
    };
    if let Ok(date) = HeaderValue::try_from(center.clock.http_date()) {
        response.headers_mut().insert(DATE, date);
    }
    record.answered(&response);
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

/// The log line of one request, and its record for the page. One that is dropped unanswered is written too: its client has
/// gone.
struct Record<'a> {
    center: &'a Center,
    request: String,
    notes: Notes,
    /// `None` once it has ended.
    beginning: Option<Beginning>,
}

impl<'a> Record<'a> {
    fn new(center: &'a Center, parts: &Parts) -> Self {
        let (method, path) = (parts.method.as_str(), parts.uri.path());
        center.counts.arrived(method, path);
        Self {
            center,
            request: format!("{:<6} {:<22}", printable(method), printable(path)),
            notes: Notes::default(),
            beginning: Some(Beginning::new(center, parts)),
        }
    }

    fn body(&mut self, body: &[u8]) {
        if let Some(beginning) = &mut self.beginning {
            beginning.body(body);
        }
    }

    fn answered(&mut self, response: &Response) {
        let status = response.status().as_u16();
        self.center.counts.answered(status);
        let outcome = response.extensions().get::<Outcome>();
        let code = match outcome.and_then(|outcome| outcome.code) {
            Some(code) => format!("code {code}"),
            None => "no code".to_owned(),
        };
        let reason = outcome.map_or("", |outcome| &outcome.reason);
        self.write(&format!("{status}  {code:<8}  {reason}"));
        self.hand_over(Some(response));
    }

    fn hand_over(&mut self, response: Option<&Response>) {
        if let Some(beginning) = self.beginning.take() {
            self.center.visits.add(beginning.ended(self.center, self.notes.take(), response));
        }
    }

    fn write(&self, outcome: &str) {
        let time = self.center.clock.time_of_day();
        let line = format!("{time}  {}  {outcome}", self.request);
        self.center.log.line(line.trim_end().to_owned());
    }
}

impl Drop for Record<'_> {
    fn drop(&mut self) {
        if self.beginning.is_some() {
            self.write("---  no reply  the client closed the connection");
            self.hand_over(None);
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
