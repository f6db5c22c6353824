//! Which way a request takes: straight, or through a proxy.

use super::environment::Environment;
use super::in_use::{ProxyInUse, Source};
use crate::error::Error;
use crate::request::{Address, Proxy, ProxyServer};
use rpa_signing::Secret;

/// The way of a request.
#[derive(Debug, Clone)]
pub(crate) enum Route {
    Direct,
    /// Plain HTTP: the proxy gets the request itself, in absolute form. Many proxies let CONNECT through to 443 alone.
    Forward(ProxyInUse),
    /// A tunnel by CONNECT.
    Connect(ProxyInUse),
    /// A connection by SOCKS5.
    Socks(ProxyInUse),
}

impl Route {
    /// The proxy on the way.
    pub(crate) fn proxy(&self) -> Option<&ProxyInUse> {
        match self {
            Route::Direct => None,
            Route::Forward(proxy) | Route::Connect(proxy) | Route::Socks(proxy) => Some(proxy),
        }
    }
}

/// Chooses the way to an address.
pub(crate) fn choose(setting: &Proxy, address: &Address) -> Result<Route, Error> {
    let proxy = match setting {
        Proxy::None => None,
        Proxy::Server(server) => Some(ProxyInUse { server: server.clone(), source: Source::Field }),
        Proxy::System => of_system(address)?,
    };
    Ok(by(proxy, address))
}

fn by(proxy: Option<ProxyInUse>, address: &Address) -> Route {
    match proxy {
        None => Route::Direct,
        Some(proxy) if proxy.server.socks => Route::Socks(proxy),
        Some(proxy) if address.https => Route::Connect(proxy),
        Some(proxy) => Route::Forward(proxy),
    }
}

/// The way that was not chosen, if there is another: straight, or by the proxy that the system names.
pub(crate) fn other(chosen: &Route, address: &Address) -> Option<Route> {
    if chosen.proxy().is_some() {
        return Some(Route::Direct);
    }
    if let Ok(Some((url, source))) = Environment::of_process().named_for(address) {
        return parse(url, source).ok().map(|proxy| by(Some(proxy), address));
    }
    #[cfg(windows)]
    if let Some(url) = super::windows::Settings::of_user().proxy_for(address) {
        return parse(&url, Source::Windows).ok().map(|proxy| by(Some(proxy), address));
    }
    None
}

/// What a proxy's answer must not show: its password, also as the header has it.
pub(crate) fn proxy_secrets(setting: &Proxy, address: &Address) -> Vec<Secret> {
    let Ok(route) = choose(setting, address) else { return Vec::new() };
    let Some(ProxyInUse { server, .. }) = route.proxy() else { return Vec::new() };
    let password = server.credentials.as_ref().map(|(_, password)| password.clone());
    password.into_iter().chain(server.authorization()).collect()
}

/// The proxy of the environment, then of Windows, unless it says that this host goes without.
fn of_system(address: &Address) -> Result<Option<ProxyInUse>, Error> {
    if let Some((url, source)) = Environment::of_process().proxy_for(address)? {
        return parse(url, source).map(Some);
    }
    #[cfg(windows)]
    if let Some(url) = super::windows::Settings::of_user().proxy_for(address) {
        return parse(&url, Source::Windows).map(Some);
    }
    Ok(None)
}

/// The environment's proxy is as good as a field of the request.
fn parse(url: &Secret, source: Source) -> Result<ProxyInUse, Error> {
    match ProxyServer::parse(url.expose()) {
        Ok(server) => Ok(ProxyInUse { server, source }),
        Err(not) => {
            let (cause, detail) = (format!("{}{}", source.zh(), not.cause), format!("{} {}", source.en(), not.detail));
            Err(Error::argument("proxy", cause, detail))
        }
    }
}
