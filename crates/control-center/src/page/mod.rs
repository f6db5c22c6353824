//! The emulator's address in a browser: a page that shows each request, and why it was refused; and what tests ask of the
//! emulator. None of it is counted, logged, or signed.

mod assets;
mod events;
mod form;
mod guard;
mod settings;
mod state;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::header::ACCEPT;
use axum::http::{HeaderMap, Method};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use crate::Center;

/// Beside the API's own routes. `/` is the page for whoever wants HTML; for all others it is what the API has there.
pub fn router(center: Arc<Center>, api: Router) -> Router {
    let own = Router::new()
        .route("/_emulator/", get(assets::page))
        .route("/_emulator/{name}", get(assets::file))
        .route("/_emulator/events", get(events::events))
        .route("/_emulator/state", get(state::state))
        .route("/_emulator/counts", get(state::counts))
        .route("/_emulator/call", post(form::call))
        .route("/_emulator/settings", post(settings::change))
        .layer(from_fn_with_state(Arc::clone(&center), guard::guard))
        .with_state(center);
    own.fallback_service(api.layer(from_fn(page_or_api)))
}

async fn page_or_api(request: Request, next: Next) -> Response {
    let at_root = request.uri().path() == "/" && *request.method() == Method::GET;
    match at_root && wants_html(request.headers()) {
        true => assets::redirect().into_response(),
        false => next.run(request).await,
    }
}

/// Browsers name HTML; programs take anything.
fn wants_html(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut types = accepted.flat_map(|value| value.split(','));
    types.any(|kind| kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/html")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_browser_wants_html() {
        let wants = |accept: &str| wants_html(&HeaderMap::from_iter([(ACCEPT, accept.parse().unwrap())]));
        assert!(wants("text/html,application/xhtml+xml,*/*;q=0.8") && wants("a/b, Text/HTML;q=0.9"));
        assert!(!wants("*/*") && !wants("application/json") && !wants("text/*") && !wants_html(&HeaderMap::new()));
    }
}
