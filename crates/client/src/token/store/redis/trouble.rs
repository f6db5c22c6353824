//! What is told of a Redis that cannot be used.

use std::io::{self, ErrorKind};

use super::super::Trouble;
use super::refusal::Refusal;
use super::resp::NoRedis;
use crate::error::system;
use crate::request::RedisServer;
use crate::tls::failure;

/// Why a command was of no use.
pub(super) enum Fault {
    /// No connection can be made.
    Unreachable(io::Error),
    /// The connection is gone.
    Lost(io::Error),
    /// The server refuses it.
    Refused(Refusal),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Fault::Lost(error)
    }
}

/// The trouble that a fault is, for whoever reads an error or a log.
pub(super) fn of(fault: &Fault, server: &RedisServer) -> Trouble {
    let (why, zh) = match fault {
        Fault::Refused(refusal) => refusal.in_words(),
        Fault::Unreachable(error) => unreachable(error, server),
        Fault::Lost(error) => lost(error, server),
    };
    Trouble(format!("the Redis of `token_store` cannot be used: {why} ({zh})"))
}

/// It did not answer in the time of a call.
pub(super) fn slow() -> Trouble {
    Trouble("the Redis of `token_store` does not answer in time (Redis没有及时响应,请Redis管理员检查)".to_owned())
}

pub(super) fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

fn unreachable(error: &io::Error, server: &RedisServer) -> (String, String) {
    let RedisServer { host, port, .. } = server;
    let why = if is_timeout(error) { "timed out".to_owned() } else { system::in_english(error) };
    (
        format!(
            "{host} port {port} cannot be reached: {why}; is it running, are host and port right, does a firewall let calls through?"
        ),
        format!("连不上Redis {host} 端口{port},请检查地址和端口是否正确、Redis是否已启动、防火墙是否放行"),
    )
}

fn lost(error: &io::Error, server: &RedisServer) -> (String, String) {
    if let Some(found) = error.get_ref().and_then(|inner| inner.downcast_ref::<NoRedis>()) {
        return no_redis(*found);
    }
    if let Some(rustls::Error::InvalidMessage(_)) = failure::rustls_error(error) {
        let why = "its port does not speak TLS: write `redis://` for `rediss://` in `token_store.redis`";
        return (why.to_owned(), "该端口不是TLS端口,请把rediss://改为redis://".to_owned());
    }
    if let Some((cause, detail)) = failure::of_redis(error) {
        return (detail, cause);
    }
    let closed = matches!(
        error.kind(),
        ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe
    );
    // A server that expects TLS closes; one that does not waits for the end of a line that never comes.
    match (is_timeout(error), closed, server.tls) {
        (true, _, false) => ("it does not answer in time".to_owned(), "Redis没有及时响应,请Redis管理员检查".to_owned()),
        (true, _, true) => (
            "it does not answer in time; if its port does not speak TLS, write `redis://` for `rediss://`".to_owned(),
            "Redis没有及时响应;如果该端口不是TLS端口,请把rediss://改为redis://".to_owned(),
        ),
        (_, true, false) => (
            "it closed the connection; if its port wants TLS, write `rediss://` for `redis://`".to_owned(),
            "Redis关闭了连接;如果该端口要求TLS,请把redis://改为rediss://".to_owned(),
        ),
        _ => (system::in_english(error), "与Redis的连接中断,请Redis管理员检查".to_owned()),
    }
}

fn no_redis(found: NoRedis) -> (String, String) {
    let (why, zh) = match found {
        NoRedis::Tls => (
            "its port wants TLS: write `rediss://` for `redis://` in `token_store.redis`",
            "该端口要求TLS,请把redis://改为rediss://",
        ),
        NoRedis::Http => (
            "a web server answers there, no Redis: give Redis' port, mostly 6379, in `token_store.redis`",
            "该端口是网页服务,不是Redis,请改为Redis的端口(一般是6379)",
        ),
        NoRedis::Other => (
            "what answers there is no Redis: give Redis' host and port in `token_store.redis`",
            "该地址上的服务不是Redis,请检查token_store.redis的地址和端口",
        ),
    };
    (why.to_owned(), zh.to_owned())
}
