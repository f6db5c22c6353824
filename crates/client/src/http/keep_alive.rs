//! What a server says of itself: for how long it keeps an idle connection (`Keep-Alive: timeout=20`), or just that it does.
//!
//! A request on a connection that the server is just closing is the one doubt that no check removes: it may have
//! arrived. Who stops before the server does leaves no room for it.

use std::time::Duration;

use http::HeaderMap;
use http::header::CONNECTION;

use super::header_list::{elements, parameter};

/// A server that says that it keeps connections, and not for how long, does so for this long at least.
const UNSPECIFIED: Duration = Duration::from_secs(1);

/// For how long a connection may lie idle, by what this reply says.
pub(super) fn limit(headers: &HeaderMap) -> Option<Duration> {
    let whole = Duration::from_secs(parameter(headers, "timeout")?);
    // The reply was on its way for a while, and so will be the request.
    Some(whole.saturating_sub(Duration::from_secs(1)).max(whole / 2))
}

/// For how long the server says that it keeps the connection.
pub(super) fn announced(headers: &HeaderMap) -> Option<Duration> {
    let is_said = || elements(headers, CONNECTION).any(|word| word.eq_ignore_ascii_case(b"keep-alive"));
    limit(headers).or_else(|| is_said().then_some(UNSPECIFIED))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn announced_by(lines: &[(&'static str, &str)]) -> Option<u128> {
        let pairs = lines.iter().map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()));
        announced(&pairs.collect()).map(|limit| limit.as_millis())
    }

    #[test]
    fn the_servers_limit_less_a_margin() {
        for (header, expected) in [
            ("timeout=20, max=100", Some(19_000)),
            ("max=100, Timeout = \"5\"", Some(4_000)),
            ("timeout=1", Some(500)),
            ("timeout=0", Some(0)),
            ("timeout=99999999999999999999", None),
            ("timeout=-1", None),
            ("timeout", None),
            ("", None),
        ] {
            assert_eq!(announced_by(&[("keep-alive", header)]), expected, "{header}");
        }
        assert_eq!(announced_by(&[("connection", "Keep-Alive")]), Some(1000));
        assert_eq!(announced_by(&[("connection", "keep-alive"), ("keep-alive", "timeout=60")]), Some(59_000));
    }
}
