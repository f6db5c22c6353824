//! The page's files. They are part of the program, and need nothing from outside.

use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

/// Nothing but the page's own files runs, is shown, or is asked for. What a request holds is never taken for HTML:
/// browsers that know trusted types refuse even a mistake of the page's own.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
                      trusted-types 'none'";

const HTML: &str = "text/html;charset=utf-8";
const SCRIPT: &str = "text/javascript;charset=utf-8";

const FILES: [(&str, &str, &str); 9] = [
    ("page.css", "text/css;charset=utf-8", include_str!("../../page/page.css")),
    ("icon.svg", "image/svg+xml", include_str!("../../page/icon.svg")),
    ("page.js", SCRIPT, include_str!("../../page/page.js")),
    ("words.js", SCRIPT, include_str!("../../page/words.js")),
    ("elements.js", SCRIPT, include_str!("../../page/elements.js")),
    ("requests.js", SCRIPT, include_str!("../../page/requests.js")),
    ("detail.js", SCRIPT, include_str!("../../page/detail.js")),
    ("form.js", SCRIPT, include_str!("../../page/form.js")),
    ("state.js", SCRIPT, include_str!("../../page/state.js")),
];

/// From the emulator's address to the page, where its files are beside it.
pub fn redirect() -> impl IntoResponse {
    (StatusCode::SEE_OTHER, [(LOCATION, "/_emulator/")])
}

pub async fn page() -> Response {
    respond(HTML, include_str!("../../page/page.html"))
}

pub async fn file(Path(name): Path<String>) -> Response {
    match FILES.iter().find(|(known, ..)| *known == name) {
        Some((_, content_type, text)) => respond(content_type, text),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn respond(content_type: &'static str, text: &'static str) -> Response {
    let mut response = text.into_response();
    let headers = [
        (CONTENT_TYPE, content_type),
        (CACHE_CONTROL, "no-cache"),
        (HeaderName::from_static("content-security-policy"), POLICY),
        (HeaderName::from_static("x-content-type-options"), "nosniff"),
        (HeaderName::from_static("referrer-policy"), "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    response.headers_mut().extend(headers.map(|(name, value)| (name, HeaderValue::from_static(value))));
    response
}
