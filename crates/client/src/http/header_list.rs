//! Headers that are lists (RFC 9110, 5.6.1).

use http::{HeaderMap, HeaderName};

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");

/// The elements of a header that is a list, over all of its lines.
pub(super) fn elements(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &[u8]> {
    let elements = headers.get_all(name).into_iter().flat_map(|value| value.as_bytes().split(|&byte| byte == b','));
    elements.map(<[u8]>::trim_ascii)
}

/// A number in a Keep-Alive header (RFC 2068, 19.7.1.1), `timeout=20, max=100`. What is not understood says nothing.
pub(super) fn parameter(headers: &HeaderMap, name: &str) -> Option<u64> {
    elements(headers, KEEP_ALIVE).find_map(|element| {
        let (found, value) = std::str::from_utf8(element).ok()?.split_once('=')?;
        found.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"').parse().ok())?
    })
}
