//! One exchange with the control center: a request, sent once, and its JSON.

use std::time::{Instant, SystemTime};

use crate::error::Error;
use crate::redact::Redactor;
use crate::reply;
use crate::request::Options;
use crate::secret::Secret;
use crate::sender::{self, HttpRequest, Reply};
use crate::token::Observed;

/// What the control center answered.
pub(crate) struct Answered {
    /// Its JSON, as it came.
    pub(crate) text: String,
    pub(crate) status: u16,
    /// Its clock, and this machine's before and after.
    pub(crate) observed: Option<Observed>,
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
    let observed = observed(&reply, before);
    let status = reply.status.as_u16();
    let text = reply::json_text(reply, || redactor(http, options, secrets))?;
    Ok(Answered { text, status, observed })
}

fn observed(reply: &Reply, before: SystemTime) -> Option<Observed> {
    let date = reply.date.as_deref().filter(|_| !reply.cached)?;
    Some(Observed { before, after: SystemTime::now(), date: httpdate::parse_http_date(date.trim()).ok()? })
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
