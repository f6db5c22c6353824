//! Requests as they come, by server-sent events: first those that are kept, then each new one.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::Center;
use crate::visit::Visit;
use crate::visits::Refused;

/// How soon a browser comes again after the connection broke.
const AGAIN: Duration = Duration::from_secs(1);
const KEEP_ALIVE: Duration = Duration::from_secs(15);

pub async fn events(State(center): State<Arc<Center>>, headers: HeaderMap) -> Response {
    let after = headers.get("last-event-id").and_then(|value| value.to_str().ok()?.parse().ok()).unwrap_or(0);
    match center.visits.follow(after) {
        Ok((past, live)) => {
            let keep_alive = KeepAlive::new().interval(KEEP_ALIVE);
            Sse::new(stream_of(past.into(), live)).keep_alive(keep_alive).into_response()
        }
        Err(Refused::TooMany) => (StatusCode::SERVICE_UNAVAILABLE, "too many browsers look on").into_response(),
        Err(Refused::Ending) => (StatusCode::SERVICE_UNAVAILABLE, "the emulator ends").into_response(),
    }
}

struct Follower {
    greeted: bool,
    past: VecDeque<Arc<Visit>>,
    live: Receiver<Arc<Visit>>,
    pid: u32,
}

fn stream_of(past: VecDeque<Arc<Visit>>, live: Receiver<Arc<Visit>>) -> impl Stream<Item = Result<Event, Infallible>> {
    let follower = Follower { greeted: false, past, live, pid: std::process::id() };
    stream::unfold(follower, |mut follower| async move {
        let event = follower.next().await?;
        Some((Ok(event), follower))
    })
}

impl Follower {
    async fn next(&mut self) -> Option<Event> {
        if !self.greeted {
            self.greeted = true;
            // A browser that finds another emulator at the address begins anew.
            return Some(Event::default().event("hello").retry(AGAIN).data(self.pid.to_string()));
        }
        if let Some(visit) = self.past.pop_front() {
            return Some(of_visit(&visit));
        }
        match self.live.recv().await {
            Ok(visit) => Some(of_visit(&visit)),
            Err(RecvError::Lagged(lost)) => Some(Event::default().event("lost").data(lost.to_string())),
            Err(RecvError::Closed) => None,
        }
    }
}

fn of_visit(visit: &Visit) -> Event {
    let text = serde_json::to_string(visit).unwrap_or_default();
    Event::default().event("request").id(visit.n.to_string()).data(text)
}
