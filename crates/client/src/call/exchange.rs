//! One exchange with the control center: a request, sent once, and its JSON.

use std::borrow::Cow;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::path::Path;
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, SystemTime};

use ::http::header::DATE;
use ::http::{HeaderName, Method};

use crate::basics::json::quoted;
use crate::basics::recent::Recent;
use crate::call::advice;
use crate::error::{Delivered, Error, Target};
use crate::http::{self, HttpRequest, Reply, Saved, Transfer};
use crate::network::attempt::{Call, Progress};
use crate::proxy::route::proxy_secrets;
use crate::reply;
use crate::reply::redact::Redactor;
use crate::request::{Address, Options, Trust};
use crate::token::Observed;
use rpa_signing::Secret;

/// What the control center answered.
pub(crate) struct Answered {
    /// Its JSON, as it came.
    pub(crate) text: Vec<u8>,
    /// When this machine sent the request.
    before: SystemTime,
    /// When it had the reply.
    after: SystemTime,
    /// Its body has become the text.
    reply: Reply,
}

/// The control center's JSON, and the status that it came with. There is none where it refuses the keys, and the call did not
/// run.
pub(crate) type Replied = (Vec<u8>, Option<u16>);

impl Answered {
    pub(crate) fn replied(self) -> Replied {
        let status = self.status();
        (self.text, Some(status))
    }

    pub(crate) fn status(&self) -> u16 {
        self.reply.status.as_u16()
    }

    /// How long the server asks to wait before the next request.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        reply::retry_after(&self.reply)
    }

    /// The control center's clock beside this machine's.
    pub(crate) fn observed(&self) -> Option<Observed> {
        let date = self.reply.header(DATE).filter(|_| !self.reply.is_cached())?;
        let date = httpdate::parse_http_date(date.trim()).ok()?;
        Some(Observed { before: self.before, after: self.after, date })
    }
}

/// Sends a request. `secrets` are those of its headers and its query that no error may quote.
pub(crate) fn exchange<'s>(
    request: &HttpRequest<'_>,
    options: &Options,
    secrets: impl IntoIterator<Item = &'s str>,
    call: &Call,
    empty: Empty,
) -> Result<Answered, Error> {
    let secrets: Vec<&str> = secrets.into_iter().collect();
    note_target(request, options, &secrets, &call.progress);
    transfer(request, &Transfer::default(), options, secrets, call, empty)
}

/// The same, with a body or a reply that is a file; what is called was noted.
pub(crate) fn transfer<'s>(
    request: &HttpRequest<'_>,
    transfer: &Transfer,
    options: &Options,
    secrets: impl IntoIterator<Item = &'s str>,
    call: &Call,
    empty: Empty,
) -> Result<Answered, Error> {
    let before = SystemTime::now();
    let secrets: Vec<&str> = secrets.into_iter().collect();
    let reply = http::transfer(request, transfer, options, call);
    let mut reply = reply.map_err(|error| advice::about_host(error, request.address))?;
    let after = SystemTime::now();
    if let Some((path, saved)) = transfer.download.as_ref().and_then(|to| Some((&to.to.path, to.saved()?))) {
        return Ok(noted(Answered { text: told(path, &saved), before, after, reply }, call, || {
            redactor(request, options, secrets.iter().copied())
        }));
    }
    let is_empty_success = reply.status.is_success() && !reply.may_be_cut && is_blank(&reply.body);
    if is_empty_success && empty == Empty::IsSuccess {
        return Ok(noted(Answered { text: SUCCESS.to_vec(), before, after, reply }, call, Redactor::default));
    }
    let redactor = || redactor(request, options, secrets.iter().copied());
    let text = reply::json_text(&mut reply, request, redactor);
    let text = text.map_err(|error| match (is_empty_success, empty) {
        (true, Empty::MayBeSuccess) => advice::about_empty_reply(error),
        _ => advice::about_length(error, request),
    })?;
    Ok(noted(Answered { text, before, after, reply }, call, redactor))
}

/// Headers of a reply that tell who answered.
const TELLING: [&str; 8] = ["server", "date", "content-type", "via", "age", "x-cache", "retry-after", "x-request-id"];

/// Notes what the reply says beside its JSON.
fn noted(answered: Answered, call: &Call, redactor: impl FnOnce() -> Redactor) -> Answered {
    let ahead_ms = answered.observed().map(Observed::ahead_ms);
    let mut seen = call.progress.seen();
    seen.clock_offset_ms = ahead_ms.or(seen.clock_offset_ms);
    if call.progress.wants().headers {
        let redactor = redactor();
        let header = |name: &'static str| Some((name, answered.reply.header(HeaderName::from_static(name))?));
        let quoted = |(name, value): (_, Cow<'_, str>)| (name, redactor.quote(&value));
        seen.headers = TELLING.into_iter().filter_map(header).map(quoted).collect();
    }
    drop(seen);
    answered
}

/// The reply that stands for one that went to a file.
fn told(path: &Path, saved: &Saved) -> Vec<u8> {
    let text = |text: Option<&str>| text.map_or_else(|| "null".to_owned(), quoted);
    let path = path.to_string_lossy();
    let parts = [
        r#"{"code":0,"msg":"success","result":{"path":"#,
        &quoted(&path),
        r#","size":"#,
        &saved.size.to_string(),
        r#","type":"#,
        &text(saved.content_type.as_deref()),
        r#","sha256":"#,
        &quoted(&saved.sha256),
        r#","name":"#,
        &text(saved.name.as_deref()),
        "}}",
    ];
    parts.concat().into_bytes()
}

/// What an empty reply with a status of success means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Empty {
    /// That the server has done what it was asked to: the caller said so by `empty_ok`.
    IsSuccess,
    /// Perhaps that. The caller can say so.
    MayBeSuccess,
    /// Nothing: the answer must hold something.
    IsFailure,
}

/// The reply that stands for an empty one.
const SUCCESS: &[u8] = br#"{"code":0,"msg":"success","result":null}"#;

/// Whether a body is white space alone, a byte-order mark aside.
fn is_blank(body: &[u8]) -> bool {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii().is_empty()
}

/// Hides what this request carries: its own secrets, its query, a gateway's headers, the password of a proxy.
pub(crate) fn redactor<'s>(
    request: &HttpRequest<'_>,
    options: &Options,
    secrets: impl IntoIterator<Item = &'s str>,
) -> Redactor {
    let mut redactor = passes(options, secrets);
    redactor.hide(proxy_secrets(&options.proxy, request.address).iter().map(Secret::expose));
    if let Some((_, query)) = request.url.expose().split_once('?') {
        redactor.hide_query(query);
    }
    redactor
}

/// Hides a request's own secrets and a gateway's headers.
fn passes<'s>(options: &Options, secrets: impl IntoIterator<Item = &'s str>) -> Redactor {
    let mut redactor = Redactor::default();
    redactor.hide(secrets);
    redactor.hide(options.headers.iter().filter_map(|(_, value)| value.to_str().ok()));
    redactor
}

/// Whether a path shows one of these secrets, or of a gateway's headers. To look for them in all their codings takes as long
/// as all else that a call does; the next one mostly has the same of both. They are known by a number made with chance.
pub(super) fn is_shown_in(path: &str, options: &Options, secrets: &[&str]) -> bool {
    static CHANCE: OnceLock<RandomState> = OnceLock::new();
    static LOOKED_AT: Mutex<Recent<u64, bool>> = Mutex::new(Recent::new(64));
    let headers = options.headers.iter().map(|(_, value)| value.as_bytes());
    let mut number = CHANCE.get_or_init(RandomState::new).build_hasher();
    (path, secrets).hash(&mut number);
    headers.for_each(|value| value.hash(&mut number));
    let number = number.finish();
    // Whoever has the lock may not be there: a process that was forked.
    let known = || LOOKED_AT.try_lock().ok();
    if let Some(found) = known().and_then(|mut known| known.get(|other| *other == number).copied()) {
        return found;
    }
    let found = passes(options, secrets.iter().copied()).is_shown_in(path);
    if let Some(mut known) = known() {
        known.insert(number, found);
    }
    found
}

/// What is called, as it may be told. Somebody may have written a secret into `host` or `rest_type`, and what stands before
/// an @ was meant as a name and a password: then the path is not told.
pub(crate) fn target(address: &Address, url: &str, is_secret: impl FnOnce(&str) -> bool) -> Target {
    let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = after_scheme.find('/').map_or("/", |start| &after_scheme[start..]);
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    let is_told = !path.contains('@') && !is_secret(path);
    let path = if is_told { path } else { "/..." }.to_owned();
    Target { https: address.https, host: address.lookup_name().into_owned(), port: address.port, path }
}

/// Notes what is called, for whoever is told of it.
pub(super) fn note_target(request: &HttpRequest<'_>, options: &Options, secrets: &[&str], progress: &Progress) {
    let target = target(request.address, request.url.expose(), |path| is_shown_in(path, options, secrets));
    // Under the safe rules no post follows one that may have arrived.
    let repeats = request.method == Method::POST && progress.of_failed() != Delivered::No;
    let mut seen = progress.seen();
    seen.begin(request.method.as_str(), target);
    seen.repeated |= repeats;
    seen.unverified = request.address.https && options.trust == Trust::Anything;
}

/// A path with a query.
pub(crate) fn url(path: &str, query: Option<&str>) -> Secret {
    match query {
        None => Secret::new(path.to_owned()),
        Some(query) => Secret::new([path, "?", query].concat()),
    }
}
