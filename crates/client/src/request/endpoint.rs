//! What follows the scheme in the address of a proxy or of a Redis server: `[user:password@]host[:port][/path]`.

use ::http::Uri;
use percent_encoding::percent_decode_str;

use rpa_signing::Secret;

pub(super) struct Endpoint {
    /// An IPv6 address in brackets.
    pub(super) host: String,
    pub(super) port: Option<u16>,
    /// User name and password, without their escapes.
    pub(super) credentials: Option<(Secret, Secret)>,
    /// Without the slash at its beginning and its end.
    pub(super) path: String,
}

impl Endpoint {
    pub(super) fn parse(text: &str) -> Option<Endpoint> {
        // A password may hold `@` and `/`, a host neither.
        let (credentials, rest) = text.rsplit_once('@').map_or((None, text), |(user, rest)| (Some(user), rest));
        let (host_port, path) = rest.split_once('/').unwrap_or((rest, ""));
        let authority: Uri = format!("http://{host_port}/").parse().ok()?;
        let host = authority.host().filter(|host| !host.is_empty())?;
        let port = match authority.authority()?.as_str().strip_prefix(host)? {
            "" => None,
            _ => Some(authority.port_u16().filter(|&port| port > 0)?),
        };
        if authority.path() != "/" || authority.query().is_some() || path.contains(['?', '#']) {
            return None;
        }
        let decode =
            |text: &str| percent_decode_str(text).decode_utf8().ok().map(|text| Secret::new(text.into_owned()));
        let credentials = match credentials.map(|user| user.split_once(':').unwrap_or((user, ""))) {
            None => None,
            Some((user, password)) => Some((decode(user)?, decode(password)?)),
        };
        let path = path.trim_end_matches('/').to_owned();
        Some(Endpoint { host: host.to_owned(), port, credentials, path })
    }
}
