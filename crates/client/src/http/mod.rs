//! Sends one HTTP request once, and hands back what came. Knows nothing of signatures, tokens or JSON.

mod body;
mod connect;
mod connection;
mod content_coding;
mod disposition;
mod download;
mod exchange;
mod failure;
mod framing;
mod habit;
mod header_list;
mod input;
mod keep_alive;
mod pool;
mod tls_settings;
mod upload;

use std::borrow::Cow;
use std::io;
use std::time::Instant;

use http::header::AGE;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use rpa_signing::Secret;

use crate::error::{Delivered, Error, Kind};
use crate::network::attempt::{Attempt, Call};
use crate::proxy::in_use::ProxyInUse;
use crate::proxy::route::{self, Route};
use crate::proxy::script;
use crate::request::{Address, Options};
use connection::Connection;
pub(crate) use download::{Download, Saved};
use failure::Context;
use pool::{Key, Origin};
pub(crate) use upload::Upload;

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
    /// It may reach the server twice.
    pub(crate) may_repeat: bool,
}

/// What of a request and its reply goes between files and the network, and not through memory.
#[derive(Default)]
pub(crate) struct Transfer {
    /// The request's body; then it has no other.
    pub(crate) upload: Option<Upload>,
    pub(crate) download: Option<Download>,
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
    /// By whom request and reply were passed on, where they were.
    pub(crate) forwarded: Option<Forwarded>,
}

/// A forward proxy may have written the reply itself.
pub(crate) struct Forwarded {
    pub(crate) by: ProxyInUse,
    /// The control center, `host:port`.
    pub(crate) target: String,
}

/// The cause where a connection ended too early.
pub(crate) const BROKEN_OFF: &str = "连接中断,请检查网络、防火墙和VPN,或联系控制中心管理员";

/// The next step where the server speaks TLS and was called without.
pub(crate) const TLS_WANTED: &str = "请把host的http://改为https://";

/// No option helps here.
pub(crate) const CERTIFICATE_WANTED: &str =
    "the server wants a client certificate, which this library does not have: its owner must let calls in without one";

/// After a panic: forgets whatever it may have left in disorder.
pub(crate) fn recover() {
    pool::forget_all();
    tls_settings::forget_all();
}

/// Sends a request, within the limits of `options` and of the call.
pub(crate) fn send(request: &HttpRequest<'_>, options: &Options, call: &Call) -> Result<Reply, Error> {
    transfer(request, &Transfer::default(), options, call)
}

/// The same with files. Of a reply that went to one the body is empty.
pub(crate) fn transfer(
    request: &HttpRequest<'_>,
    transfer: &Transfer,
    options: &Options,
    call: &Call,
) -> Result<Reply, Error> {
    let route = route::choose(&options.proxy, request.address)?;
    let on_the_way = route.proxy().map(|proxy| (proxy.server.shown(), proxy.source.word()));
    call.progress.seen().proxy = on_the_way;
    let key = key(request.address, options, &route, call.deadline)?;
    let sent = send_over(key, request, transfer, options, &route, call);
    sent.map_err(|error| script::note(error, &options.proxy))
}

/// The error over a connection that could not be made, in the words of a call.
pub(crate) fn explain(error: &io::Error, attempt: &Attempt, proxy: Option<&ProxyInUse>, target: &str) -> Error {
    failure::explain(error, &Context { attempt, proxy, target })
}

fn key(address: &Address, options: &Options, route: &Route, deadline: Instant) -> Result<Key, Error> {
    let left = deadline.saturating_duration_since(Instant::now());
    let tls = if address.https { Some(tls_settings::find(options, left)?) } else { None };
    let proxy = route.proxy().map(|proxy| proxy.server.clone());
    let zone = address.zone().map(str::to_owned);
    let origin = Origin { https: address.https, authority: address.authority.clone(), zone, proxy };
    Ok(Key { origin, tls, keep_alive: options.keep_alive })
}

/// Sends the request over a kept connection or a new one, and lays that aside for the next. A server may close a kept
/// connection at any time, so a request that may be repeated goes out once more then, over a new one.
fn send_over(
    key: Key,
    request: &HttpRequest<'_>,
    transfer: &Transfer,
    options: &Options,
    route: &Route,
    call: &Call,
) -> Result<Reply, Error> {
    let is_post = request.method == Method::POST || !request.may_repeat;
    let target = format!("{}:{}", request.address.host(), request.address.port);
    let mut kept = pool::take(&key, is_post);
    loop {
        let attempt = Attempt::new(call, options.connect_timeout);
        let context = Context { attempt: &attempt, proxy: route.proxy(), target: &target };
        let mut connection = match kept.take() {
            Some(kept) => kept,
            None => {
                let connected = connect::connect(request.address, route, key.tls.as_deref(), &attempt);
                connected.map_err(|error| failure::explain(&error, &context))?
            }
        };
        attempt.leads_to(connection.peer);
        call.progress.seen().certificate = connection.certificate;
        if connection.is_certificate_wanted() {
            attempt.wants_certificate();
        }
        match exchange::run(&mut connection, request, transfer, options, route, &context) {
            Ok((reply, true)) => {
                pool::put(key, connection, is_post);
                return Ok(reply);
            }
            Ok((reply, false)) => return Ok(reply),
            Err(error) if was_ended(&connection, &error) => {
                pool::ended(&key.origin, &connection);
                if !request.may_repeat {
                    return Err(error);
                }
                // The server may have read the request before it closed the connection.
                call.progress.fail(error.delivered);
            }
            Err(error) => return Err(error),
        }
    }
}

/// It was a kept connection, and broke before anything of a reply came.
fn was_ended(connection: &Connection, error: &Error) -> bool {
    connection.replies > 0 && error.kind == Kind::Disconnected && error.delivered != Delivered::Yes
}

impl Reply {
    pub(crate) fn header(&self, name: HeaderName) -> Option<Cow<'_, str>> {
        self.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()))
    }

    /// It is a copy that a cache kept: its date is that of an earlier reply.
    pub(crate) fn is_cached(&self) -> bool {
        let is_hit = |cache: Cow<'_, str>| cache.to_ascii_lowercase().contains("hit");
        // Gateways write an age of 0 of what they have just fetched.
        let is_old = |age: Cow<'_, str>| age.trim() != "0";
        self.header(AGE).is_some_and(is_old) || self.header(X_CACHE).is_some_and(is_hit)
    }

    /// An error over this reply, which shows that the server has the request.
    pub(crate) fn error(&self, kind: Kind, cause: impl Into<String>, detail: impl Into<String>) -> Error {
        Error { http_status: Some(self.status.as_u16()), delivered: Delivered::Yes, ..Error::new(kind, cause, detail) }
    }
}
