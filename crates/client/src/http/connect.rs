//! The steps to a new connection: name lookup, TCP, the proxy, TLS.

use std::io;
use std::time::Instant;

use super::connection::Connection;
use crate::network::attempt::{Attempt, Phase};
use crate::network::lookup::lookup;
use crate::network::tcp::Tcp;
use crate::proxy::route::Route;
use crate::proxy::{socks, tunnel};
use crate::request::{Address, ProxyServer, without_brackets};
use crate::tls::session::{Session, Settings};

/// Connects to an address, on the way that was chosen for it; under TLS where there are settings for it.
pub(super) fn connect(
    address: &Address,
    route: &Route,
    tls: Option<&Settings>,
    attempt: &Attempt,
) -> io::Result<Connection> {
    let started = Instant::now();
    let mut tcp = match route {
        Route::Direct => {
            attempt.enter(Phase::Lookup);
            let addresses = lookup(&address.lookup_name(), address.port, attempt)?;
            attempt.tries(&addresses);
            attempt.enter(Phase::Connect);
            Tcp::connect(&addresses, attempt)?
        }
        Route::Forward(proxy) => to_proxy(&proxy.server, attempt)?,
        Route::Connect(proxy) => {
            let mut tcp = to_proxy(&proxy.server, attempt)?;
            let target = format!("{}:{}", address.host(), address.port);
            tunnel::open(&mut tcp.within(attempt), &target, proxy.server.authorization().as_ref())?;
            tcp
        }
        Route::Socks(proxy) => {
            let mut tcp = to_proxy(&proxy.server, attempt)?;
            // The proxy looks the name up: it is the one that sees the network behind it.
            let host = without_brackets(address.host());
            socks::open(&mut tcp.within(attempt), proxy.server.credentials.as_ref(), host, address.port)?;
            tcp
        }
    };
    let session = match tls {
        None => None,
        Some(settings) => {
            attempt.enter(Phase::Tls);
            let mut session = Session::new(settings, address.host())?;
            let shaken = session.shake_hands(settings, &mut tcp, attempt);
            if session.is_certificate_wanted() {
                attempt.wants_certificate();
            }
            shaken.map(|()| Some(session))?
        }
    };
    let peer = tcp.peer();
    Ok(Connection::new(tcp, session, peer, started.elapsed()))
}

fn to_proxy(server: &ProxyServer, attempt: &Attempt) -> io::Result<Tcp> {
    attempt.enter(Phase::ProxyLookup);
    let addresses = lookup(&server.host, server.port, attempt)?;
    attempt.tries(&addresses);
    attempt.enter(Phase::ProxyConnect);
    let tcp = Tcp::connect(&addresses, attempt)?;
    attempt.enter(Phase::ProxyAnswer);
    Ok(tcp)
}
