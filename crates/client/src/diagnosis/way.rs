//! A way to the control center, gone step by step up to the TLS handshake: straight, or through a proxy. By the steps that
//! a call takes, but for whose certificate is accepted: any, since nothing is sent and what is shown is to be seen.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::background;
use crate::call::advice;
use crate::error::{Error, system};
use crate::http;
use crate::network::attempt::{Attempt, Call, Phase, Progress};
use crate::network::lookup::lookup;
use crate::network::tcp::Tcp;
use crate::proxy::in_use::ProxyInUse;
use crate::proxy::route::Route;
use crate::proxy::{socks, tunnel};
use crate::request::{Address, Trust, without_brackets};
use crate::tls::chain::Agreed;
use crate::tls::session::{Session, Settings};
use crate::tls::settings::client_config;

/// So many addresses of a host are tried.
const MOST_ADDRESSES: usize = 8;
/// Once one has answered, the others get this long.
const OTHERS: Duration = Duration::from_millis(500);

/// How far a way leads.
#[derive(Default)]
pub(super) struct Way {
    pub(super) proxy: Option<ProxyInUse>,
    /// Of the control center, or of the proxy.
    pub(super) addresses: Vec<SocketAddr>,
    /// Each with how long it took, or why it cannot be reached.
    pub(super) tried: Vec<(SocketAddr, Result<Duration, String>)>,
    pub(super) looked_up: Duration,
    pub(super) connected: Duration,
    pub(super) asked: Duration,
    pub(super) shaken: Duration,
    /// The phase in which it ended too early, and why.
    pub(super) failure: Option<(Phase, Error)>,
    pub(super) agreed: Option<Agreed>,
    /// It leads to a proxy that gets the request itself, and was not asked for the way on.
    pub(super) forwards: bool,
}

impl Way {
    pub(super) fn leads_on(&self) -> bool {
        self.failure.is_none()
    }

    /// Whether it led as far as the control center's own port.
    pub(super) fn reaches(&self) -> bool {
        !self.forwards && self.failure.as_ref().is_none_or(|(phase, _)| *phase == Phase::Tls)
    }
}

/// Goes the way. It takes no longer than `limit`.
pub(super) fn go(address: &Address, route: &Route, limit: Duration) -> Way {
    let until = Instant::now().checked_add(limit).unwrap_or_else(Instant::now);
    let call = Call { deadline: until, progress: Progress::default() };
    let attempt = Attempt::new(&call, limit);
    let forwards = matches!(route, Route::Forward(_));
    let mut way = Way { proxy: route.proxy().cloned(), forwards, ..Way::default() };
    if let Err(error) = way.steps(address, route, &attempt) {
        let target = format!("{}:{}", address.host(), address.port);
        let told = http::explain(&error, &attempt, way.proxy.as_ref(), &target);
        way.failure = Some((attempt.phase(), advice::about_host(told, address)));
    }
    way
}

impl Way {
    fn steps(&mut self, address: &Address, route: &Route, attempt: &Attempt) -> io::Result<()> {
        let (lookup_phase, connect_phase) = match self.proxy {
            Some(_) => (Phase::ProxyLookup, Phase::ProxyConnect),
            None => (Phase::Lookup, Phase::Connect),
        };
        let (name, port) = match &self.proxy {
            Some(proxy) => (proxy.server.host.clone(), proxy.server.port),
            None => (address.lookup_name().into_owned(), address.port),
        };
        attempt.enter(lookup_phase);
        let begun = Instant::now();
        let found = lookup(&name, port, attempt);
        self.looked_up = begun.elapsed();
        self.addresses = found?;
        attempt.tries(&self.addresses);
        attempt.enter(connect_phase);
        let begun = Instant::now();
        let connected = self.connect(attempt.time_left()?);
        self.connected = begun.elapsed();
        let mut tcp = connected?;
        let begun = Instant::now();
        let asked = ask(&mut tcp, address, route, attempt);
        self.asked = begun.elapsed();
        asked?;
        if address.https {
            attempt.enter(Phase::Tls);
            let begun = Instant::now();
            let agreed = shake_hands(&mut tcp, address, attempt);
            self.shaken = begun.elapsed();
            self.agreed = Some(agreed?);
        }
        Ok(())
    }

    /// Connects to all addresses at once; the first of them that answers is taken.
    fn connect(&mut self, limit: Duration) -> io::Result<Tcp> {
        let until = Instant::now().checked_add(limit).unwrap_or_else(Instant::now);
        let tries: Vec<_> = self.addresses.iter().take(MOST_ADDRESSES).copied().collect();
        let tries: Vec<_> =
            tries.into_iter().map(|address| (address, background::run(move || try_one(address, limit)))).collect();
        let (mut taken, mut failure, mut until) = (None, io::Error::from(io::ErrorKind::TimedOut), until);
        for (address, answer) in tries {
            let left = until.saturating_duration_since(Instant::now());
            let outcome = answer.take(left).unwrap_or_else(|| (Duration::ZERO, Err(io::ErrorKind::TimedOut.into())));
            let (took, connected) = outcome;
            let told = match connected {
                Ok(tcp) => {
                    if taken.is_none() {
                        taken = Some(tcp);
                        until = until.min(Instant::now().checked_add(OTHERS).unwrap_or(until));
                    }
                    Ok(took)
                }
                Err(error) => {
                    let why = if error.kind() == io::ErrorKind::TimedOut {
                        "timed out".to_owned()
                    } else {
                        system::in_english(&error)
                    };
                    failure = error;
                    Err(why)
                }
            };
            self.tried.push((address, told));
        }
        taken.ok_or(failure)
    }
}

fn try_one(address: SocketAddr, limit: Duration) -> (Duration, io::Result<Tcp>) {
    let begun = Instant::now();
    let until = begun.checked_add(limit).unwrap_or(begun);
    let attempt = Attempt::new(&Call { deadline: until, progress: Progress::default() }, limit);
    let connected = Tcp::connect(&[address], &attempt);
    (begun.elapsed(), connected)
}

/// Asks a proxy for the way on. One that forwards plain HTTP is not asked before the request.
fn ask(tcp: &mut Tcp, address: &Address, route: &Route, attempt: &Attempt) -> io::Result<()> {
    match route {
        Route::Direct | Route::Forward(_) => Ok(()),
        Route::Connect(proxy) => {
            attempt.enter(Phase::ProxyAnswer);
            let target = format!("{}:{}", address.host(), address.port);
            tunnel::open(&mut tcp.within(attempt), &target, proxy.server.authorization().as_ref())
        }
        Route::Socks(proxy) => {
            attempt.enter(Phase::ProxyAnswer);
            let host = without_brackets(address.host());
            socks::open(&mut tcp.within(attempt), proxy.server.credentials.as_ref(), host, address.port)
        }
    }
}

fn shake_hands(tcp: &mut Tcp, address: &Address, attempt: &Attempt) -> io::Result<Agreed> {
    let config = client_config(&Trust::Anything, &[]).map_err(|error| io::Error::other(error.detail))?;
    let settings = Settings::new(config);
    let mut session = Session::new(&settings, address.host())?;
    session.shake_hands(&settings, tcp, attempt)?;
    Ok(session.agreed())
}
