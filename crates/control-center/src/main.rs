//! An emulator of the control center, for people who have no licence at hand, for the demo and for
//! the tests.
//!
//! It speaks the generations of the OpenAPI: it hands out tokens, checks the signature of every
//! other call from the raw bytes it received, and keeps processes, robots, jobs and files in memory. What
//! checks uses nothing of the library it helps to test, so one mistake cannot hide in both; the page's form
//! alone (`page::form`) calls the library, as any client does.
//!
//! Only `GET /oapi/v1/token` and `POST /oapi/v1/job/create`, and of generation 9 `/rapi/rcall.action`, are paths the
//! vendor has published. All others are this emulator's own; `--help` lists them.
//!
//! The first line on stdout is JSON for programs ([`Greeting`]); stderr has one line per request for
//! people.

#![forbid(unsafe_code)]
#![allow(missing_docs, reason = "a program has no users of its code")]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod actions;
mod admission;
mod args;
mod call;
mod catalog;
mod clock;
mod content_type;
mod counts;
mod documents;
mod envelope;
mod files;
mod front;
mod generation;
mod handlers;
mod hint;
mod job;
mod job_refusal;
mod jobs;
mod log;
mod look;
mod mistakes;
mod notes;
mod page;
mod params;
mod percent;
mod probe;
mod random;
mod retold;
mod routes;
mod rules;
mod scheme;
mod secrets;
mod signature;
mod source;
mod stop;
mod tls;
mod tokens;
mod visit;
mod visits;
mod words;

use std::error::Error;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::RustlsConfig;
use clap::Parser;
use serde::Serialize;

use actions::Vars;
use args::Args;
use clock::Clock;
use counts::Counts;
use files::book::Files;
use generation::Generation;
use jobs::Jobs;
use log::Log;
use percent::Accepted;
use rules::{CurrentRules, Rules};
use stop::Stop;
use tls::Identity;
use tokens::{TokenShape, Tokens};
use visits::Visits;

/// The one access key, known to everybody: it protects nothing but the emulator.
pub const ACCESS_KEY: &str = "demo-access-key";
/// The secret key that goes with [`ACCESS_KEY`].
pub const SECRET_KEY: &str = "demo-secret-key";

/// The one appkey of generation 10.3.
pub const APP_KEY: &str = "demo-appkey";

/// How long calls under way may go on once the emulator was told to end.
const FAREWELL: Duration = Duration::from_millis(500);

/// All that the handlers share.
pub struct Center {
    /// Where it can be called.
    pub base: String,
    /// SHA-256 of the certificate; `None` without TLS.
    pub fingerprint: Option<String>,
    /// By which names a browser may ask for the page, beside addresses.
    pub names: Vec<String>,
    pub generation: Generation,
    pub rules: CurrentRules,
    pub clock: Clock,
    pub token_shape: TokenShape,
    pub token_delay: Duration,
    pub tokens: Tokens,
    pub jobs: Jobs,
    pub files: Files,
    pub vars: Vars,
    pub counts: Counts,
    pub visits: Visits,
    pub log: Log,
}

/// The first line on stdout: what a program needs to know to make its first call.
#[derive(Serialize)]
struct Greeting<'a> {
    base: &'a str,
    accesskey: &'a str,
    secretkey: &'a str,
    appkey: &'a str,
    /// SHA-256 of the certificate, upper-case hex with colons; null without TLS.
    fingerprint: Option<&'a str>,
    /// The certificate as a PEM file, to be trusted as it is; null without TLS.
    pem: Option<&'a Path>,
    generation: Generation,
    encoding: Accepted,
    pid: u32,
}

fn main() -> ExitCode {
    match run(Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "control_center: {error}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn run(args: Args) -> Result<(), Box<dyn Error>> {
    let listen = SocketAddr::new(args.listen, args.port());
    let listener = TcpListener::bind(listen).map_err(|e| format!("cannot listen on {listen}: {e}"))?;
    let base = base_url(args.tls, listener.local_addr()?);
    let identity = match args.tls {
        true => Some(Identity::fresh(&args.names, args.pem.as_deref())?),
        false => None,
    };
    // Before the greeting: whoever reads it may end the emulator at once.
    let stop = Stop::listen(args.until_stdin_closes)?;

    let center = Arc::new(Center {
        base: base.clone(),
        fingerprint: identity.as_ref().map(|identity| identity.fingerprint.clone()),
        names: args.names.clone(),
        generation: args.generation,
        rules: CurrentRules::new(Rules { encoding: args.encoding(), refuse_signature: args.refuse_signature.clone() }),
        clock: Clock::new(args.clock_skew),
        token_shape: args.token_shape,
        token_delay: Duration::from_millis(args.token_delay_millis),
        tokens: Tokens::new(args.token_ttl, args.single_token),
        jobs: Jobs::new(args.job_millis),
        files: Files::default(),
        vars: Vars::default(),
        counts: Counts::default(),
        visits: Visits::default(),
        log: Log::to_stderr(),
    });

    greet(&Greeting {
        base: &base,
        accesskey: ACCESS_KEY,
        secretkey: SECRET_KEY,
        appkey: APP_KEY,
        fingerprint: identity.as_ref().map(|i| i.fingerprint.as_str()),
        pem: identity.as_ref().map(Identity::pem_path),
        generation: args.generation,
        encoding: args.encoding(),
        pid: std::process::id(),
    })?;
    let (generation, rule) = (args.generation.name(), args.encoding().name());
    center.log.line(format!(
        "control center emulator at {base}, generation {generation}, signatures by the {rule} rule; Ctrl-C ends it"
    ));

    let served = serve(Arc::clone(&center), listener, identity.as_ref(), stop).await;
    center.log.line("control center emulator ends".to_owned());
    center.log.flush(FAREWELL);
    Ok(served?)
}

async fn serve(
    center: Arc<Center>,
    listener: TcpListener,
    identity: Option<&Identity>,
    stop: Stop,
) -> std::io::Result<()> {
    let handle = axum_server::Handle::new();
    let ender = handle.clone();
    let ending = Arc::clone(&center);
    tokio::spawn(async move {
        stop.wait().await;
        ending.visits.end();
        ender.graceful_shutdown(Some(FAREWELL));
    });

    let log_of_failures = Arc::clone(&center);
    let on_failure = move |peer: Option<&SocketAddr>, error: &std::io::Error| {
        log_of_failures.connection_failed(peer, error);
    };
    let app = page::router(Arc::clone(&center), routes::router(center)).into_make_service();
    match identity {
        Some(identity) => {
            let config = RustlsConfig::from_config(Arc::clone(&identity.config));
            axum_server::from_tcp_rustls(listener, config)?
                .map(|tls| tls.acceptor(NoDelayAcceptor::new()))
                .handle(handle)
                .http1_only()
                .accept_error_handler(on_failure)
                .serve(app)
                .await
        }
        None => {
            axum_server::from_tcp(listener)?
                .acceptor(NoDelayAcceptor::new())
                .handle(handle)
                .http1_only()
                .accept_error_handler(on_failure)
                .serve(app)
                .await
        }
    }
}

impl Center {
    /// A client that does not trust the certificate shows up here, never as a request.
    fn connection_failed(&self, peer: Option<&SocketAddr>, error: &std::io::Error) {
        let peer = peer.map_or_else(|| "a client".to_owned(), SocketAddr::to_string);
        let time = self.clock.time_of_day();
        self.log.line(format!("{time}  no connection with {peer}: {error}"));
    }
}

/// The URL to call. An address that means "all of this machine" cannot be called, so the loopback
/// stands in for it.
fn base_url(tls: bool, address: SocketAddr) -> String {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    let scheme = if tls { "https" } else { "http" };
    format!("{scheme}://{}", SocketAddr::new(ip, address.port()))
}

/// Flushed, since stdout to a pipe is read by a program that waits for this line.
fn greet(greeting: &Greeting) -> Result<(), Box<dyn Error>> {
    let line = serde_json::to_string(greeting)?;
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()?;
    Ok(())
}

#[cfg(test)]
impl Center {
    fn for_tests() -> Self {
        Self {
            base: "http://127.0.0.1:8080".to_owned(),
            fingerprint: None,
            names: vec!["localhost".to_owned()],
            generation: Generation::V2020_4,
            rules: CurrentRules::new(Rules { encoding: Accepted::Python, refuse_signature: None }),
            clock: Clock::new(0),
            token_shape: TokenShape::Object,
            token_delay: Duration::ZERO,
            tokens: Tokens::new(Duration::from_secs(2), false),
            jobs: Jobs::new(600),
            files: Files::default(),
            vars: Vars::default(),
            counts: Counts::default(),
            visits: Visits::default(),
            log: Log::to_stderr(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_can_be_called() {
        let base = |tls, text: &str| base_url(tls, text.parse().unwrap());
        assert_eq!(base(true, "127.0.0.1:8443"), "https://127.0.0.1:8443");
        assert_eq!(base(false, "0.0.0.0:80"), "http://127.0.0.1:80");
        assert_eq!(base(false, "[::]:8080"), "http://[::1]:8080");
    }
}
