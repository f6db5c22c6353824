//! A look at a Redis server: what a call does there, with a key of its own that is taken away again.

use std::time::Instant;

use super::super::examine::Examined;
use super::connection::Connection;
use super::resp::Answer;
use super::trouble::{self, Fault};
use super::{LEASE, SAVE, lease_key, owner, script, token_key};
use crate::request::RedisServer;

/// Should the key not be taken away, it goes by itself after so many milliseconds.
const KEPT: &[u8] = b"3000";

/// Keys: both.
const REMOVE: &str = "return redis.call('DEL', KEYS[1], KEYS[2])";

pub(in crate::token::store) fn examine(server: &RedisServer) -> Examined {
    let mut examined = Examined::default();
    if let Err(fault) = look(server, &mut examined) {
        examined.trouble = Some(trouble::of(&fault, server).0);
    }
    examined
}

fn look(server: &RedisServer, examined: &mut Examined) -> Result<(), Fault> {
    let mut connection = Connection::open(server)?;
    let begun = Instant::now();
    connection.exchange(&[b"PING"])?;
    examined.facts.push(("latency_us", begun.elapsed().as_micros().to_string()));
    // Its user need not be allowed to ask.
    if let Ok(Answer::Text(text)) = connection.exchange(&[b"INFO", b"server"]) {
        let text = String::from_utf8_lossy(&text).into_owned();
        let version = text.lines().find_map(|line| line.strip_prefix("redis_version:"));
        examined.facts.extend(version.map(|version| ("version", version.trim().to_owned())));
    }
    let name = format!("diagnosis-{}", owner().unwrap_or_default());
    let (token, lease) = (token_key(&name), lease_key(&name));
    let mut run = |command: Vec<Vec<u8>>| {
        let words: Vec<_> = command.iter().map(Vec::as_slice).collect();
        connection.exchange(&words)
    };
    run(["HMGET", &token, "generation", "sealed"].map(|word| word.as_bytes().to_vec()).into())?;
    run(script(LEASE, &[&token, &lease], &[b"diagnosis", KEPT, b"0", KEPT]))?;
    let saved = run(script(SAVE, &[&token], &[b"1", b"", KEPT]));
    let removed = run(script(REMOVE, &[&token, &lease], &[]));
    saved?;
    removed?;
    examined.facts.push(("writable", "true".to_owned()));
    examined.facts.push(("locks", "true".to_owned()));
    Ok(())
}
