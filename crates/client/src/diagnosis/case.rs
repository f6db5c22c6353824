//! What the checks of one diagnosis share.

use std::time::{Duration, Instant};

use super::RESERVE;
use super::USUAL_LIMIT;
use super::generation::{Shown, recognise};
use super::probe::{self, Probe, TOKEN_PATH};
use super::secret;
use super::way::Way;
use crate::basics::time::unix_ms;
use crate::error::{Error, Kind};
use crate::proxy::route::Route;
use crate::reply::redact::Redactor;
use crate::request::{CallRequest, Options, Pass, Proxy, Readable, Trust};
use crate::tls::ca_file;
use crate::tls::refused_certificate::Fault;
use crate::tls::settings::judge;
use ::http::{HeaderName, HeaderValue};
use rpa_signing::Secret;
use rpa_signing::scheme::{self, Mode};

pub(super) struct Case<'r> {
    pub(super) readable: &'r Readable<'r>,
    pub(super) request: &'r CallRequest<'r>,
    started: Instant,
    deadline: Instant,
    pub(super) ways: Ways,
    pub(super) probe: Asked,
    pub(super) secrets: Vec<Secret>,
}

/// The ways to the control center.
#[derive(Default)]
pub(super) struct Ways {
    pub(super) route: Option<Route>,
    pub(super) chosen: Option<Way>,
    pub(super) other: Option<Way>,
    /// Why there is no way at all.
    pub(super) refused: Option<Error>,
}

/// What was asked at the end of the way.
#[derive(Default)]
pub(super) struct Asked {
    /// Why the certificate is refused.
    pub(super) refused: Option<(Fault, String, String)>,
    /// What answered; where the certificate is refused, to whoever that is.
    pub(super) probe: Option<Probe>,
    /// The same at the address without the path in `host`.
    pub(super) without_prefix: bool,
    /// What answers through the proxy is none, and without it a control center does.
    pub(super) is_better_straight: bool,
    /// The path that was asked.
    pub(super) path: String,
    /// Which generation's control center it looks like.
    pub(super) shown: Shown,
    /// Of the certificates that were shown, whether `ca_file` was needed.
    pub(super) by_ca_file: bool,
    /// The file of CAs cannot be used.
    pub(super) unusable: Option<Error>,
}

impl Ways {
    /// Whether the way that was not taken is one through a proxy.
    pub(super) fn other_is_named(&self) -> bool {
        self.other.as_ref().is_some_and(|way| way.proxy.is_some())
    }
}

impl<'r> Case<'r> {
    pub(super) fn new(readable: &'r Readable<'r>, request: &'r CallRequest<'r>, started: Instant) -> Case<'r> {
        let limit = if readable.is_aside("timeout_ms") { USUAL_LIMIT } else { request.options.timeout };
        let deadline = started.checked_add(limit.saturating_sub(RESERVE.min(limit / 4))).unwrap_or(started);
        let secrets = secret::all(readable, request);
        Case { readable, request, started, deadline, ways: Ways::default(), probe: Asked::default(), secrets }
    }

    /// Hides what must not be shown.
    pub(super) fn redactor(&self) -> Redactor {
        let mut redactor = Redactor::default();
        redactor.hide(self.secrets.iter().map(Secret::expose));
        redactor
    }

    /// A part of the time that is left.
    pub(super) fn share(&self, part: f64) -> Duration {
        self.deadline.saturating_duration_since(Instant::now()).mul_f64(part)
    }

    /// The end of a part of the time that is left.
    pub(super) fn until(&self, part: f64) -> Instant {
        Instant::now().checked_add(self.share(part)).map_or(self.deadline, |at| at.min(self.deadline))
    }

    /// When it began.
    pub(super) fn started(&self) -> Instant {
        self.started
    }

    /// The way that a call takes, if it led as far as the control center's answer.
    pub(super) fn way(&self) -> Option<&Way> {
        self.ways.chosen.as_ref().filter(|way| way.leads_on())
    }

    /// `host:port`.
    pub(super) fn target(&self) -> String {
        format!("{}:{}", self.request.address.lookup_name(), self.request.address.port)
    }

    /// Whether the request has keys or a token that could be read.
    pub(super) fn has_pass(&self) -> bool {
        match self.request.pass {
            Pass::Given(_) if self.request.scheme.pass() == scheme::Pass::Nothing => true,
            Pass::Given(_) => ["accesstoken", "appkey"].iter().any(|name| self.readable.has(name)),
            Pass::Keys(_) => self.readable.has("accesskey") && self.readable.has("secretkey"),
        }
    }

    /// Judges the certificate, and asks what answers.
    pub(super) fn ask(&self) -> Asked {
        let mut asked = Asked::default();
        let Some(way) = self.way() else { return asked };
        let options = &self.request.options;
        let mut verified = true;
        if let Some(agreed) = &way.agreed {
            let (chain, host) = (&agreed.chain, self.request.address.host());
            let roots = match &options.trust {
                Trust::System { ca_file: Some(path) } => ca_file::certificates(path, self.share(0.1)).map(Some),
                _ => Ok(None),
            };
            let judged = match &roots {
                Err(error) => Err(error.clone()),
                Ok(roots) => {
                    let roots = roots.as_deref().map_or(&[][..], Vec::as_slice);
                    asked.by_ca_file = !roots.is_empty()
                        && matches!(judge(&Trust::System { ca_file: None }, &[], chain, host), Ok(Some(_)) | Err(_));
                    judge(&options.trust, roots, chain, host)
                }
            };
            match judged {
                Ok(refused) => asked.refused = refused,
                Err(error) => asked.unusable = Some(error),
            }
            verified = asked.refused.is_none() && asked.unusable.is_none() && !self.readable.is_aside("tls");
        }
        let until = self.until(0.5);
        let mut options = options.clone();
        options.headers.retain(|header| !names_method(header));
        if !verified {
            // To whoever that is, nothing goes that might be a secret.
            options.trust = Trust::Anything;
            options.headers.clear();
        }
        asked.path = self.path();
        let probe = probe::send(&self.request.address, &options, &asked.path, until);
        let is_lost = !probe.is_control_center() || probe.status == Some(404);
        if verified && is_lost && !self.request.address.prefix().is_empty() {
            let root = self.request.address.without_prefix();
            let there = probe::send(&root, &options, &asked.path, self.until(0.3));
            asked.without_prefix = there.is_control_center() && there.status != Some(404);
        }
        let straight = self.ways.other.as_ref().is_some_and(|other| other.proxy.is_none() && other.leads_on());
        if verified && straight && !probe.is_of_its_kind() {
            let options = Options { proxy: Proxy::None, ..options.clone() };
            let there = probe::send(&self.request.address, &options, &asked.path, self.until(0.3));
            asked.is_better_straight = there.is_of_its_kind();
        }
        let is_of_proxy = matches!(&probe.answer, Err(error) if error.kind == Kind::Proxy);
        if verified && probe.status.is_some() && !is_of_proxy {
            asked.shown = recognise(&self.request.address, &options, self.own_get(), self.share(0.3));
        }
        asked.probe = Some(probe);
        asked
    }

    /// A path that is there in the request's generation. Of 10.3 none is published but those that a caller knows.
    fn path(&self) -> String {
        let scheme = self.request.scheme;
        let own = self.own_get().filter(|_| scheme.pass() == scheme::Pass::AppKey);
        own.or(scheme.path()).unwrap_or(TOKEN_PATH).to_owned()
    }

    /// The path of the request, where that is a get which only reads. Some start work, or bring a file; and some servers take
    /// another method from a header.
    pub(super) fn own_get(&self) -> Option<&str> {
        let has = |name: &str| self.readable.has(name);
        let is_more = ["wait", "save_to"].into_iter().any(has) || self.options().headers.iter().any(names_method);
        let is_get = has("rest_type") && has("mode") && self.request.mode == Mode::Get && !is_more;
        is_get.then_some(&*self.request.path)
    }

    /// What answered, where it is known whose answer it is.
    pub(super) fn verified_probe(&self) -> Option<&Probe> {
        let Asked { refused, unusable, probe, .. } = &self.probe;
        probe.as_ref().filter(|_| refused.is_none() && unusable.is_none() && !self.readable.is_aside("tls"))
    }

    /// How far the control center's clock is ahead of this machine's, and how sure that is, in milliseconds.
    pub(super) fn clock_offset(&self) -> Option<(i64, i64)> {
        let (before, date, after) = self.probe.probe.as_ref()?.date?;
        let (before, after) = (unix_ms(before), unix_ms(after));
        // A `Date` has lost its fraction of a second: half of one on average.
        Some((unix_ms(date) + 500 - (before + after) / 2, (after - before) / 2 + 500))
    }

    /// The request's options, for requests of which none may take longer than its share.
    pub(super) fn options(&self) -> &Options {
        &self.request.options
    }
}

fn names_method((name, _): &(HeaderName, HeaderValue)) -> bool {
    name.as_str().contains("method")
}
