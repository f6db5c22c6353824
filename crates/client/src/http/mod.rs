//! Sends one HTTP request once, and hands back what came. Knows nothing of signatures, tokens or JSON.

mod agent;
pub(crate) mod buffers;
mod fault;
mod idle;
pub(crate) mod lookup;
mod observe;
pub(crate) mod tcp;
pub(crate) mod wire;

use std::borrow::Cow;
use std::io::Read;
use std::time::{Duration, Instant};

use ureq::http::header::{AGE, CONNECTION, CONTENT_LENGTH, HOST, PROXY_AUTHORIZATION};
use ureq::http::uri::{self, PathAndQuery, Scheme};
use ureq::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri};
use ureq::{Agent, Body};

use crate::error::{Delivered, Error, Kind};
use crate::request::{Address, Options};
use rpa_signing::Secret;

use crate::proxy::route::{self, Route};
use wire::{Outgoing, Phase};

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
/// What caches say of themselves, beside `Age`.
const X_CACHE: HeaderName = HeaderName::from_static("x-cache");

/// An HTTP request, ready to be sent.
pub(crate) struct HttpRequest<'a> {
    pub(crate) method: Method,
    pub(crate) address: &'a Address,
    /// The whole URL, query included.
    pub(crate) url: &'a Secret,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Option<&'a str>,
}

/// An HTTP reply, read whole.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// The connection broke at the end of a body whose length nobody said: it may be cut short.
    pub(crate) may_be_cut: bool,
    /// The server asked for a client certificate.
    pub(crate) certificate_wanted: bool,
}

/// No option helps here.
pub(crate) const CERTIFICATE_WANTED: &str =
    "the server wants a client certificate, which this library does not have: its owner must let calls in without one";

/// Before a call: nothing is known of any attempt.
pub(crate) fn forget_attempts() {
    wire::forget();
}

/// After a panic: says whether the server can have seen the request, and puts the sender back into order. The
/// panic may have left a pool's lock poisoned.
pub(crate) fn recover() -> Delivered {
    let delivered = wire::delivered_in_all();
    wire::forget();
    agent::forget_all();
    delivered
}

/// Sends a request, within `options`' limits and before `deadline`.
pub(crate) fn send(request: &HttpRequest<'_>, options: &Options, deadline: Instant) -> Result<Reply, Error> {
    let route = route::choose(&options.proxy, request.address)?;
    let left = deadline.saturating_duration_since(Instant::now());
    let agent = agent::find(options, request.address.https, left)?;
    let outgoing = Outgoing {
        target: target(request, &route),
        body: request.body.map(str::len),
        forward: matches!(route, Route::Forward { .. }),
    };
    wire::begin(deadline, options.connect_timeout, outgoing);
    let reply = exchange(&agent, request, options, &route, deadline);
    if reply.as_ref().is_err_and(|error| error.kind == Kind::Tls) {
        agent::look_again(&options.trust);
    }
    // What never went out must not stay in this thread's memory.
    drop(wire::take_outgoing());
    reply
}

fn exchange(
    agent: &Agent,
    request: &HttpRequest<'_>,
    options: &Options,
    route: &Route,
    deadline: Instant,
) -> Result<Reply, Error> {
    let head = head(request, options, route)?;
    let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
    let proxy = match route {
        Route::Tunnel(tunnel) => Some(tunnel.clone()),
        Route::Direct | Route::Forward { .. } => None,
    };
    let config = agent.configure_request(head).proxy(proxy);
    let head = config.timeout_global(Some(left)).timeout_connect(Some(options.connect_timeout)).build();
    let sent = match request.body {
        None => agent.run(head),
        Some(body) => agent.run(head.map(|()| body)),
    };
    let response = sent.map_err(|error| fault::explain(&error))?;
    wire::enter(Phase::Read);
    if matches!(route, Route::Forward { .. }) && response.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
        let detail = "the proxy wants a user name and a password, or refuses those it got: write `http://user:password@host:port`";
        return Err(Error {
            http_status: Some(407), ..Error::new(Kind::Proxy, "代理服务器要求用户名和密码", detail)
        });
    }
    read(response, options.max_response_bytes)
}

/// Method, headers, and whom they go to. The target is written in by the last transport, see src/sender/observe.rs.
fn head(request: &HttpRequest<'_>, options: &Options, route: &Route) -> Result<Request<()>, Error> {
    let unusable = || Error::new(Kind::Internal, "请求无法生成", "the request's address cannot be written");
    let mut place = uri::Parts::default();
    place.scheme = Some(if request.address.https { Scheme::HTTPS } else { Scheme::HTTP });
    place.authority = Some(match route {
        Route::Forward { authority, .. } => authority.clone(),
        Route::Direct if request.address.lookup_name().contains('%') => {
            let (name, port) = (request.address.lookup_name().replace('%', "%25"), request.address.port);
            format!("[{name}]:{port}").parse().map_err(|_| unusable())?
        }
        Route::Direct | Route::Tunnel(_) => request.address.authority.clone(),
    });
    place.path_and_query = Some(PathAndQuery::from_static("/"));
    let mut head = Request::new(());
    *head.method_mut() = request.method.clone();
    *head.uri_mut() = Uri::from_parts(place).map_err(|_| unusable())?;
    let headers = head.headers_mut();
    for (name, value) in request.headers.iter().chain(&options.headers) {
        headers.append(name, value.clone());
    }
    // Some forward proxies (tinyproxy) close after each reply and do not say so: a post that comes just then would be
    // left in doubt.
    if options.keep_alive.is_zero() || matches!(route, Route::Forward { .. }) {
        headers.append(CONNECTION, HeaderValue::from_static("close"));
    }
    // The URI then has another authority: a forward proxy's, or one with a zone.
    if matches!(route, Route::Forward { .. }) || request.address.lookup_name().contains('%') {
        headers.append(HOST, HeaderValue::from_str(request.address.authority.as_str()).map_err(|_| unusable())?);
    }
    if let Route::Forward { authorization: Some(authorization), .. } = route {
        headers.append(PROXY_AUTHORIZATION, authorization.clone());
    }
    Ok(head)
}

/// What stands in the request line: the whole URL for a forward proxy, else its path and query.
fn target(request: &HttpRequest<'_>, route: &Route) -> Secret {
    let url = request.url.expose();
    if let Route::Forward { .. } = route {
        return request.url.clone();
    }
    let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = after_scheme.find('/').and_then(|start| after_scheme.get(start..)).unwrap_or("/");
    Secret::new(path.to_owned())
}

fn read(response: Response<Body>, limit: u64) -> Result<Reply, Error> {
    let (head, body) = response.into_parts();
    if let Some(limit) = head.headers.get(KEEP_ALIVE).and_then(|value| value.to_str().ok()) {
        wire::server_keeps(limit);
    }
    let mut bytes = Vec::new();
    // One byte more for the NUL of the reply text. Where there is no room for what the server announces, the vector
    // grows as far as it comes.
    let _ = bytes.try_reserve_exact(expected_length(&head.headers, limit).saturating_add(1));
    let read = body.into_with_config().limit(limit).reader().read_to_end(&mut bytes);
    read.map_err(|error| Error { http_status: Some(head.status.as_u16()), ..fault::explain(&error.into()) })?;
    Ok(Reply {
        status: head.status,
        headers: head.headers,
        body: bytes,
        may_be_cut: wire::is_broken(),
        certificate_wanted: wire::is_certificate_wanted(),
    })
}

/// How much to allocate beforehand: what the server announces, as far as that is credible. The system gives the memory
/// only as it is written to; and a block that is allocated once can be had again warm, where one that grew cannot.
fn expected_length(headers: &HeaderMap, limit: u64) -> usize {
    const CREDIBLE: u64 = 16 << 20;
    // A vector that grows leaves its old bytes behind, and they may be a token.
    const USUAL: u64 = 4096;
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    usize::try_from(announced.unwrap_or(USUAL).min(limit).min(CREDIBLE)).unwrap_or_default()
}

impl Reply {
    pub(crate) fn header(&self, name: HeaderName) -> Option<Cow<'_, str>> {
        self.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()))
    }

    /// It is a copy that a cache kept: its date is that of an earlier reply.
    pub(crate) fn is_cached(&self) -> bool {
        let is_hit = |cache: Cow<'_, str>| cache.to_ascii_lowercase().contains("hit");
        self.headers.contains_key(AGE) || self.header(X_CACHE).is_some_and(is_hit)
    }

    /// An error over this reply, which shows that the server has the request.
    pub(crate) fn error(&self, kind: Kind, cause: impl Into<String>, detail: impl Into<String>) -> Error {
        Error { http_status: Some(self.status.as_u16()), delivered: Delivered::Yes, ..Error::new(kind, cause, detail) }
    }
}
