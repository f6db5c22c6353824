//! A request goes out over a connection, and its reply comes back.

use std::io::{self, ErrorKind};

use http::header::{ACCEPT, ACCEPT_ENCODING, CONNECTION, CONTENT_LENGTH, HOST, PROXY_AUTHORIZATION, USER_AGENT};
use http::{HeaderName, HeaderValue};
use zeroize::Zeroizing;

use super::body::{self, Body, Sink};
use super::connection::{Connection, is_broken};
use super::content_coding;
use super::failure::{self, Context};
use super::framing::Framing;
use super::upload::Unsent;
use super::{Forwarded, HttpRequest, Reply, Transfer, keep_alive};
use crate::error::Error;
use crate::http_head::{self, Head};
use crate::network::attempt::{Attempt, Phase, Progress};
use crate::proxy::route::Route;
use crate::request::Options;
use rpa_signing::Secret;

/// A head goes out with this much of its body, in one segment and one TLS record.
const FIRST_PIECE: usize = 16 * 1024;
/// The rest of a body goes out in pieces of this size.
const PIECE: usize = 64 * 1024;

/// Sends the request, and reads its reply. Returns with it whether the connection may be used again.
pub(super) fn run(
    connection: &mut Connection,
    request: &HttpRequest<'_>,
    transfer: &Transfer,
    options: &Options,
    route: &Route,
    context: &Context<'_>,
) -> Result<(Reply, bool), Error> {
    let (attempt, closes) = (context.attempt, closes(options, route));
    attempt.enter(Phase::Send);
    let failed = |error: io::Error| failure::explain(&error, context);
    if connection.replies == 0 {
        connection.check_silence().map_err(failed)?;
    }
    let head = (closes, options, route);
    let answered_early = write(connection, request, transfer, head, attempt).map_err(|unsent| match unsent {
        Unsent::Connection(error) => failed(error),
        Unsent::File(error) => Error { delivered: attempt.delivered(), ..error },
    })?;
    attempt.enter(Phase::Wait);
    let (head, framing) = read_head(connection, context)?;
    attempt.progress().seen().http_status = Some(head.status.as_u16());
    attempt.enter(Phase::Read);
    connection.announced = keep_alive::announced(&head.headers);
    connection.server_limit = keep_alive::limit(&head.headers);
    let of_head = |error: Error| Error { http_status: Some(head.status.as_u16()), ..error };
    let limit = options.max_response_bytes;
    let download =
        transfer.download.as_ref().filter(|download| head.status.is_success() && download.takes(&head.headers));
    let failed = |failure: body::Failure| of_head(failure::of_body(failure, limit, context));
    let mut pouring = download.map(|download| download.begin(&head.headers, limit));
    let most = if framing.codings.is_empty() { limit } else { packed_limit(limit) };
    let (mut bytes, may_be_cut, is_clean) = match &mut pouring {
        Some(pouring) if framing.codings.is_empty() => {
            let end = body::pour(connection, framing.extent, pouring, attempt).map_err(failed)?;
            (Zeroizing::default(), end.may_be_cut, end.is_clean)
        }
        // What is packed goes through memory; a download asks for no packing.
        _ => {
            let read = body::read(connection, framing.extent, most, attempt);
            let Body { bytes, may_be_cut, is_clean } = read.map_err(failed)?;
            if let Some(pouring) = &mut pouring {
                pouring.was_packed(&bytes);
            }
            let unpacked = content_coding::decode(bytes, &framing.codings, limit);
            let unpacked =
                unpacked.map_err(|failure| of_head(failure::of_coding(&failure, may_be_cut, limit, context)))?;
            pouring.as_mut().map_or(Ok(()), |pouring| pouring.take(&unpacked)).map_err(failed)?;
            (unpacked, may_be_cut, is_clean)
        }
    };
    if let Some(pouring) = pouring {
        bytes = pouring.end(may_be_cut).map_err(failed)?.unwrap_or_default();
    }
    connection.replies = connection.replies.saturating_add(1);
    let keeps = framing.keeps && is_clean && !closes && !answered_early && connection.input.bytes().is_empty();
    let reply = Reply {
        status: head.status,
        headers: head.headers,
        body: std::mem::take(&mut *bytes),
        may_be_cut,
        certificate_wanted: attempt.is_certificate_wanted(),
        forwarded: forwarded(route, context),
    };
    Ok((reply, keeps))
}

fn forwarded(route: &Route, context: &Context<'_>) -> Option<Forwarded> {
    let Route::Forward(proxy) = route else { return None };
    Some(Forwarded { by: proxy.clone(), target: context.target.to_owned() })
}

/// What cannot be packed grows a little as it is packed.
fn packed_limit(limit: u64) -> u64 {
    limit.saturating_add(limit / 64).saturating_add(1024)
}

/// Some forward proxies (tinyproxy) close after each reply and do not say so: a post that comes just then would be left in
/// doubt.
fn closes(options: &Options, route: &Route) -> bool {
    options.keep_alive.is_zero() || matches!(route, Route::Forward(_))
}

/// Writes the request. Returns whether the server has answered before it took all of it, and takes no more.
fn write(
    connection: &mut Connection,
    request: &HttpRequest<'_>,
    transfer: &Transfer,
    (closes, options, route): (bool, &Options, &Route),
    attempt: &Attempt,
) -> Result<bool, Unsent> {
    let body = request.body.map_or(&[][..], str::as_bytes);
    let (first, rest) = body.split_at(body.len().min(FIRST_PIECE));
    let message = message(request, transfer, (closes, options, route), first, attempt.progress());
    let pieces = std::iter::once(&message[..]).chain(rest.chunks(PIECE));
    let mut write = |piece: &[u8]| connection.write_all(piece, attempt);
    let mut written = pieces.into_iter().try_for_each(&mut write).map_err(Unsent::Connection);
    if let (Ok(()), Some(upload)) = (&written, &transfer.upload) {
        written = upload.pour(write);
    }
    match written {
        Ok(()) => Ok(false),
        Err(Unsent::Connection(error)) if is_broken(&error) => {
            has_answer(connection, error, attempt).map(|()| true).map_err(Unsent::Connection)
        }
        Err(unsent) => Err(unsent),
    }
}

/// A server that refuses a large body answers and closes before it has read it. Then the reply counts, and not that the
/// rest could not be sent.
fn has_answer(connection: &mut Connection, error: io::Error, attempt: &Attempt) -> io::Result<()> {
    match connection.fill(attempt) {
        Ok(1..) => Ok(()),
        // A TLS alert says more than that the connection is closed.
        Err(alert) if !is_broken(&alert) => Err(alert),
        _ => Err(error),
    }
}

/// The head of the request, and the beginning of its body.
fn message(
    request: &HttpRequest<'_>,
    transfer: &Transfer,
    (closes, options, route): (bool, &Options, &Route),
    body: &[u8],
    progress: &Progress,
) -> Zeroizing<Vec<u8>> {
    let text = |text: &'static str| HeaderValue::from_static(text);
    let host = HeaderValue::from_str(request.address.authority.as_str()).expect("an authority is visible ASCII");
    let mut own = vec![(HOST, host), (USER_AGENT, text(crate::USER_AGENT)), (ACCEPT, text("*/*"))];
    own.push((ACCEPT_ENCODING, text(if transfer.download.is_some() { "identity" } else { "gzip" })));
    let length = transfer.upload.as_ref().map_or(request.body.map(|body| body.len() as u64), |up| Some(up.length));
    own.extend(length.map(|length| (CONTENT_LENGTH, HeaderValue::from(length))));
    // Some servers (Apache, Tomcat) say for how long they keep a connection where they are asked to keep it, and only then.
    own.push((CONNECTION, text(if closes { "close" } else { "keep-alive" })));
    if options.request_id {
        let id = HeaderValue::from_str(progress.id()).expect("it consists of digits");
        own.push((HeaderName::from_static("x-request-id"), id));
    }
    if let Route::Forward(proxy) = route {
        let authorization = proxy.server.authorization();
        own.extend(authorization.map(|value| (PROXY_AUTHORIZATION, secret(&value))));
    }
    let headers = || own.iter().chain(&request.headers).chain(&options.headers);
    let line = |(name, value): &(HeaderName, HeaderValue)| name.as_str().len() + value.len() + ": \r\n".len();
    let (method, target) = (request.method.as_str(), target(request, route));
    let end = " HTTP/1.1\r\n";
    let length = method.len() + 1 + target.len() + end.len() + headers().map(line).sum::<usize>() + "\r\n".len();
    // A vector that grows leaves its old bytes behind.
    let mut message = Zeroizing::new(Vec::with_capacity(length + body.len()));
    for part in [method, " ", target, end] {
        message.extend_from_slice(part.as_bytes());
    }
    for (name, value) in headers() {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            message.extend_from_slice(part);
        }
    }
    message.extend_from_slice(b"\r\n");
    message.extend_from_slice(body);
    message
}

fn secret(text: &Secret) -> HeaderValue {
    let mut value = HeaderValue::from_str(text.expose()).expect("Base64 and a scheme are visible ASCII");
    value.set_sensitive(true);
    value
}

/// What stands in the request line: the whole URL for a forward proxy (RFC 9112, 3.2.2), else its path and query.
fn target<'a>(request: &'a HttpRequest<'_>, route: &Route) -> &'a str {
    let url = request.url.expose();
    if let Route::Forward(_) = route {
        return url;
    }
    let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    after_scheme.find('/').map_or("/", |start| &after_scheme[start..])
}

/// The head of the reply, past those that announce it (1xx).
fn read_head(connection: &mut Connection, context: &Context<'_>) -> Result<(Head, Framing), Error> {
    loop {
        let length = await_head(connection, context)?;
        let bytes = &connection.input.bytes()[..length];
        let head = http_head::parse(bytes).map_err(|unreadable| failure::of_head(&unreadable, context))?;
        if head.status.is_informational() && head.status != http::StatusCode::SWITCHING_PROTOCOLS {
            connection.input.take(length);
            continue;
        }
        let framing = Framing::of(&head);
        let framing = framing.map_err(|unframed| failure::of_framing(&unframed, head.status, bytes, context))?;
        connection.input.take(length);
        return Ok((head, framing));
    }
}

/// Reads until a whole head has come; its length.
fn await_head(connection: &mut Connection, context: &Context<'_>) -> Result<usize, Error> {
    loop {
        let came = connection.input.bytes();
        if !http_head::may_begin(came) {
            return Err(failure::not_http(came, context));
        }
        if let Some(length) = http_head::length(came) {
            return Ok(length);
        }
        if connection.input.is_full() {
            return Err(failure::head_too_large(http_head::status_of_part(came), context));
        }
        match connection.fill(context.attempt) {
            Ok(0) => return Err(failure::explain(&ErrorKind::UnexpectedEof.into(), context)),
            Ok(_) => {}
            Err(error) => return Err(failure::explain(&error, context)),
        }
    }
}
