//! One request and its reply, as the page shows them.

use std::time::Instant;

use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::response::Response;
use serde::Serialize;

use crate::envelope::{Outcome, Told};
use crate::generation::Generation;
use crate::notes::Noted;
use crate::signature::Stages;
use crate::tokens::View;
use crate::{Center, secrets};

/// How much of a text is kept: of a body, a query, a reply.
const TEXT_LIMIT: usize = 16 << 10;
/// How much of all headers is kept.
const HEADERS_LIMIT: usize = 16 << 10;

#[derive(Debug, Default, Serialize)]
pub struct Visit {
    /// Counted from 1.
    pub n: u64,
    /// By the emulator's clock, in milliseconds since 1970.
    time: i64,
    method: String,
    path: Text,
    query: Option<Text>,
    headers: Vec<(String, String)>,
    body: Option<Text>,
    /// `None` where the client went away.
    status: Option<u16>,
    code: Option<i64>,
    /// English, for the log.
    reason: String,
    /// Chinese, as the reply has it.
    msg: String,
    reply: Option<Text>,
    micros: u128,
    token: Option<View>,
    stages: Option<Stages>,
}

/// The beginning of a text, and how many bytes all of it has.
#[derive(Debug, Default, Serialize)]
pub struct Text {
    text: String,
    bytes: usize,
    whole: bool,
}

impl Text {
    fn of(bytes: &[u8], size: usize) -> Self {
        let mut end = bytes.len().min(TEXT_LIMIT);
        // Not within a character.
        while end > 0 && end < bytes.len() && bytes[end] & 0xc0 == 0x80 {
            end -= 1;
        }
        Self { text: String::from_utf8_lossy(&bytes[..end]).into_owned(), bytes: size, whole: end == size }
    }
}

/// A visit that is under way.
pub struct Beginning {
    visit: Visit,
    began: Instant,
}

impl Beginning {
    pub fn new(center: &Center, parts: &Parts) -> Self {
        let text = |text: &str| Text::of(text.as_bytes(), text.len());
        let visit = Visit {
            time: center.clock.now_ms(),
            method: parts.method.as_str().chars().take(40).collect(),
            path: text(parts.uri.path()),
            query: parts.uri.query().map(|query| text(&secrets::pairs(center, query))),
            headers: headers(center, &parts.headers),
            ..Visit::default()
        };
        Self { visit, began: Instant::now() }
    }

    /// The body that the front has read.
    pub fn body(&mut self, body: &[u8]) {
        self.visit.body = (!body.is_empty()).then(|| Text::of(body, body.len()));
    }

    pub fn ended(mut self, center: &Center, noted: Noted, response: Option<&Response>) -> Visit {
        let visit = &mut self.visit;
        // What was signed with a token of this emulator is shown as it was signed. Any other body may be somebody's keys.
        if let Some(body) = &mut visit.body
            && (noted.stages.is_none() || center.generation == Generation::V9)
        {
            body.text = match body.text.trim_start().starts_with(['{', '[']) {
                true => secrets::json(center, &body.text),
                false => secrets::pairs(center, &body.text),
            };
        }
        visit.micros = self.began.elapsed().as_micros();
        visit.stages = noted.stages;
        visit.token = noted.token;
        if let Some(body) = noted.body {
            visit.body = Some(Text::of(body.as_bytes(), body.len()));
        }
        match response {
            Some(response) => {
                visit.status = Some(response.status().as_u16());
                if let Some(outcome) = response.extensions().get::<Outcome>() {
                    visit.code = outcome.code;
                    visit.reason = outcome.reason.to_string();
                }
                if let Some(told) = response.extensions().get::<Told>() {
                    visit.msg.clone_from(&told.msg);
                    visit.reply = Some(Text::of(&told.text, told.text.len()));
                }
            }
            None => "the client closed the connection".clone_into(&mut visit.reason),
        }
        self.visit
    }
}

impl Visit {
    /// A header's value as it is shown, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// How much memory it takes, about.
    pub fn size(&self) -> usize {
        let text = |text: &Text| text.text.len();
        let texts = [&self.query, &self.body, &self.reply].into_iter().flatten().map(text).sum::<usize>();
        let headers: usize = self.headers.iter().map(|(name, value)| name.len() + value.len() + 48).sum();
        let stages = self.stages.as_ref().map_or(0, |stages| {
            let client = stages.client.as_ref().map_or(0, |client| client.source.len() + client.encoded.len());
            stages.source.len() + stages.encoded.len() + stages.received.as_ref().map_or(0, String::len) + client
        });
        512 + text(&self.path) + texts + headers + stages
    }
}

/// In the order received, until there are too many.
fn headers(center: &Center, received: &HeaderMap) -> Vec<(String, String)> {
    let mut left = HEADERS_LIMIT;
    let mut headers = Vec::new();
    for (name, value) in received {
        let value = secrets::header(center, name.as_str(), &String::from_utf8_lossy(value.as_bytes()));
        let size = name.as_str().len() + value.len();
        if size > left {
            headers.push(("...".to_owned(), format!("{} more", received.len() - headers.len())));
            break;
        }
        left -= size;
        headers.push((name.as_str().to_owned(), value));
    }
    headers
}

#[cfg(test)]
impl Visit {
    pub fn of_stages(stages: Stages) -> Self {
        Self { stages: Some(stages), ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters() {
        let long = "a中".repeat(TEXT_LIMIT);
        let text = Text::of(long.as_bytes(), long.len());
        assert!(text.text.len() <= TEXT_LIMIT && !text.whole && !text.text.contains('\u{fffd}'));
        assert!(Text::of(b"abc", 3).whole);
    }

    #[test]
    fn endless_headers_are_cut() {
        let mut received = HeaderMap::new();
        for n in 0..1000 {
            received
                .insert(axum::http::HeaderName::try_from(format!("x-{n}")).unwrap(), "a".repeat(100).parse().unwrap());
        }
        let shown = headers(&Center::for_tests(), &received);
        assert!(shown.len() < 200 && shown.last().unwrap().1.ends_with("more"));
    }
}
