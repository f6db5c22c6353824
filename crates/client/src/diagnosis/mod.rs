//! A diagnosis: a request, looked at from end to end, for what is wrong with it first, and whose turn it is.
//!
//! | module | looks at |
//! |---|---|
//! | `library`, `machine` | what runs, and where |
//! | `settings` | each field, where its value came from, and what is odd about it |
//! | `dns`, `route`, `tcp`, `proxy` | the way to the control center; `way` goes it |
//! | `tls` | the certificate, and who vouches for it |
//! | `http`, `generation`, `clock` | what answers, of which generation it is, and when; `probe` asks |
//! | `store`, `token`, `signature` | the token, and a signed call |
//! | `verdict` | what of all that is the cause, and what follows from it |
//! | `report`, `secret` | all of it as JSON, without secrets |
//! | `check`, `background`, `case` | what the others are made of |
//!
//! Each step is that of a call, by the call's own code. Nothing is changed on the control center, and no check takes longer
//! than its share of `timeout_ms`.

mod background;
mod case;
mod check;
mod clock;
mod dns;
mod generation;
mod http;
mod library;
mod machine;
mod probe;
mod proxy;
mod report;
mod route;
mod said;
mod secret;
mod settings;
mod signature;
mod store;
mod tcp;
mod tls;
mod token;
mod verdict;
mod way;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::call::exchange::target;
use crate::error::Error;
use crate::network::attempt::Progress;
use crate::proxy::route as proxy_route;
use crate::request::{Readable, RequestText};
use case::{Case, Ways};
use check::{Check, Words};
use report::Report;
use signature::Answer;

/// What the verdict and the reply take at most.
const RESERVE: Duration = Duration::from_millis(300);
/// Where the request does not say.
const USUAL_LIMIT: Duration = Duration::from_secs(30);

/// The names of the checks, in their order.
const NAMES: [&str; 11] =
    ["settings", "dns", "route", "tcp", "proxy", "tls", "http", "clock", "store", "token", "signature"];

/// The diagnosis of a request. `file`: where the library itself lies, as far as its loader knows.
pub(crate) fn run(request: Result<&RequestText<'_>, Error>, file: Option<PathBuf>, progress: &Progress) -> Vec<u8> {
    let started = Instant::now();
    let library = background::run(move || library::facts(file));
    let read = request.and_then(Readable::read);
    let mut report = match &read {
        Err(error) => unreadable(error),
        Ok(readable) => match readable.request() {
            Err(error) => unreadable(&error),
            Ok(request) => {
                let case = Case::new(readable, &request, started);
                case.note_target(progress);
                case.diagnose()
            }
        },
    };
    report.library = library.take(Duration::from_millis(500)).unwrap_or_default();
    report.machine = machine::facts();
    report.write()
}

/// Nothing can be checked but what runs here.
fn unreadable(error: &Error) -> Report {
    let field = error.field.as_deref().unwrap_or_default();
    let mut checks = vec![Check::fail("settings", Words::of(error), field, check::Turn::You)];
    let skip = |name: &&'static str| Check::skipped(name, "请求无法读取", "the request cannot be read");
    checks.extend(NAMES[1..].iter().map(skip));
    Report { checks, ..Report::default() }
}

impl Case<'_> {
    /// What is looked at, for whoever is told of it.
    fn note_target(&self, progress: &Progress) {
        if !self.readable.is_aside("host") {
            let path = if self.readable.has("rest_type") { &*self.request.path } else { "" };
            let url = self.request.address.url(path);
            progress.seen().target =
                Some(target(&self.request.address, &url, |path| self.redactor().is_shown_in(path)));
        }
    }

    fn diagnose(mut self) -> Report {
        let (settings, listed) = settings::check(&self);
        let place = store::begin(&self);
        self.ways = self.go();
        let mut checks = vec![settings];
        checks.push(dns::check(&self));
        checks.push(route::check(&self));
        checks.push(tcp::check(&self));
        self.probe = self.ask();
        if self.probe.without_prefix {
            settings::blame_path(&self, &mut checks);
        }
        checks.push(proxy::check(&self));
        checks.push(tls::check(&self));
        checks.push(http::check(&self));
        settings::follow_generation(&self, &mut checks);
        let mut token = token::check(&self);
        // A server may quote what it was sent.
        self.secrets.extend(token.token.clone());
        let signed = signature::check(&self, &token);
        if let Answer::RefusesToken(said) = &signed.answer {
            token.is_refused(&self, said);
        }
        if signed.answer.is_taken() || token.is_new {
            // Whoever gives tokens and takes signed calls is a control center, whatever else it answers.
            http::is_known(&mut checks, signed.answer.has_run() || token.is_new);
        }
        checks.push(clock::check(&self, &signed));
        checks.push(store::end(&self, place));
        checks.push(token.check);
        checks.push(signed.check);
        verdict::settle(&self, &mut checks);
        Report { checks, settings: listed, secrets: self.secrets, ..Report::default() }
    }

    /// Goes the chosen way and the other one, at once.
    fn go(&self) -> Ways {
        let address = &self.request.address;
        if self.readable.is_aside("host") || self.readable.is_aside("port") {
            return Ways::default();
        }
        let route = match proxy_route::choose(&self.request.options.proxy, address) {
            Ok(route) if !self.readable.is_aside("proxy") => route,
            Ok(_) => return Ways::default(),
            Err(error) => return Ways { refused: Some(error), ..Ways::default() },
        };
        let limit = self.request.options.connect_timeout.min(self.share(0.45));
        let other = proxy_route::other(&route, address);
        let begin = |route: proxy_route::Route| {
            let address = address.clone();
            background::run(move || way::go(&address, &route, limit))
        };
        let (chosen, beside) = (begin(route.clone()), other.map(begin));
        let patience = limit + RESERVE;
        let chosen = chosen.take(patience);
        // Where the chosen way leads on, the other one is worth no long wait.
        let leads_on = chosen.as_ref().is_some_and(way::Way::leads_on);
        let begun = Instant::now();
        let rest = if leads_on {
            Duration::from_millis(1500).min(self.share(0.2))
        } else {
            patience.saturating_sub(begun.elapsed())
        };
        let other = beside.and_then(|beside| beside.take(rest));
        Ways { route: Some(route), chosen, other, refused: None }
    }
}
