//! The way through a proxy as a link in ureq's chain of connectors.

use ureq::unversioned::transport::{ConnectionDetails, Connector, Transport, TransportAdapter};
use ureq::{Error, Proxy, ProxyProtocol};

use super::route::Route;
use super::{socks, tunnel};
use crate::http::lookup::bare_host;
use crate::http::tcp::{self, TcpTransport};
use crate::http::wire::{self, Phase};
use crate::request::ProxyServer;
use rpa_signing::Secret;

/// Connects to the control center through the proxy of the request, if it has one.
#[derive(Debug)]
pub(crate) struct ProxyConnector;

impl<In: Transport> Connector<In> for ProxyConnector {
    type Out = TcpTransport;

    fn connect(&self, details: &ConnectionDetails, _: Option<In>) -> Result<Option<Self::Out>, Error> {
        let Some(proxy) = details.config.proxy() else { return Ok(None) };
        wire::enter_proxy();
        // The limits that count are those of the attempt; the adapter has none.
        let mut stream = TransportAdapter::new(tcp::open(proxy.uri(), details.config)?, details.current_time.clone());
        wire::enter(Phase::Proxy);
        let server = of_ureq(proxy);
        let port = details.uri.port_u16().unwrap_or(if details.needs_tls() { 443 } else { 80 });
        if server.socks {
            socks::open(&mut stream, server.credentials.as_ref(), bare_host(details.uri), port)?;
        } else {
            let target = format!("{}:{port}", details.uri.host().unwrap_or(""));
            tunnel::open(&mut stream, &target, server.authorization().as_ref())?;
        }
        wire::leave_proxy();
        Ok(Some(stream.into_inner()))
    }
}

/// The proxy of a route as ureq's settings hold it.
pub(crate) fn to_ureq(route: &Route) -> Result<Option<Proxy>, Error> {
    let (Route::Connect(proxy) | Route::Socks(proxy)) = route else { return Ok(None) };
    let server = &proxy.server;
    let protocol = if server.socks { ProxyProtocol::Socks5 } else { ProxyProtocol::Http };
    let mut made = Proxy::builder(protocol).host(&server.host).port(server.port);
    // The proxy looks the name up, as for HTTP: it is the one that sees the network behind it.
    made = made.resolve_target(false);
    if let Some((user, password)) = &server.credentials {
        made = made.username(user.expose()).password(password.expose());
    }
    made.build().map(Some)
}

fn of_ureq(proxy: &Proxy) -> ProxyServer {
    let secret = |text: Option<&str>| Secret::new(text.unwrap_or("").to_owned());
    ProxyServer {
        socks: !matches!(proxy.protocol(), ProxyProtocol::Http | ProxyProtocol::Https),
        host: proxy.host().to_owned(),
        port: proxy.port(),
        credentials: proxy.username().map(|user| (secret(Some(user)), secret(proxy.password()))),
    }
}
