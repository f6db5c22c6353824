//! One exchange with the control center: a request, sent once, and its JSON.

use std::time::{Instant, SystemTime};

use crate::error::Error;
use crate::redact::Redactor;
use crate::reply;
use crate::request::Options;
use crate::secret::Secret;
use crate::sender::{self, HttpRequest};
use crate::token::Observed;

/// What the control center answered.
pub(crate) struct Answered {
    /// Its JSON, as it came.
    pub(crate) text: String,
    pub(crate) status: u16,
    /// When this machine sent the request.
    before: SystemTime,
    /// When it had the reply.
    after: SystemTime,
    /// The reply's `Date`, if it is the control center's own.
    date: Option<String>,
}

impl Answered {
    /// The control center's clock beside this machine's.
    pub(crate) fn observed(&self) -> Option<Observed> {
        let date = httpdate::parse_http_date(self.date.as_deref()?.trim()).ok()?;
        Some(Observed { before: self.before, after: self.after, date })
    }
}

/// Sends a request. `secrets` are those of its headers and its query that no error may quote.
pub(crate) fn exchange<'s>(
    http: &HttpRequest<'_>,
    options: &Options,
    secrets: impl IntoIterator<Item = &'s str>,
    deadline: Instant,
) -> Result<Answered, Error> {
    let before = SystemTime::now();
    let reply = sender::send(http, options, deadline)?;
    let after = SystemTime::now();
    let status = reply.status.as_u16();
    let date = reply.date.clone().filter(|_| !reply.cached);
    let text = reply::json_text(reply, || redactor(http, options, secrets))?;
    Ok(Answered { text, status, before, after, date })
}

/// Hides what this request carries: its own secrets, its query, a gateway's headers, the password of a proxy.
fn redactor<'s>(http: &HttpRequest<'_>, options: &Options, secrets: impl IntoIterator<Item = &'s str>) -> Redactor {
    let mut redactor = Redactor::default();
    redactor.hide(secrets);
    redactor.hide(options.headers.iter().filter_map(|(_, value)| value.to_str().ok()));
    redactor.hide(sender::proxy_secrets(&options.proxy, http.address).iter().map(Secret::expose));
    if let Some((_, query)) = http.url.expose().split_once('?') {
        redactor.hide_query(query);
    }
    redactor
}

/// A path with a query.
pub(crate) fn url(path: &str, query: Option<&str>) -> Secret {
    match query {
        None => Secret::new(path.to_owned()),
        Some(query) => Secret::new([path, "?", query].concat()),
    }
}
